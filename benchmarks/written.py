"""What benchmarks wrote, read back. Files of earlier forms lack fields: these are then empty or None."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.report import Goal, Plot
from freshline.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFigure:
    """A figure as its run judged it; `goal` as it is printed, e.g. "≥ 0.9"."""

    name: str
    value: float
    unit: str
    goal: str | None = None
    holds: bool | None = None
    spread: tuple[float, float] | None = None
    values: Sequence[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One file."""

    name: str
    machine: dict[str, str | int]
    versions: dict[str, str]
    seed: int
    figures: Sequence[WrittenFigure]
    notes: dict[str, str] = field(default_factory=dict)
    plots: Sequence[Plot] = ()
    began: str | None = None
    seconds: float | None = None
    repetitions: int | None = None

    def figure(self, name: str) -> WrittenFigure | None:
        """Return the figure of that name, None where there is none."""
        return next((figure for figure in self.figures if figure.name == name), None)

    @property
    def missed(self) -> list[WrittenFigure]:
        """Return the figures that do not keep their goals."""
        return [figure for figure in self.figures if figure.holds is False]


def read(path: Path) -> Written:
    """Read one file. Raises UserError where it is not what a benchmark writes."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Written)
    except msgspec.MsgspecError as error:
        raise UserError(f"{path} is not what `python -m benchmarks NAME --json` writes: {error}") from error


def read_all(folder: Path) -> dict[str, Written]:
    """Return {name: what was written} of a folder, by name."""
    found = (read(path) for path in sorted(folder.glob("*.json")))
    return {one.name: one for one in found}


def how_far(figure: WrittenFigure) -> str:
    """Return by how much a goal was missed, in percent of its bound.

    >>> how_far(WrittenFigure(name="p50", value=1.2, unit="s", goal="≤ 1", holds=False))
    'p50 is 1.2 s, the goal is ≤ 1: missed by 20 %'
    """
    goal = goal_of(figure.goal or "")
    told = f"{figure.name} is {figure.value:.4g} {figure.unit}".rstrip() + f", the goal is {figure.goal}"
    if goal is None or goal.bound == 0:
        return f"{told}: missed"
    return f"{told}: missed by {abs(figure.value / goal.bound - 1):.0%}".replace("%", " %")


def goal_of(text: str) -> Goal | None:
    """Return the goal that prints like this, None for other text."""
    for sign in ("≥", "≤"):
        if text.startswith(sign):
            return Goal(sign, float(text[1:]))
    return None
