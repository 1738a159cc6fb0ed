"""`python -m schemas --check | --write`: keep the committed contracts equal to what the Python says."""

import argparse
import sys
from pathlib import Path

from schemas import generate

ROOT = Path(__file__).parent


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Return 0 where all files agree, 1 where one does not; each such file is named."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas",
        description="JSON Schemas and table files, generated from schemas/messages.py and schemas/tables.py.",
        epilog="example: python -m schemas --check",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--check", action="store_true", help="exit 1 naming each file that differs")
    which.add_argument("--write", action="store_true", help="write the files that differ")
    if parser.parse_args(arguments).write:
        return _say([f"written: {path}" for path in generate.write(root)], 0)
    lines = [
        f"schemas/{path} is not what the Python says: python -m schemas --write"
        for path in generate.differing(root)
    ]
    lines += [f"schemas/{path} belongs to no message or table: remove it" for path in generate.stray(root)]
    return _say(lines, 1 if lines else 0)


def _say(lines: list[str], code: int) -> int:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return code


if __name__ == "__main__":
    sys.exit(main())
