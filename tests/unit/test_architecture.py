"""Drivers stay at the edge: each is imported only in files that are named for it."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "chatterroom"

# driver -> the parts of a path that may import it
DRIVERS = {
    "pymongo": ("mongo",),
    "bson": ("mongo",),
    "redis": ("redis",),
    "grpc": ("grpc", "rpc/"),
    "grpc_health": ("grpc", "rpc/"),
    "grpc_reflection": ("rpc/",),
    "picows": ("picows",),
    "starlette": ("gateway/",),
    "uvicorn": ("gateway/server.py", "gateway/http_protocol.py"),
    "httptools": ("gateway/http_protocol.py",),
    "jwt": ("auth/tokens.py",),
    "cryptography": ("auth/", "users/second_factor.py"),
    "argon2": ("users/passwords.py",),
    "httpx": ("httpx",),
    "websockets": ("websockets",),
    "typer": ("cli.py",),
    "uvloop": ("process.py",),
}

FILES = sorted(path for path in SOURCE.rglob("*.py") if "pb" not in path.parts)


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_driver_appears_only_in_files_named_for_it(path: Path):
    place = path.relative_to(SOURCE).as_posix()
    for driver in imported(path) & DRIVERS.keys():
        assert any(part in place for part in DRIVERS[driver]), f"{place} imports {driver}"


def test_every_driver_of_the_table_is_used():
    assert set().union(*map(imported, FILES)) >= DRIVERS.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_which_failures_are_outages_is_decided_in_storage_alone(path: Path):
    judged = {"PyMongoError", "RedisError"} & {
        name.id for name in ast.walk(ast.parse(path.read_text())) if isinstance(name, ast.Name)
    }
    assert not judged or path.parent.name == "storage"
