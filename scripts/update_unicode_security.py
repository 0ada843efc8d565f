"""Write src/chatterroom/users/unicode_security.json from the tables of two Rust crates.

    cargo init --name tables && cargo add unicode-security && cargo fetch
    python scripts/update_unicode_security.py ~/.cargo/registry/src/*/unicode-s{ecurity,cript}-*

Unicode's own files would do as well, but they are in no package registry; the crates, which the
Rust compiler uses, are made of them. Both must be of one version of Unicode.
"""

import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src" / "chatterroom" / "users" / "unicode_security.json"
_CHARACTER = r"'\\u\{([0-9a-f]+)\}'"


def main() -> None:
    """Write the file."""
    security, script = (Path(path, "src", "tables.rs").read_text() for path in sys.argv[1:3])
    version = _version(security)
    if version != _version(script):
        sys.exit(f"Unicode {version} and {_version(script)}: the crates do not fit together")
    scripts = _scripts(script)
    # The first table of this name is that of confusables.
    confusables = {
        chr(int(source, 16)): "".join(chr(int(each, 16)) for each in re.findall(_CHARACTER, target))
        for source, target in re.findall(
            rf"\({_CHARACTER},\s*&\[(.*?)\]\)", _table(security, "CONFUSABLES"), re.S
        )
    }
    allowed = [
        code
        for first, last in _ranges(_table(security, "IDENTIFIER_STATUS"))
        for code in range(first, last + 1)
    ]
    lines = [
        json.dumps("unicode") + ": " + json.dumps(version),
        json.dumps("allowed") + ": [\n" + ",\n".join(_runs(allowed, scripts)) + "\n]",
        json.dumps("prototypes") + ": " + json.dumps(confusables, indent=0, ensure_ascii=True),
    ]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sys.stdout.write(f"Unicode {version}: {len(allowed)} allowed, {len(confusables)} confusable\n")


def _version(source: str) -> str:
    found = re.search(r"UNICODE_VERSION: \(u64, u64, u64\) = \((\d+), (\d+), (\d+)\)", source)
    if found is None:
        sys.exit("the tables name no version of Unicode")
    return ".".join(found.groups())


def _table(source: str, name: str) -> str:
    return source.partition(f"const {name}: ")[2].partition("];")[0]


def _ranges(table: str) -> Iterator[tuple[int, int]]:
    for first, last in re.findall(rf"\({_CHARACTER},\s*{_CHARACTER}\)", table):
        yield int(first, 16), int(last, 16)


def _scripts(source: str) -> dict[int, str]:
    """Return the four-letter codes of each character's scripts, their extensions included."""
    names = re.findall(r"pub const ([A-Z]{4}): ScriptExtension = ([A-Z_]+);", source)
    codes = {name.replace("_", ""): code.title() for code, name in names}
    codes |= {code.upper(): code for code in (*codes.values(),)}
    codes |= {"COMMON": "Zyyy", "INHERITED": "Zinh"}
    found: dict[int, str] = {}
    entry = rf"\({_CHARACTER},\s*{_CHARACTER},\s*(?:Script::|script_extensions::)(\w+)\)"
    for table in ("SCRIPTS", "SCRIPT_EXTENSIONS"):
        for first, last, name in re.findall(entry, _table(source, table)):
            known = codes.get(name.replace("_", "").upper())
            # Some scripts have no other name than their code.
            text = known or " ".join(codes.get(each, each.title()) for each in name.split("_"))
            for code in range(int(first, 16), int(last, 16) + 1):
                found[code] = text
    return found


def _runs(codes: list[int], scripts: dict[int, str]) -> Iterator[str]:
    """Write neighbours of the same scripts as one line: first, last, scripts."""
    numbered = enumerate(sorted(codes))
    for _, run in itertools.groupby(numbered, lambda each: (each[1] - each[0], scripts[each[1]])):
        members = [code for _, code in run]
        yield json.dumps([members[0], members[-1], scripts[members[0]]])


if __name__ == "__main__":
    main()
