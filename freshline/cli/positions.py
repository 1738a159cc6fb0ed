"""Positions at a shell: what `freshline publish` prints last and `freshline ask --after` takes. Knows no Kafka.

{"documents": {0: 17, 1: 5}}  <->  documents:0=17,1=5     an answer has seen what is below offset 17, and below 5
"""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshline.errors import UserError

if TYPE_CHECKING:
    from freshline.settings import KafkaSettings
    from schemas.messages import Offsets

After = Annotated[
    str | None,
    typer.Option(
        "--after",
        metavar="POSITIONS",
        help="Answer once these are seen: what publish printed, such as documents:0=17,1=5; or JSON of it, "
        "a file that holds it, or - for standard input.",
    ),
]

#: How the line begins that `freshline publish` ends with.
LEAD = "after "
_TOPIC = re.compile(r"([^\s:=,]+):((?:\d{1,15}=\d{1,15})(?:,\d{1,15}=\d{1,15})*)")
_SHOWN = 60  # characters of what was given


def written(offsets: "Offsets") -> str:
    """Return positions as text: documents:0=17,1=5; topics stand beside each other."""
    return " ".join(
        f"{topic}:{','.join(f'{partition}={offset}' for partition, offset in sorted(partitions.items()))}"
        for topic, partitions in sorted(offsets.items())
    )


def positions_of(given: str | None) -> "Offsets | None":
    """Return what --after says, None without it. Raises UserError."""
    if given is None:
        return None
    text = _text(given).strip()
    found = _of_json(text) if text[:1] in {"{", "["} else _of_words(text)
    if not found:
        raise UserError(
            f"--after: found {text[:_SHOWN]!r}, expected positions such as documents:0=17,1=5, the JSON that "
            "publish prints, a file that holds either, or - for standard input."
        )
    return found


def require_topic(positions: "Offsets | None", kafka: "KafkaSettings") -> None:
    """Raise UserError where positions are of a topic that no answer ever covers."""
    from freshline.transport.connection import topic_name  # noqa: PLC0415 - loads the Kafka client

    name = topic_name(kafka, "documents")
    foreign = sorted(positions.keys() - {name}) if positions else []
    if foreign:
        raise UserError(
            f"--after names the topic {foreign[0]!r}, expected {name!r}, which answers are made of."
        )


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    try:
        path = Path(given)
        return path.read_text("utf-8") if path.is_file() else given
    except (OSError, ValueError):  # too long for a name, or not UTF-8
        return given


def _of_words(text: str) -> "Offsets":
    """Read the last line that publish prints, or the positions alone."""
    lines = text.splitlines()
    said = [line.removeprefix(LEAD) for line in lines if line.startswith(LEAD)]
    words = (said[-1] if said else text).split()
    matches = [_TOPIC.fullmatch(word) for word in words]
    found: Offsets = {}
    for match in matches:
        if match is None:
            return {}
        for pair in match[2].split(","):
            partition, offset = map(int, pair.split("="))
            _put(found, match[1], partition, offset)
    return found


def _of_json(text: str) -> "Offsets":
    """Read {topic: {partition: next offset}}, or the list of records that publish --json prints."""
    found: Offsets = {}
    try:
        said = json.loads(text)
        for topic, partition, offset in _records(said) if isinstance(said, list) else _offsets(said):
            _put(found, topic, partition, offset)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return found


def _records(said: list[Any]) -> list[tuple[str, int, int]]:
    return [(str(one["topic"]), _number(one["partition"]), _number(one["offset"]) + 1) for one in said]


def _offsets(said: Any) -> list[tuple[str, int, int]]:
    return [
        (topic, _number(int(partition)), _number(offset))
        for topic, partitions in said.items()
        for partition, offset in partitions.items()
    ]


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no offset")
    return value


def _put(found: "Offsets", topic: str, partition: int, offset: int) -> None:
    partitions = found.setdefault(topic, {})
    partitions[partition] = max(offset, partitions.get(partition, 0))
