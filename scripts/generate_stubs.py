"""Generate `src/chatterroom/pb` from `proto/`; with --check, only say whether it is up to date."""

import filecmp
import os
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
STUBS = ROOT / "src" / "chatterroom" / "pb"


def main() -> int:
    """Return 0 when the stubs are (now) what `proto/` says."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch)
        _generate(fresh)
        made = sorted(path.name for path in fresh.iterdir())
        if "--check" in sys.argv[1:]:
            kept = sorted(path.name for path in STUBS.glob("*.py*"))
            same, _, _ = filecmp.cmpfiles(fresh, STUBS, made, shallow=False)
            if kept == made and len(same) == len(made):
                return 0
            print("src/chatterroom/pb is not what proto/ says: run `make proto`", file=sys.stderr)
            return 1
        STUBS.mkdir(exist_ok=True)
        for stale in STUBS.glob("*.py*"):
            stale.unlink()
        for name in made:
            (STUBS / name).write_bytes((fresh / name).read_bytes())
    return 0


def _generate(target: Path) -> None:
    """Write flat modules: `proto/chatterroom/chat/v1/chat.proto` becomes `pb/chat_pb2.py`."""
    # protoc finds its plugins on PATH, which need not hold the virtual environment.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    well_known = str(resources.files("grpc_tools") / "_proto")
    (target / "__init__.py").touch()
    for source in sorted(PROTO.rglob("*.proto")):
        arguments = [
            "protoc",
            f"-I{source.parent}",
            f"-I{well_known}",
            f"--python_out={target}",
            f"--mypy_out=quiet:{target}",
            f"--grpc_python_out={target}",
            f"--mypy_grpc_out=quiet:{target}",
            source.name,
        ]
        if protoc.main(arguments) != 0:
            raise SystemExit(1)
    for module in target.glob("*_pb2_grpc.py"):
        stem = module.name.removesuffix("_pb2_grpc.py")
        flat = f"import {stem}_pb2 as {stem}__pb2"
        text = module.read_text()
        module.write_text(text.replace(flat, f"from chatterroom.pb {flat}"))
    for stub in target.glob("*_pb2_grpc.pyi"):
        stem = stub.name.removesuffix("_pb2_grpc.pyi")
        flat = f"import {stem}_pb2 as"
        text = stub.read_text()
        stub.write_text(text.replace(flat, f"from chatterroom.pb {flat}"))


if __name__ == "__main__":
    sys.exit(main())
