import asyncio
import contextlib
import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.errors import OperationFailure, PyMongoError

from chatterroom.engines.child import ChildProcess
from chatterroom.engines.errors import EngineError
from chatterroom.engines.locate import locate_mongod
from chatterroom.engines.mongod import Mongod
from chatterroom.engines.ports import free_port, is_listening


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Mongod]:
    mongod = Mongod(directory, databases=["notes", "letters"], cache_gb=0.25)
    await mongod.start()
    try:
        yield mongod
    finally:
        await mongod.process.kill()


def client_of(mongod: Mongod) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(mongod.url("notes"), serverSelectionTimeoutMS=10_000)


async def write_note(mongod: Mongod, text: str) -> None:
    async with client_of(mongod) as client:
        durable = WriteConcern(w="majority", j=True)
        notes = client["notes"].get_collection("notes", write_concern=durable)
        await notes.insert_one({"text": text})


async def read_notes(mongod: Mongod) -> list[str]:
    async with client_of(mongod) as client:
        return [note["text"] async for note in client["notes"]["notes"].find()]


async def test_a_started_mongod_is_a_writable_primary_of_its_replica_set(tmp_path):
    async with running(tmp_path) as mongod, client_of(mongod) as client:
        hello = await client.admin.command("hello")
        assert hello["isWritablePrimary"]
        assert hello["hosts"] == [mongod.address]
        async with client.start_session() as session, await session.start_transaction():
            await client["notes"]["notes"].insert_one({"text": "in a transaction"}, session=session)
        assert await read_notes(mongod) == ["in a transaction"]


async def test_acknowledged_data_survives_a_kill_and_a_restart_on_the_same_directory(tmp_path):
    async with running(tmp_path) as mongod:
        await write_note(mongod, "durable")
        os.kill(mongod.process.pid, signal.SIGKILL)
        await mongod.process.wait()
        port = mongod.port
        await mongod.start()
        assert mongod.port == port
        await write_note(mongod, "after")
        assert await read_notes(mongod) == ["durable", "after"]


async def test_a_later_start_takes_the_same_port_when_it_is_free(tmp_path):
    async with running(tmp_path) as mongod:
        port = mongod.port
        await mongod.stop()
    async with running(tmp_path) as mongod:
        assert mongod.port == port


async def test_a_restart_on_another_port_keeps_the_data_and_takes_writes(tmp_path):
    async with running(tmp_path) as mongod:
        await write_note(mongod, "before")
        await mongod.stop()
        port = mongod.port

    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    stranger = await asyncio.start_server(hang_up, "127.0.0.1", port)
    async with stranger, running(tmp_path) as mongod:
        assert mongod.port != port
        await write_note(mongod, "after")
        assert await read_notes(mongod) == ["before", "after"]


async def test_a_clean_stop_ends_with_exit_code_zero(tmp_path):
    async with running(tmp_path) as mongod:
        await mongod.stop()
        assert mongod.process.exit_code == 0


async def test_a_mongod_that_refuses_to_start_says_where_its_log_is(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "storage.bson").write_text("no such thing")
    mongod = Mongod(tmp_path)
    with pytest.raises(EngineError, match=r"^mongod ended with exit code .*mongod\.log$"):
        await mongod.start()


async def test_a_transaction_of_one_who_died_blocks_what_it_has_written_for_seconds_only(tmp_path):
    async with running(tmp_path) as mongod, client_of(mongod) as dead, client_of(mongod) as client:
        await client["notes"]["notes"].insert_one({"_id": "first"})
        session = dead.start_session()
        await session.start_transaction()
        await dead["notes"]["notes"].insert_one({"_id": "next"}, session=session)
        async with asyncio.timeout(20):
            with pytest.raises(PyMongoError), pymongo.timeout(1):
                await client["notes"]["notes"].insert_one({"_id": "next"})
            while True:
                with contextlib.suppress(PyMongoError), pymongo.timeout(1):
                    await client["notes"]["notes"].insert_one({"_id": "next"})
                    break


async def test_nobody_gets_in_without_a_password(tmp_path):
    async with running(tmp_path) as mongod:
        stranger: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            f"mongodb://{mongod.address}/?directConnection=true", serverSelectionTimeoutMS=10_000
        )
        async with stranger:
            with pytest.raises(OperationFailure, match="requires authentication"):
                await stranger["notes"]["notes"].find_one()
            with pytest.raises(OperationFailure, match="requires authentication"):
                await stranger.admin.command("createUser", "me", pwd="mine", roles=["root"])


async def test_the_user_of_a_database_gets_at_no_other(tmp_path):
    async with running(tmp_path) as mongod, client_of(mongod) as client:
        await client["notes"]["notes"].create_index("text")
        for call in (
            client["letters"]["letters"].find_one(),
            client["admin"]["system.users"].find_one(),
            client["notes"].command("dropDatabase"),
        ):
            with pytest.raises(OperationFailure, match="not authorized"):
                await call


async def test_secrets_are_for_the_owner_alone_and_not_in_the_command_line(tmp_path):
    async with running(tmp_path / "mongod") as mongod:
        secrets = list((tmp_path / "mongod" / "secrets").iterdir())
        assert {path.name for path in secrets} == {"key-file", "notes", "letters"}
        arguments = Path(f"/proc/{mongod.process.pid}/cmdline").read_text()
        for path in secrets:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert path.read_text() not in arguments + mongod.process.log_path.read_text()
        for directory in (tmp_path / "mongod", tmp_path / "mongod" / "secrets"):
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700


async def test_a_directory_from_before_passwords_keeps_its_data_and_gets_them(tmp_path):
    port = free_port()
    (tmp_path / "data").mkdir()
    arguments = ("--dbpath", tmp_path / "data", "--port", port, "--replSet", "rs0")
    before = await ChildProcess.start(
        [locate_mongod(), *arguments, "--bind_ip", "127.0.0.1", "--nounixsocket"],
        log_path=tmp_path / "before.log",
    )
    await before.wait_until(lambda: is_listening(port), name="mongod", deadline_s=60)
    url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        await client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})

        async def is_primary() -> bool:
            return (await client.admin.command("hello"))["isWritablePrimary"]

        await before.wait_until(is_primary, name="mongod", deadline_s=60)
        await client["notes"]["notes"].insert_one({"text": "old"})
    await before.stop(30)
    # The port is another one, too: nothing remembers that of the old.
    async with running(tmp_path) as mongod:
        await write_note(mongod, "new")
        assert await read_notes(mongod) == ["old", "new"]


async def test_a_password_that_was_removed_is_made_anew(tmp_path):
    async with running(tmp_path) as mongod:
        await write_note(mongod, "before")
        await mongod.stop()
    for path in (tmp_path / "secrets").iterdir():
        path.unlink()
    async with running(tmp_path) as mongod:
        assert await read_notes(mongod) == ["before"]
