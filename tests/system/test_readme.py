"""What the README tells people to paste works."""

import re
import subprocess
from pathlib import Path

from .conftest import Platform

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_walk_through_works_as_pasted(own_platform: Platform):
    own_platform.start()
    section = README.read_text().partition("## A walk through the API")[2]
    walk, room, *_ = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    script = (walk + room.replace("npx wscat", "echo")).replace(
        "localhost:8080", f"127.0.0.1:{own_platform.port}"
    )
    pasted = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"TOKEN=\n{script}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert pasted.returncode == 0, pasted.stderr
    sent, history, socket = pasted.stdout.strip().splitlines()
    assert "Message sent successfully" in sent
    assert "Hello Bob" in history
    assert "/ws/chat?userId=" in socket
