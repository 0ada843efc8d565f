"""python-socketio on uvicorn: receivers join a room, whatever anybody says goes to the room."""

# Runs in an environment of its own, whose packages ours does not know.
# mypy: ignore-errors

import sys
from typing import Any
from urllib.parse import parse_qs

import socketio
import uvicorn

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], http_compression=False)


@server.event
async def connect(sid: str, environ: dict[str, Any]) -> None:
    """Let receivers into the room."""
    if parse_qs(environ["QUERY_STRING"]).get("role") == ["receiver"]:
        await server.enter_room(sid, "room")


@server.event
async def message(sid: str, text: str) -> None:
    """Tell the room."""
    del sid
    await server.emit("message", text, room="room")


if __name__ == "__main__":
    uvicorn.run(
        socketio.ASGIApp(server),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        ws_per_message_deflate=False,
        log_level="warning",
    )
