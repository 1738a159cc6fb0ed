"""How long the owner of the tail took by stage while something was measured, from its own metrics: means."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.report import Figure
from benchmarks.tail_process import TailProcess

_SUM, _COUNT = "freshline_tail_stage_seconds_sum", "freshline_tail_stage_seconds_count"
#: In their order; the first is of a record, the others of an entry.
_STAGES = ("wait", "accept", "embed", "make", "append")


class OwnerStages:
    """Sums over blocks."""

    def __init__(self, tail: TailProcess) -> None:
        self._tail = tail
        self._sums: Counter[str] = Counter()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what happens in the block; the owner runs throughout."""
        before = self._tail.totals()
        yield
        self._sums += self._tail.totals() - before

    def figures(self, name: str) -> list[Figure]:
        """Return the mean of each stage that there was."""
        return [
            Figure(name=f"{name}: owner's {stage}, mean", value=1000 * seconds, unit="ms")
            for stage, seconds in means(self._sums).items()
        ]


def means(sums: Mapping[str, float]) -> dict[str, float]:
    """Return {stage: mean}.

    >>> means({f"{_SUM} embed": 0.5, f"{_COUNT} embed": 2})
    {'embed': 0.25}
    """
    return {
        stage: sums[f"{_SUM} {stage}"] / sums[f"{_COUNT} {stage}"]
        for stage in _STAGES
        if sums.get(f"{_COUNT} {stage}")
    }
