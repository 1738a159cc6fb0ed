"""A cluster's topics against their contracts: what differs, what would be done, and doing it.

`check` finds, `plan` says what `apply` would do, `apply` does it and may be repeated. Nothing is ever deleted, no
partition is removed, and what a cluster has beyond the contract is left alone. Prints nothing.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

from freshline.errors import TransientError
from freshline.settings import KafkaSettings
from freshline.transport.connection import kafka_options, topic_name
from freshline.transport.contact import first_contact
from freshline.transport.kafka_errors import translated
from schemas import topics as contracts
from schemas.topics import Topic

#: Let the broker choose (its default.replication.factor).
BROKER_DEFAULT = -1

#: Seconds.
_SEEN_WITHIN = 15.0
_PAUSE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a cluster has (`found`, None: nothing) and what the contract says, for one aspect of one topic."""

    topic: str
    aspect: str  # "topic" | "partitions" | a configuration's name
    found: str | None
    expected: str

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.topic}: {self.aspect} is {self.found or 'missing'}, expected {self.expected}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step towards the contract."""

    action: Literal["create", "add partitions", "configure"]
    topic: str
    partitions: int | None = None
    replication: int | None = None
    configuration: Mapping[str, str] | None = None

    def __str__(self) -> str:
        """Return one line for a person."""
        parts = [] if self.partitions is None else [f"partitions={self.partitions}"]
        parts += [f"{name}={value}" for name, value in sorted((self.configuration or {}).items())]
        return f"{self.action} {self.topic}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class _Found:
    """A topic as the cluster has it."""

    partitions: int
    configuration: Mapping[str, str]


def check(settings: KafkaSettings) -> list[Difference]:
    """Return every difference between the cluster and the contracts; [] where it holds. Raises UserError."""
    with _admin(settings) as admin:
        return [difference for *_, differences in _compare(admin, settings) for difference in differences]


def plan(settings: KafkaSettings, replication: int = BROKER_DEFAULT) -> list[Change]:
    """Return what `apply` would do now."""
    with _admin(settings) as admin:
        return _changes(admin, settings, replication)


def apply(settings: KafkaSettings, replication: int = BROKER_DEFAULT) -> list[Change]:
    """Bring the cluster to the contracts and return what was done; doing it again does nothing."""
    with _admin(settings) as admin:
        changes = _changes(admin, settings, replication)
        for change in changes:
            with translated(f"topics: {change}"):
                _do(admin, change)
        _wait_until_seen(admin, settings)
        return changes


def _wait_until_seen(admin: Any, settings: KafkaSettings) -> None:
    """Wait until the broker shows what its controller has accepted, so that a check after apply finds nothing."""
    deadline = time.monotonic() + _SEEN_WITHIN
    while _changes(admin, settings, BROKER_DEFAULT):
        if time.monotonic() > deadline:
            raise TransientError(
                f"the topics were changed, but are not seen after {_SEEN_WITHIN:g} s: check again"
            )
        time.sleep(_PAUSE)


@contextmanager
def _admin(settings: KafkaSettings) -> Iterator[Any]:
    options = kafka_options(settings)
    with first_contact(settings):
        admin = KafkaAdminClient(**options)
    try:
        with translated("reading topics"):
            yield admin
    finally:
        admin.close()


def _changes(admin: Any, settings: KafkaSettings, replication: int) -> list[Change]:
    changes: list[Change] = []
    for name, topic, partitions, differences in _compare(admin, settings):
        aspects = {difference.aspect for difference in differences}
        if "topic" in aspects:
            changes.append(_create(name, topic, partitions, replication))
            continue
        if "partitions" in aspects:
            changes.append(Change(action="add partitions", topic=name, partitions=partitions))
        wrong = {key: value for key, value in topic.configuration.items() if key in aspects}
        if wrong:
            changes.append(Change(action="configure", topic=name, configuration=wrong))
    return changes


def _create(name: str, topic: Topic, partitions: int, replication: int) -> Change:
    durable = {"min.insync.replicas": str(replication - 1)} if replication > 1 else {}  # outlives one broker
    return Change(
        action="create",
        topic=name,
        partitions=partitions,
        replication=replication,
        configuration={**topic.configuration, **durable},
    )


def _compare(admin: Any, settings: KafkaSettings) -> Iterator[tuple[str, Topic, int, list[Difference]]]:
    """Yield (name in the cluster, contract, partitions that it must have, differences)."""
    wanted = {topic_name(settings, topic.name): topic for topic in contracts.load().values()}
    found = _found(admin, wanted)
    for name, topic in wanted.items():
        partitions = topic.partitions
        if topic.name == "responses":  # a response goes to its query's partition number
            queries = found.get(topic_name(settings, "queries"))
            partitions = max(partitions, queries.partitions if queries else 0)
        yield name, topic, partitions, _differences(name, topic, partitions, found.get(name))


def _differences(name: str, topic: Topic, partitions: int, found: _Found | None) -> list[Difference]:
    if found is None:
        return [Difference(topic=name, aspect="topic", found=None, expected=f"{partitions} partitions")]
    differences = [
        Difference(topic=name, aspect=key, found=found.configuration.get(key), expected=value)
        for key, value in topic.configuration.items()
        if found.configuration.get(key) != value
    ]
    if found.partitions < partitions:
        has = str(found.partitions)
        differences.insert(
            0, Difference(topic=name, aspect="partitions", found=has, expected=f"at least {partitions}")
        )
    return differences


def _found(admin: Any, names: Mapping[str, Topic]) -> dict[str, _Found]:
    present = sorted(names.keys() & set(admin.list_topics()))
    if not present:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
    configurations = admin.describe_configs(asked, config_filter="all")["topic"]
    return {
        topic["name"]: _Found(
            len(topic["partitions"]),
            {key: entry["value"] for key, entry in configurations[topic["name"]].items()},
        )
        for topic in admin.describe_topics(present)
    }


def _do(admin: Any, change: Change) -> None:
    if change.action == "configure":
        resource = ConfigResource(ConfigResourceType.TOPIC, change.topic, dict(change.configuration or {}))
        admin.alter_configs([resource], incremental=True)
    elif change.action == "add partitions":
        admin.create_partitions({change.topic: change.partitions})
    else:
        options = {
            "num_partitions": change.partitions,
            "replication_factor": change.replication,
            "configs": dict(change.configuration or {}),
        }
        try:
            admin.create_topics({change.topic: options}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return  # somebody else applied the same contract
