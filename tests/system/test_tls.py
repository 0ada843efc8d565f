"""The platform with certificates that the test makes, one for each service."""

import asyncio
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import trustme

from chatterroom.auth.certificates import Certificates

from .conftest import Platform, User, environment, receive, resume

SERVICES = ("gateway", "users", "chat", "discovery")


@pytest.fixture
def encrypted(own_platform: Platform, tmp_path: Path) -> Platform:
    authority = trustme.CA()
    for service in SERVICES:
        directory = tmp_path / "tls" / service
        directory.mkdir(parents=True)
        certificate = authority.issue_cert(service)
        authority.cert_pem.write_to_path(directory / "ca.pem")
        certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
        certificate.private_key_pem.write_to_path(directory / "key.pem")
        (directory / "key.pem").chmod(0o600)
        own_platform.settings[f"CHATTERROOM_{service.upper()}_TLS_DIR"] = str(directory)
    own_platform.start()
    return own_platform


def ports(processes: list[psutil.Process]) -> list[int]:
    """Return where the services listen; a service is what was started as `-m chatterroom`."""
    return [
        connection.laddr.port
        for process in processes
        if process.cmdline()[-1] in {"users", "chat", "discovery"}
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


def is_healthy(port: int, tls_dir: Path | str) -> bool:
    command = [sys.executable, "-m", "chatterroom", "health", f"127.0.0.1:{port}"]
    environ = environment() | {"CHATTERROOM_TLS_DIR": str(tls_dir)}
    return subprocess.run(command, env=environ, timeout=60, check=False).returncode == 0


def hears(port: int, context: ssl.SSLContext | None, name: str) -> bytes:
    """Return what a server says to a handshake; empty where it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name) if context else plain as peer:
                peer.sendall(b"GET /ws/chat HTTP/1.1\r\nHost: x\r\n\r\n")
                return peer.recv(1000)
        except (ssl.SSLError, ConnectionError):
            return b""


async def test_all_services_talk_under_mutual_tls(encrypted: Platform, tmp_path: Path):
    alice, bob = User(encrypted, "alice"), User(encrypted, "bob")
    room = alice.create_room(bob)
    async with alice.connect("/ws/alert", simple=True) as alerts, bob.connect() as chats:
        await receive(alerts, "ready")
        await resume(chats)
        # Bob looks up his people, Alice's message goes by HTTP, gRPC and both sockets.
        body = {"sender_id": alice.id, "message": "hello @" + bob.username}
        path = f"/chat-service/rooms/{room}/send"
        sent = await asyncio.to_thread(alice.http.post, path, json=body)
        assert sent.status_code == 200, sent.text
        assert (await receive(chats, "message"))["message"] == body["message"]
        await chats.send(json.dumps({"type": "send", "room_id": room, "message": "and back"}))
        assert (await receive(chats, "message"))["message"] == "and back"
        await asyncio.to_thread(alice.log_in)
        await receive(alerts, "login")
    status = alice.http.get("/discovery/status").json()
    assert status["registered_services"] == 4
    alice.http.close()
    bob.http.close()

    # Nobody without a certificate is told anything on any port of a service.
    found = ports(psutil.Process(encrypted.process.pid).children(recursive=True))
    assert len(found) == 2 * 2 + 2 * 2 + 1
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    for port in found:
        for context in (None, blind):
            assert not hears(port, context, "x").startswith(b"HTTP/1.1")
    healthy = [port for port in found if is_healthy(port, tmp_path / "tls" / "chat")]
    assert len(healthy) == 2
    assert not is_healthy(healthy[0], "")

    shown = Certificates.read(tmp_path / "tls" / "gateway").client_context()
    said = [hears(port, shown, "chat") for port in found]
    assert len([answer for answer in said if answer.startswith(b"HTTP/1.1")]) == 2


def test_a_platform_without_its_certificates_does_not_start(own_platform: Platform, tmp_path: Path):
    own_platform.settings["CHATTERROOM_CHAT_TLS_DIR"] = str(tmp_path / "nowhere")
    with pytest.raises(AssertionError):
        own_platform.start()
    assert own_platform.output.read_text() == (
        f"chatterroom up: {tmp_path / 'nowhere' / 'ca.pem'}: No such file or directory\n"
    )
