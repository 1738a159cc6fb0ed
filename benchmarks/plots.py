"""A benchmark's plots as one SVG: the same points give the same bytes. Knows no file but the one it writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Line, Plot

#: Told apart by people who see red and green alike (Okabe and Ito's palette), each with a shape of its own.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")
_SHAPES = "osD^vPX*"
_ACROSS = 2  # pictures side by side
_WIDTH, _HEIGHT = 5.2, 4.2  # inches of one


def draw(plots: Sequence[Plot], path: Path) -> None:
    """Write the picture of one benchmark."""
    import matplotlib as mpl  # noqa: PLC0415 - seconds to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": "freshline", "svg.fonttype": "none", "path.simplify": True}):
        across = min(_ACROSS, len(plots))
        down = -(-len(plots) // across)
        figure = Figure(figsize=(_WIDTH * across, _HEIGHT * down), layout="constrained")
        every = figure.subplots(down, across, squeeze=False).flat
        for place, axes in enumerate(every):
            if place < len(plots):
                _one(axes, plots[place])
            else:
                axes.remove()
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _one(axes: Any, plot: Plot) -> None:
    for place, line in enumerate(plot.lines):
        _line(axes, line, place)
    if plot.log_x:
        axes.set_xscale("log")
    if plot.log_y:
        axes.set_yscale("log")
    axes.set_title(plot.title, fontsize=10)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.grid(linewidth=0.4)
    axes.set_axisbelow(True)
    if len(plot.lines) > 1:
        axes.legend(fontsize=7)


def _line(axes: Any, line: Line, place: int) -> None:
    style = "none" if line.marks else "-"
    colour, shape = _COLOURS[place % len(_COLOURS)], _SHAPES[place % len(_SHAPES)]
    axes.plot(line.x, line.y, linestyle=style, marker=shape, markersize=4, color=colour, label=line.name)
