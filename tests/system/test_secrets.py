"""No secret of a running platform is where somebody could read it."""

from pathlib import Path

import psutil

MARKER = "-----"


def secrets_of(data_dir: Path) -> dict[str, str]:
    """Return every secret by its file: the credentials, the keys, the engines' passwords."""
    files = [
        path
        for folder in ("secrets", "mongod/secrets", "redis/secrets")
        for path in (data_dir / folder).iterdir()
        if "verification" not in path.name and "digests" not in path.name
    ]
    found = {f"{path.parent.parent.name}/{path.name}": path.read_text() for path in files}
    # Of a key in PEM, what is between its lines.
    return {
        name: max((line.split()[-1] for line in text.splitlines() if MARKER not in line), key=len)
        for name, text in found.items()
    }


def test_no_secret_is_in_a_log_or_a_command_line(platform, alice, bob):
    room = alice.create_room(bob)
    bob.http.post("/user-service/login", json={"email": bob.email, "password": "wrong one"})
    alice.http.get(f"/chat-service/rooms/{room}")
    secrets = secrets_of(platform.data_dir)
    assert len(secrets) >= 9, secrets.keys()
    assert all(len(secret) >= 32 for secret in secrets.values())
    secrets |= {"password": alice.password, "token": alice.token}
    logs = [*(platform.data_dir / "logs").iterdir(), platform.output]
    assert len(logs) >= 9
    processes = [psutil.Process(platform.process.pid)]
    processes += processes[0].children(recursive=True)
    said = {path.name: path.read_text() for path in logs} | {
        str(process.pid): " ".join(process.cmdline()) for process in processes
    }
    for place, text in said.items():
        for name, secret in secrets.items():
            assert secret not in text, f"{name} is in {place}"


def test_no_secret_is_in_a_status_or_an_error(platform, alice):
    secrets = secrets_of(platform.data_dir)
    for path in ("/status", "/discovery/status", "/chat-service/rooms/nonsense", "/nowhere"):
        answer = alice.http.get(path)
        for name, secret in secrets.items():
            assert secret not in answer.text + str(answer.headers), f"{name} is in {path}"
