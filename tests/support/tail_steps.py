"""The steps of a random history of the tail: what owners, Redis, the manifest and a worker may do, in any order."""

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from tests.support import history_steps
from tests.support.history_steps import Anew, Batch, Compact, Grow, Say

OWNERS = 2
Fate = Literal["", "lost", "twice", "late"]


@dataclass(frozen=True)
class Append:
    """An owner reads on, at most `count` records of a partition; what becomes of its entry on the way."""

    owner: int
    partition: int
    count: int
    fate: Fate


@dataclass(frozen=True)
class Rebalance:
    """A partition comes to an owner anew; another one may go on with it for a while."""

    owner: int
    partition: int


@dataclass(frozen=True)
class Redis:
    """Redis fails, freezes, works again, or forgets everything; `behind`: on a machine whose clock is behind."""

    becomes: Literal["up", "away", "frozen", "flushed", "behind"]


@dataclass(frozen=True)
class Worker:
    """The worker reads the streams, takes in what they brought, both, looks at the manifest, or starts anew."""

    does: Literal["read", "overlay", "follow", "look", "start"]


@dataclass(frozen=True)
class Switch:
    """Another generation serves."""


@dataclass(frozen=True)
class Burst:
    """Producers write, so that entries and batches are of several events each."""

    says: tuple[Say, ...]


Step = Burst | Batch | Compact | Grow | Anew | Append | Rebalance | Redis | Worker | Switch

_partitions = st.integers(0, history_steps.MOST_PARTITIONS - 1)
_owners = st.integers(0, OWNERS - 1)
_fates = st.sampled_from(["", "", "", "", "lost", "twice", "late"])
_appends = st.builds(Append, _owners, _partitions, st.integers(1, 7), _fates)
_bursts = st.builds(Burst, st.tuples(*[history_steps.says] * 4))
_does = ["read"] * 2 + ["overlay"] * 2 + ["follow"] * 8 + ["look"] * 6 + ["start"] * 3
_workers = st.builds(Worker, st.sampled_from(_does))
_others = st.one_of(
    st.builds(Rebalance, _owners, _partitions),
    st.builds(Rebalance, _owners, _partitions),
    st.builds(Compact, which=st.integers(0, 255)),
    st.builds(Redis, st.sampled_from(["up", "up", "away", "frozen", "flushed", "behind"])),
    st.builds(Grow, by=st.integers(1, 2)),
    st.builds(Anew, partitions=st.integers(1, 3)),
    st.just(Switch()),
)
_steps = st.sampled_from(
    [_bursts] * 5 + [_appends] * 8 + [_workers] * 10 + [history_steps.batches] * 4 + [_others] * 2
).flatmap(lambda chosen: chosen)
histories = st.lists(_steps, min_size=20, max_size=80)
