"""`python -m schemas --check | --write | --release`: keep the contracts equal to the Python, and compatible."""

import argparse
import sys
from pathlib import Path

from schemas import generate, released

ROOT = Path(__file__).parent


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Return 0 where all files agree and no released contract is broken, else 1; each fault is named."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas",
        description="Contracts generated from schemas/*.py, and their compatibility with those of earlier releases.",
        epilog="example: python -m schemas --check",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--check", action="store_true", help="exit 1 naming each file that differs and each break"
    )
    which.add_argument("--write", action="store_true", help="write the files that differ")
    which.add_argument("--release", metavar="VERSION", help="keep today's messages as those of a release")
    wanted = parser.parse_args(arguments)
    if wanted.release:
        return _say([f"written: {path}" for path in released.write(root, wanted.release)], 0)
    if wanted.write:
        return _say([f"written: {path}" for path in generate.write(root)], 0)
    lines = [
        f"schemas/{path} is not what the Python says: python -m schemas --write"
        for path in generate.differing(root)
    ]
    lines += [f"schemas/{path} belongs to no message or table: remove it" for path in generate.stray(root)]
    lines += released.problems(root)
    return _say(lines, 1 if lines else 0)


def _say(lines: list[str], code: int) -> int:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return code


if __name__ == "__main__":
    sys.exit(main())
