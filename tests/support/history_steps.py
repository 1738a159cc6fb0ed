"""The steps of a random history: what producers, operators and crashes may do to a documents topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

KEYS = ("c/a", "c/b", "c/d/e", "other/a")
#: 15 November 2023: milliseconds that histories begin with
START = 1_700_000_000_000
MOST_PARTITIONS = 5
FAILPOINTS = ("after_pass", "after_decide", "after_apply", "after_dead_letters", "after_notify")


@dataclass(frozen=True)
class Say:
    """A producer writes. `words` counts paragraphs; `how` names its partitioner."""

    key: str
    what: Literal["put", "delete", "null", "bad", "repeat", "beside"]
    version: int | None = None
    words: int = 1
    expires: int | None = None  # seconds from START
    acl: str = "public"
    pick: int = 0  # which earlier value a repeat or a change beside the text takes
    how: Literal["murmur2", "crc32", "first"] = "murmur2"
    passes: int = 0  # ms until the broker's clock shows this record's time


@dataclass(frozen=True)
class Batch:
    """The stream reads. `take` says how much of each partition, three bits each."""

    take: int
    dies: str = ""  # the place at which it is killed once
    twice: bool = False  # handed over again afterwards


@dataclass(frozen=True)
class Grow:
    """Partitions are added."""

    by: int


@dataclass(frozen=True)
class Anew:
    """The topic is deleted and created; what was not read is gone."""

    partitions: int


@dataclass(frozen=True)
class Compact:
    """Segments are merged: those of the bits that are set."""

    which: int


@dataclass(frozen=True)
class Restart:
    """The driver starts again."""


Step = Say | Batch | Grow | Anew | Compact | Restart

#: What each field of a step may be; a step is one number that picks from all of them, since a number a field is slow.
_SAYS: dict[str, Sequence[Any]] = {
    "what": ["put"] * 6 + ["delete", "null", "null", "bad", "repeat", "repeat", "beside"],
    "key": KEYS,
    "version": [None, None, None, 0, 1, 2, 3],
    "words": [1, 0, 1, 2, 3],
    "expires": [None, None, None, -5, 1, 100_000],
    "acl": ["public", "public", "group:x"],
    "pick": range(10),
    "how": ["murmur2", "murmur2", "crc32", "first"],
    "passes": [0, 0, 1, 700, -300],
}
_BATCHES: dict[str, Sequence[Any]] = {
    "dies": ["", "", "", *FAILPOINTS],
    "twice": [False, True],
    "take": range(2 ** (3 * MOST_PARTITIONS)),
}
#: Below 2**24 numbers are drawn alike; all combinations of a Say are 6,552,000.
_NUMBERS = st.integers(0, 2**24 - 1)


def _picked(number: int, fields: dict[str, Sequence[Any]]) -> dict[str, Any]:
    """Read a number in mixed radix, least digit first.

    Example: 5 over {"a": [x, y], "b": [u, v, w]}  ->  a = y (5 % 2 = 1), b = w (5 // 2 = 2)
    """
    picked = {}
    for name, choices in fields.items():
        number, place = divmod(number, len(choices))
        picked[name] = choices[place]
    return picked


says = _NUMBERS.map(lambda number: Say(**_picked(number, _SAYS)))
batches = _NUMBERS.map(lambda number: Batch(**_picked(number, _BATCHES)))
others = st.one_of(
    st.builds(Compact, which=st.just(255)),
    st.builds(Grow, by=st.integers(1, 2)),
    st.builds(Anew, partitions=st.integers(1, 3)),
    st.builds(Compact, which=st.integers(0, 255)),
    st.just(Restart()),
)
#: Of fifteen steps ten are a producer's, three are batches and two an operator's (one_of would weigh all alike).
steps = st.sampled_from([says] * 10 + [batches] * 3 + [others] * 2).flatmap(lambda chosen: chosen)
histories = st.lists(steps, min_size=10, max_size=60)
