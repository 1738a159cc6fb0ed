"""The contracts as they were released, and whether today's messages are still compatible with each of them.

    messages/released/<release>/<message>.v<n>.schema.json   the schema of that release
    messages/released/<release>/<message>.v<n>.examples.json the records that it had to accept

A release's files are written once (`python -m schemas --release 0.2.0`) and never changed: they stand for programs
that other people run. Which direction counts is said by each topic (topics/*.yaml, `compatibility`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas import generate, topics
from schemas.compatibility import breaks

FOLDER = "messages/released"

#: What to do instead, for whoever reads the refusal.
ON_PURPOSE = (
    "a change that released programs do not survive needs a new schema_version: leave the class of this one in "
    "schemas/messages.py, add another with its Literal raised, name both in generate.MESSAGES and the new one in "
    "topics/*.yaml, let schemas/codec.py read both, and say in docs/messages.md until when the old one is read"
)


def problems(root: Path) -> list[str]:
    """Return one line for each released contract that today's messages break, and how to do it on purpose."""
    today = generate.json_schemas()
    found = [line for path in _snapshots(root) for line in _compare(path, today)]
    return [*found, ON_PURPOSE] if found else []


def write(root: Path, release: str) -> list[str]:
    """Keep today's messages as those of a release; returns the paths. Raises FileExistsError."""
    folder = root / FOLDER / release
    folder.mkdir(parents=True)
    files: dict[str, Any] = {
        f"{name}.schema.json": schema for name, schema in generate.json_schemas().items()
    }
    files |= {f"{name}.examples.json": _examples(root, name) for name in generate.json_schemas()}
    for name, content in files.items():
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    return [f"{FOLDER}/{release}/{name}" for name in sorted(files)]


def _snapshots(root: Path) -> list[Path]:
    return sorted((root / FOLDER).glob("*/*.schema.json"))


def _compare(path: Path, today: dict[str, dict[str, Any]]) -> Iterator[str]:
    release, name = path.parent.name, path.name.removesuffix(".schema.json")
    message = name.rpartition(".v")[0]
    if name not in today:
        yield f"{name} of release {release} is gone: records that it describes may still be in their topic"
        return
    modes = sorted({topic.compatibility for topic in topics.load().values() if topic.message.name == message})
    released = json.loads(path.read_text(encoding="utf-8"))
    for mode in modes:
        for broken in breaks(released, today[name], mode):
            yield f"{name} is not {mode} compatible with release {release}: {broken}"


def _examples(root: Path, name: str) -> list[Any]:
    """Return the records that a message's topics must accept, as parsed JSON."""
    message, _, version = name.rpartition(".v")
    carriers = [topic.name for topic in topics.load().values() if topic.message.name == message]
    files = [
        file
        for topic in carriers
        for file in sorted((root / "examples" / topic / f"v{version}" / "valid").glob("*.json"))
    ]
    return [json.loads(file.read_bytes()) for file in files]
