"""Firefox, driven through WebDriver BiDi: it needs no driver program, only Firefox itself.

https://w3c.github.io/webdriver-bidi/
"""

import contextlib
import itertools
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

__all__ = ["Firefox", "running_firefox"]

_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_PREFERENCES = """
user_pref("app.normandy.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:1/");
user_pref("toolkit.telemetry.enabled", false);
user_pref("ui.prefersReducedMotion", 1);
"""
_CALL_S = 20.0
_SEEN_S = 15.0
_POLL_S = 0.05

Node = dict[str, Any]


@contextlib.contextmanager
def running_firefox(program: str, profile: Path) -> Iterator["Firefox"]:
    """Run Firefox with an empty profile, in one window."""
    profile.mkdir(parents=True)
    (profile / "user.js").write_text(_PREFERENCES)
    log = profile / "firefox.log"
    command = [program, "--headless", "--no-remote", "--remote-debugging-port", "0"]
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, "--profile", profile, "--width", "1280", "--height", "800"],
            stdout=output,
            stderr=output,
            env={"HOME": str(profile), "PATH": "/usr/bin:/bin"},
        ) as process,
    ):
        try:
            listening = _until(lambda: _LISTENING.search(log.read_text()), "Firefox")
            with connect(f"{listening[1]}/session", proxy=None, max_size=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()


class Firefox:
    """A page in Firefox. `errors` are what its console shows as errors."""

    def __init__(self, socket: ClientConnection) -> None:
        self.errors: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._call("session.new", capabilities={})
        self._call("session.subscribe", events=["log.entryAdded"])
        self._page = self._call("browsingContext.create", type="tab")["context"]

    def goto(self, url: str) -> None:
        """Open an address, and return when the page has loaded."""
        self._call("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def reload(self) -> None:
        """Load the page again."""
        self._call("browsingContext.reload", context=self._page, wait="complete")

    def find(self, role: str, name: str) -> Node:
        """Wait for the first element with a role and an accessible name."""
        locator = {"type": "accessibility", "value": {"role": role, "name": name}}
        nodes: list[Node] = _until(
            lambda: self._call("browsingContext.locateNodes", context=self._page, locator=locator)[
                "nodes"
            ],
            f"{role} {name!r}",
        )
        return nodes[0]

    def click(self, role: str, name: str) -> None:
        """Click in the middle of an element, with a mouse."""
        origin = {"type": "element", "element": {"sharedId": self.find(role, name)["sharedId"]}}
        self._act(
            {
                "type": "pointer",
                "id": "mouse",
                "actions": [
                    {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
                    {"type": "pointerDown", "button": 0},
                    {"type": "pointerUp", "button": 0},
                ],
            }
        )

    def type(self, text: str) -> None:
        """Type on a keyboard; "\\n" is Enter, "\\t" is Tab."""
        keys = text.replace("\n", "\ue007").replace("\t", "\ue004")
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page: text, a number, true, false or None."""
        result = self._call(
            "script.evaluate",
            expression=expression,
            target={"context": self._page},
            awaitPromise=True,
        )
        assert result["type"] == "success", result
        return result["result"].get("value")

    def see(self, text: str) -> None:
        """Wait until a text is on the page."""
        shown = ""

        def is_shown() -> bool:
            nonlocal shown
            shown = self.evaluate("document.body.innerText")
            return text in shown

        try:
            _until(is_shown, repr(text))
        except AssertionError as missing:
            missing.add_note(f"The page shows:\n{shown}")
            raise

    def _act(self, source: dict[str, Any]) -> None:
        self._call("input.performActions", context=self._page, actions=[source])

    def _call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(_CALL_S))
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self.errors.append(answer["params"]["text"])
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]


def _until(look: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + _SEEN_S
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not seen within {_SEEN_S:g} s: {what}"
        time.sleep(_POLL_S)
    return seen
