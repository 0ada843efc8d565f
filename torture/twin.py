"""`python -m torture.twin NAME …` is `chatterroom …`, told to reach its engines by links.

NAME is `whole`, or the mutant that its chat service is broken by.
"""

import argparse
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatterroom import cli
from chatterroom.engines.up import UpOptions, run
from torture.mutants import MUTANTS

__all__ = ["WHOLE", "link_variable", "main", "reach_mongod_by_link"]

WHOLE = "whole"

_PORT = re.compile(r"(?<=:)\d+(?=[,/])")


def main() -> int:
    """Start what is asked for; `up` starts its services by way of this module again."""
    name, command, *arguments = sys.argv[1:]
    if command == "up":
        return run(_up_options(arguments), (sys.executable, "-m", "torture.twin", name))
    if command == "chat" and name != WHOLE:
        MUTANTS[name].apply()
    _reach_redis_by_link(os.environ)
    reach_mongod_by_link(os.environ)
    sys.argv = ["chatterroom", command, *arguments]
    cli.main()
    return 0


def link_variable(engine: str) -> str:
    """Return the environment variable that has the port of the link to an engine.

    For several mongods it has the ports of their links, in the order of the hosts in the URL.
    """
    return f"TORTURE_{engine.upper()}_PORT"


def _reach_redis_by_link(environ: Any) -> None:
    for name, url in _urls(environ, "REDIS").items():
        environ[name] = _PORT.sub(environ[link_variable("redis")], url)


def reach_mongod_by_link(environ: Mapping[str, str]) -> None:
    """Redirect connections rather than the URL.

    The driver connects to the address that the replica set names, whatever the URL says; a direct
    connection would behave otherwise than those that people have.
    """
    links = [int(port) for port in environ[link_variable("mongod")].split(",")]
    by_port = {
        int(port): link
        for url in _urls(environ, "MONGO").values()
        for port, link in zip(_PORT.findall(url), links, strict=True)
    }
    connect = socket.socket.connect

    def connect_by_link(self: socket.socket, address: Any) -> None:
        host, port, *rest = address
        connect(self, (host, by_port.get(port, port), *rest))

    socket.socket.connect = connect_by_link  # type: ignore[method-assign, assignment]


def _urls(environ: Mapping[str, str], engine: str) -> dict[str, str]:
    return {
        name: url
        for name, url in environ.items()
        if name.startswith("CHATTERROOM_") and name.endswith(f"_{engine}_URL")
    }


def _up_options(arguments: list[str]) -> UpOptions:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--chat", type=int, required=True)
    parser.add_argument("--gateway-port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    return UpOptions(host="127.0.0.1", **vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
