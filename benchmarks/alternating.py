"""Two sides of a ratio measured in turn, so that what else the machine does meets both.

A ratio of two times from different minutes says more about these minutes than about the sides. Here every repetition
measures both, one right after the other, and which goes first alternates: ours, theirs, theirs, ours, ours, …
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.report import Figure, Goal, median_figure

#: Repetitions that a published ratio has at least.
REPETITIONS = 5

#: Does its work once and returns what it measured: seconds, items a second, …
Side = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What n repetitions measured: ours[i] and theirs[i] belong together."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Return ours ÷ theirs of each repetition."""
        return tuple(our / their for our, their in zip(self.ours, self.theirs, strict=True))

    def ratio(self, name: str, goal: Goal | None = None) -> Figure:
        """Return the median of ours ÷ theirs with its spread."""
        return median_figure(name, self.ratios, "", goal)

    def figures(
        self, ratio: str, sides: tuple[str, str], unit: str, goal: Goal | None = None
    ) -> list[Figure]:
        """Return the ratio's figure, then our side's and theirs, named by `sides`."""
        return [
            self.ratio(ratio, goal),
            median_figure(sides[0], self.ours, unit),
            median_figure(sides[1], self.theirs, unit),
        ]


def alternate(ours: Side, theirs: Side, repetitions: int = REPETITIONS) -> Pairs:
    """Measure both sides `repetitions` times in turn; warming up is the caller's."""
    measured = alternate_all({"ours": ours, "theirs": theirs}, repetitions)
    return Pairs(measured["ours"], measured["theirs"])


def alternate_all(sides: Mapping[str, Side], repetitions: int = REPETITIONS) -> dict[str, tuple[float, ...]]:
    """Measure several sides in turn, in one order and the next time in the opposite one.

    >>> said = []
    >>> alternate_all({"a": lambda: said.append("a") or 1.0, "b": lambda: said.append("b") or 2.0}, 3)
    {'a': (1.0, 1.0, 1.0), 'b': (2.0, 2.0, 2.0)}
    >>> "".join(said)
    'abbaab'
    """
    values: dict[str, list[float]] = {name: [] for name in sides}
    for repetition in range(repetitions):
        for name in list(sides)[:: -1 if repetition % 2 else 1]:
            values[name].append(sides[name]())
    return {name: tuple(each) for name, each in values.items()}
