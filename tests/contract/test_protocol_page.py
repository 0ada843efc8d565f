"""The tables of docs/protocol.md name what there is."""

import json
import re

import pytest

from chatterroom.core.errors import ErrorCode
from chatterroom.gateway.app import ENDPOINTS
from chatterroom.gateway.errors import status_of
from chatterroom.gateway.pages import load_pages
from chatterroom.pb import chat_pb2, discovery_pb2, users_pb2
from chatterroom.sockets.frames import CloseCode

from .conftest import DOCS, messages, problems

WAYS = ("receive", "send")
PAGE = (DOCS / "protocol.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables below a heading, up to the next heading of any level."""
    section = re.split(r"\n#+ ", PAGE.partition(f"# {heading}\n")[2])[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def coded(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_error_code_is_explained_with_its_status():
    told = {coded(row[0])[0]: row[1] for row in rows("Errors") if coded(row[0])}
    assert set(told) == {code.value for code in ErrorCode}
    for code in ErrorCode:
        assert told[code.value] in {str(status_of(code).value), "never sent"}


def test_every_endpoint_is_in_the_table():
    told = set()
    for row in rows("Endpoints")[2:]:
        method = ""
        for text in coded(row[0]):
            # A row may name several paths of one method.
            first, _, path = text.rpartition(" ")
            method = first or method
            told.add((method, path.partition("?")[0]))
    assert told == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    assert not any(path in load_pages(ENDPOINTS) for _, path in told)


def test_every_close_code_is_explained():
    told = {row[0] for row in rows("Close codes")[2:]}
    assert told == {str(code.value) for code in CloseCode} | {"none (1006)"}


@pytest.mark.parametrize("module", [users_pb2, chat_pb2, discovery_pb2])
def test_every_rpc_is_named(module):
    (service,) = module.DESCRIPTOR.services_by_name.values()
    told = {
        coded(row[0])[0]: coded(row[1]) for row in rows("gRPC") if len(row) == 2 and coded(row[0])
    }
    assert set(told[service.full_name]) == set(service.methods_by_name)


def test_every_command_and_every_event_has_a_paragraph():
    begun = re.findall(r"^((?:`\w+`(?: and )?)+) —", PAGE, re.MULTILINE)
    named = {name for names in begun for name in coded(names)}
    assert named == {*messages("chat", "receive"), *messages("chat", "send")}


def test_the_examples_of_messages_are_valid():
    shown = [json.loads(text) for text in re.findall(r'^{"type": .*}$', PAGE, re.MULTILINE)]
    known = [messages(channel, way) for channel in ("chat", "alert") for way in WAYS]
    for example in shown:
        schemas = [each[example["type"]] for each in known if example["type"] in each]
        assert any(problems(each["payload"], example) == [] for each in schemas), example
    assert {example["type"] for example in shown} >= set(messages("chat", "receive"))
