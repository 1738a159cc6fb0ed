"""The means of an evaluation as bars with their 95 % intervals, one group a measure, one colour a mode: an SVG."""

from collections.abc import Mapping
from pathlib import Path

from freshline.evaluation.measures import PerQuery
from freshline.evaluation.significance import Interval, interval

#: Told apart by people who see red and green alike (Okabe and Ito's palette).
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_ROOM = 0.8  # of a group's width, for bars


def intervals(values: Mapping[str, PerQuery]) -> dict[str, dict[str, Interval]]:
    """Return {mode: {measure: mean with interval}}."""
    return {
        mode: {name: interval(list(of_query.values())) for name, of_query in measures.items()}
        for mode, measures in values.items()
    }


def draw(title: str, sides: Mapping[str, Mapping[str, Interval]], path: Path) -> None:
    """Write the picture; the same figures give the same bytes."""
    import matplotlib as mpl  # noqa: PLC0415 - seconds to import, comes with the extra `evaluate`
    from matplotlib.figure import Figure  # noqa: PLC0415

    names = list(next(iter(sides.values())))
    with mpl.rc_context({"svg.hashsalt": "freshline", "svg.fonttype": "none"}):
        figure = Figure(figsize=(2 + 1.2 * len(names), 4.5), layout="constrained")
        axes = figure.subplots()
        width = _ROOM / len(sides)
        for place, (mode, measures) in enumerate(sides.items()):
            heights = [measures[name].mean for name in names]
            below = [max(0.0, measures[name].mean - measures[name].low) for name in names]
            above = [max(0.0, measures[name].high - measures[name].mean) for name in names]
            left = [group + width * (place - (len(sides) - 1) / 2) for group in range(len(names))]
            colour = _COLOURS[place % len(_COLOURS)]
            axes.bar(left, heights, width, yerr=(below, above), capsize=2, label=mode, color=colour)
        axes.set_xticks(range(len(names)), names)
        axes.set_ylim(0, 1)
        axes.set_title(title)
        axes.grid(axis="y", linewidth=0.4)
        axes.set_axisbelow(True)
        axes.legend(ncols=len(sides), loc="upper left")
        figure.savefig(path, format="svg", metadata={"Date": None})
