"""An evaluation as a person reads it: means with their intervals, then every two sides compared."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from freshline.evaluation.compare import Pair
from freshline.evaluation.kept import Evaluation
from freshline.evaluation.significance import Interval

_LEAST_P = 0.001


def show_evaluation(
    console: Console, evaluation: Evaluation, sides: Mapping[str, Mapping[str, Interval]]
) -> None:
    """Print what was evaluated and the table of means."""
    console.print(f"[bold]{escape(evaluation.name)}[/bold]  {evaluation.at:%Y-%m-%d %H:%M} UTC")
    for line in notes(evaluation):
        console.print(escape(line))
    names = list(next(iter(sides.values())))
    table = Table("mode", *names, title=None, caption="mean, 95 % interval (bootstrap over queries)")
    best = {name: max(side[name].mean for side in sides.values()) for name in names}
    for mode, side in sides.items():
        table.add_row(mode, *(_cell(side[name], best=best[name]) for name in names))
    console.print(table)


def notes(evaluation: Evaluation) -> Iterable[str]:
    """Yield what a reader must know to judge the figures."""
    corpus, worker = evaluation.corpus, evaluation.worker
    yield (
        f"{corpus.published:,} documents in {corpus.chunks:,} chunks, {evaluation.queries:,} queries, "
        f"embedder {evaluation.embedder}, seq {evaluation.seq}"
    )
    left_out = {
        "documents with neither title nor text": corpus.empty,
        "documents refused before they were sent": corpus.refused,
        "documents refused by the stream (dead letters)": corpus.dead_letters,
        "judged document ids that the corpus does not have": corpus.unknown,
        "judged queries without a text": corpus.without_text,
    }
    for what, count in left_out.items():
        if count:
            yield f"{count:,} {what}"
    if worker:
        yield (
            f"worker over Kafka, in its own mode: {worker.same} of {worker.asked} questions had the same "
            f"{worker.k} hits in the same order as the search in this process"
        )


def show_pairs(console: Console, title: str, pairs: Sequence[Pair]) -> None:
    """Print differences: one row a pair of sides, one column a measure; * = beyond chance."""
    if not pairs:
        return
    names = list(dict.fromkeys(pair.measure for pair in pairs))
    table = Table("difference", *names, title=title)
    table.caption = "mean difference, p of a paired randomisation test after Holm; * = p < .05"
    in_rows = sorted(pairs, key=lambda pair: (pair.left, pair.right))
    for (left, right), group in groupby(in_rows, key=lambda pair: (pair.left, pair.right)):
        found = {pair.measure: pair for pair in group}
        label = left if left == right else f"{left} - {right}"
        table.add_row(label, *(_difference(found[name]) for name in names))
    console.print(table)


def _cell(one: Interval, *, best: float) -> str:
    text = f"{one.mean:.4f}\n[dim]{_short(one.low, 2)}-{_short(one.high, 2)}[/dim]"
    return f"[bold]{text}[/bold]" if one.mean == best else text


def _difference(pair: Pair) -> str:
    p = f"<{_short(_LEAST_P, 3)}" if pair.p < _LEAST_P else _short(pair.p, 3)
    text = f"{pair.difference.mean:+.4f}{'*' if pair.sure else ''}\n[dim]p {p}[/dim]"
    return f"[bold]{text}[/bold]" if pair.sure else text


def _short(value: float, digits: int) -> str:
    """Return a number between 0 and 1 without its leading zero.

    >>> _short(0.25, 2), _short(1.0, 2)
    ('.25', '1.00')
    """
    return f"{value:.{digits}f}".removeprefix("0")
