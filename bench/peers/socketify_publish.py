"""socketify (uWebSockets): receivers subscribe to a topic, whatever anybody says is published."""

# Runs in an environment of its own, whose packages ours does not know.
# mypy: ignore-errors

import sys
from typing import Any

from socketify import App, CompressOptions

app = App()
_MAX_BACKPRESSURE_BYTES = 16 * 1024 * 1024


def subscribe(ws: Any) -> None:
    """Let a receiver in."""
    ws.subscribe("room")


def publish(ws: Any, text: Any, opcode: Any) -> None:
    """Tell the room."""
    del ws
    app.publish("room", text, opcode)


app.ws(
    "/receive",
    {
        "compression": CompressOptions.DISABLED,
        "max_backpressure": _MAX_BACKPRESSURE_BYTES,
        "open": subscribe,
        "message": publish,
    },
)
app.ws("/send", {"compression": CompressOptions.DISABLED, "message": publish})
app.listen({"port": int(sys.argv[1]), "host": "127.0.0.1"})
app.run()
