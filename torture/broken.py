"""`python -m torture.broken MUTANT …` is `chatterroom …` with a broken chat service."""

import argparse
import sys
from pathlib import Path

from chatterroom import cli
from chatterroom.engines.up import UpOptions, run
from torture.mutants import MUTANTS

__all__ = ["main"]


def main() -> int:
    """Start what is asked for; `up` starts its services by way of this module again."""
    name, command, *arguments = sys.argv[1:]
    if command == "up":
        return run(_up_options(arguments), (sys.executable, "-m", "torture.broken", name))
    if command == "chat":
        MUTANTS[name].apply()
    sys.argv = ["chatterroom", command, *arguments]
    cli.main()
    return 0


def _up_options(arguments: list[str]) -> UpOptions:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--chat", type=int, required=True)
    parser.add_argument("--gateway-port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    return UpOptions(host="127.0.0.1", **vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
