"""What every benchmark gives: named figures with their goals, as a table and as JSON.

    {name, machine, versions, seed, began, seconds, repetitions, notes,
     figures: [{name, value, unit, goal, spread, values, holds}],
     plots: [{title, x, y, log_x, log_y, lines: [{name, x: […], y: […], marks}]}]}

A figure without a goal is context; `holds` is then null. benchmarks.written reads the JSON, also of earlier forms.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table

from freshline.evaluation.machine import machine, versions

_PACKAGES = (
    "pyspark",
    "kafka-python",
    "faiss-cpu",
    "tantivy",
    "deltalake",
    "openvino",
    "sentence-transformers",
    "numpy",
)


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound a figure should keep."""

    sign: Literal["≥", "≤"]
    bound: float

    def holds(self, value: float) -> bool:
        """Whether the value keeps the bound."""
        return value >= self.bound if self.sign == "≥" else value <= self.bound

    def __str__(self) -> str:
        """Return e.g. "≥ 0.5"."""
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.

    `spread` is (least, greatest) over the repetitions, `values` are all of them where they are few.
    """

    name: str
    value: float
    unit: str
    goal: Goal | None = None
    spread: tuple[float, float] | None = None
    values: Sequence[float] | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is kept, None without one."""
        return self.goal.holds(self.value) if self.goal else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Named points: x[i] belongs to y[i]. `marks`: single points, drawn without a line between them."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    marks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One picture of several lines; `x` and `y` say what is on the axes, with the unit."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of one benchmark; `versions` are those of peers, beside the project's own libraries."""

    name: str
    seed: int
    figures: Sequence[Figure]
    notes: dict[str, str] = field(default_factory=dict)
    plots: Sequence[Plot] = ()
    versions: dict[str, str] = field(default_factory=dict)
    repetitions: int | None = None

    def show(self) -> None:
        """Print the table, then the notes."""
        table = Table(title=f"{self.name} — {machine()['cpu']}, {machine()['cores']} cores")
        for column in ("figure", "value", "least … greatest", "unit", "goal", "holds"):
            table.add_column(column)
        for figure in self.figures:
            spread = f"{figure.spread[0]:.4g} … {figure.spread[1]:.4g}" if figure.spread else ""
            holds = {True: "yes", False: "NO", None: ""}[figure.holds]
            table.add_row(
                figure.name, f"{figure.value:.4g}", spread, figure.unit, str(figure.goal or ""), holds
            )
        Console().print(table)
        for name, text in self.notes.items():
            print(f"{name}: {text}")

    def markdown(self) -> str:
        """Return the table as Markdown, under a line that says where it was measured."""
        rows = [_row(figure) for figure in self.figures]
        head = f"`python -m benchmarks {self.name}`, {machine()['cpu']}, {machine()['cores']} cores"
        return "\n".join([head, "", "| figure | value | goal |", "|---|---|---|", *rows, ""])

    def write(self, path: Path, *, began: datetime | None = None) -> None:
        """Write the JSON; `began` is when the run did, so that its duration is known."""
        now = datetime.now(UTC)
        figures = [
            {**asdict(f), "goal": str(f.goal) if f.goal else None, "holds": f.holds} for f in self.figures
        ]
        body = {
            "name": self.name,
            "machine": machine(),
            "versions": versions(_PACKAGES) | self.versions,
            "seed": self.seed,
            "began": (began or now).isoformat(timespec="seconds"),
            "seconds": round((now - began).total_seconds(), 1) if began else None,
            "repetitions": self.repetitions,
            "notes": self.notes,
            "figures": figures,
            "plots": [asdict(plot) for plot in self.plots],
        }
        path.write_bytes(msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n")


def _row(figure: Figure) -> str:
    spread = f" ({figure.spread[0]:.3g} … {figure.spread[1]:.3g})" if figure.spread else ""
    missed = ", missed" if figure.holds is False else ""
    return (
        f"| {figure.name} | {figure.value:.4g}{spread} {figure.unit}".rstrip()
        + f" | {figure.goal or ''}{missed} |"
    )


def median_figure(name: str, values: Sequence[float], unit: str, goal: Goal | None = None) -> Figure:
    """Return the median of repetitions with their spread, and each of them."""
    return Figure(
        name=name,
        value=statistics.median(values),
        unit=unit,
        goal=goal,
        spread=(min(values), max(values)),
        values=tuple(values),
    )


def quantile_figures(
    name: str, values: Sequence[float], unit: str, goals: tuple[Goal | None, Goal | None] = (None, None)
) -> list[Figure]:
    """Return p50, with the least and the greatest, and p99; `{}` in the name is where these stand.

    >>> [(figure.name, figure.value) for figure in quantile_figures("answer {}, idle", [3.0, 1.0, 2.0], "ms")]
    [('answer p50, idle', 2.0), ('answer p99, idle', 3.0)]
    """
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    spread = (ordered[0], ordered[-1])
    return [
        Figure(
            name=name.format("p50"), value=statistics.median(ordered), unit=unit, goal=goals[0], spread=spread
        ),
        Figure(name=name.format("p99"), value=p99, unit=unit, goal=goals[1]),
    ]
