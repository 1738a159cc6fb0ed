"""How `freshline compact` shows its progress and what it did."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from batch.compact import ShardReport

_EVERY = 0.5  # seconds


@contextmanager
def progress(console: Console, shards: int, finished: Callable[[], int]) -> Iterator[None]:
    """Show how many shards are done while the block runs."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    ended = threading.Event()
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("compacting shards", total=shards)

        def follow() -> None:
            while not ended.wait(_EVERY):
                shown.update(task, completed=finished())

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(_EVERY * 4)


def show(console: Console, reports: Sequence[ShardReport]) -> None:
    """Print a line for each shard."""
    table = Table(title="compaction")
    for column in ("generation", "shard", "segments", "rows", "size", "conflicts", "seconds", "outcome"):
        table.add_column(column, justify="left" if column == "outcome" else "right")
    for one in sorted(reports, key=lambda report: (report.generation, report.shard)):
        table.add_row(
            str(one.generation),
            str(one.shard),
            f"{one.replaced.segments:,} → {one.written.segments:,}",
            f"{one.replaced.rows:,} → {one.written.rows:,}",
            f"{decimal(one.replaced.bytes)} → {decimal(one.written.bytes)}",
            str(one.conflicts),
            f"{one.seconds:.1f}",
            one.error or ("done" if one.compactions else "nothing left to do"),
        )
    console.print(table)
