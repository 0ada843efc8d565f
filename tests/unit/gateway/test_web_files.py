"""The built files of the web client: encodings, caching, and what may be loaded."""

import pytest

from chatterroom.gateway.answers import Answer
from chatterroom.gateway.web_files import load_web_files
from chatterroom.gateway.web_pages import WebPages

SCRIPT = "/assets/index-BC7nXN2v.js"


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>the client")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "secrets.pem").write_text("not for the web")
    script = tmp_path / "assets" / "index-BC7nXN2v.js"
    script.write_text("'the script'")
    script.with_name(script.name + ".br").write_bytes(b"as brotli")
    script.with_name(script.name + ".gz").write_bytes(b"as gzip")
    return tmp_path


def headers_of(answer):
    return dict(answer._all_headers())


def test_what_is_not_built_is_no_files(tmp_path):
    assert load_web_files(tmp_path / "nowhere") == {}


def test_only_files_of_known_types_are_served_and_none_by_its_compressed_name(directory):
    assert set(load_web_files(directory)) == {"/index.html", "/icon.svg", SCRIPT}


@pytest.mark.parametrize(
    ("accepted", "body", "encoding"),
    [
        (b"gzip, deflate, br", b"as brotli", b"br"),
        (b"gzip", b"as gzip", b"gzip"),
        (b"br;q=0, gzip;q=0.5", b"as gzip", b"gzip"),
        (b"identity", b"'the script'", None),
        (b"", b"'the script'", None),
    ],
)
def test_the_best_encoding_that_is_accepted_is_sent(directory, accepted, body, encoding):
    answer = load_web_files(directory)[SCRIPT].answer({b"accept-encoding": accepted})
    assert answer.body == body
    assert headers_of(answer).get(b"content-encoding") == encoding
    assert headers_of(answer)[b"vary"] == b"accept-encoding"


def test_hashed_files_are_kept_for_good_and_the_page_is_asked_for_again(directory):
    files = load_web_files(directory)
    assert b"immutable" in headers_of(files[SCRIPT].answer({}))[b"cache-control"]
    assert headers_of(files["/index.html"].answer({}))[b"cache-control"] == b"no-cache"


def test_a_page_that_has_not_changed_is_not_sent_again(directory):
    page = load_web_files(directory)["/index.html"]
    again = page.answer({b"if-none-match": headers_of(page.answer({}))[b"etag"]})
    assert (again.status, again.body) == (304, b"")


def test_a_page_runs_nothing_inline_and_is_not_framed(directory):
    headers = headers_of(load_web_files(directory)["/index.html"].answer({}))
    policy = headers[b"content-security-policy"]
    assert policy.startswith(b"default-src 'none'; script-src 'self'; style-src 'self'")
    assert b"frame-ancestors 'none'" in policy
    assert b"unsafe" not in policy
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert b"camera=()" in headers[b"permissions-policy"]


class TestPaths:
    NOT_BUILT = Answer(200, b"how to build it")

    def answer(self, files, path, method="GET", accept=b"text/html,*/*"):
        pages = WebPages(
            files, self.NOT_BUILT, frozenset({"/chat-service/rooms/{room_id}", "/docs"})
        )
        return pages._answer({"method": method, "path": path, "headers": [(b"accept", accept)]})

    @pytest.mark.parametrize("path", ["/", "/login", "/r/01kax40c6p8r2t4v7x9z1b3d5g", "/settings"])
    def test_paths_of_the_client_get_its_page(self, directory, path):
        assert self.answer(load_web_files(directory), path).body == b"<!doctype html>the client"

    @pytest.mark.parametrize(
        "path", ["/chat-service/nothing", "/docs/nothing", "/ws/nothing", "/assets/gone.js"]
    )
    def test_what_looks_like_an_endpoint_or_a_file_does_not(self, directory, path):
        assert self.answer(load_web_files(directory), path) is None

    def test_programs_and_writers_do_not_get_the_page(self, directory):
        files = load_web_files(directory)
        assert self.answer(files, "/nothing", accept=b"application/json") is None
        assert self.answer(files, "/", method="POST") is None

    def test_without_built_files_the_root_says_how_to_build_them(self):
        assert self.answer({}, "/") is self.NOT_BUILT
        assert self.answer({}, "/login") is None


async def test_a_gateway_answers_the_root_with_a_page_and_unknown_paths_with_a_problem(world):
    root = await world.client.get("/", headers={"accept": "text/html"})
    assert (root.status_code, root.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "ChatterRoom" in root.text
    unknown = await world.client.get("/nothing", headers={"accept": "application/json"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
