"""The topics as their files say: schemas/topics/*.yaml, one file a topic. Knows no cluster and no prefix."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import msgspec
import yaml

from schemas.compatibility import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageName:
    """Which message travels: a name of schemas/messages and its version."""

    name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic's contract. `compatibility` is that of its message within a version; `configuration` is Kafka's own."""

    name: str
    owner: str
    description: str
    key: str
    message: MessageName
    compatibility: Mode
    partitions: int
    configuration: Mapping[str, str]


@cache
def load() -> Mapping[str, Topic]:
    """Return {name: topic} of every file. Raises msgspec.ValidationError where a file breaks the form."""
    found = (
        _parse(file.read_text(encoding="utf-8")) for file in files("schemas").joinpath("topics").iterdir()
    )
    return MappingProxyType({topic.name: topic for topic in sorted(found, key=lambda topic: topic.name)})


def _parse(text: str) -> Topic:
    fields: dict[str, Any] = yaml.safe_load(text)
    fields["configuration"] = {name: str(value) for name, value in fields["configuration"].items()}
    topic = msgspec.convert(fields, Topic, strict=True)
    unknown = fields.keys() - set(Topic.__dataclass_fields__)
    if unknown:
        raise msgspec.ValidationError(f"topic {topic.name}: unknown fields {sorted(unknown)}")
    return topic
