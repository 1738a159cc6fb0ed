"""An evaluation's progress on stderr: bars on a terminal; elsewhere one line as each step begins."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Screen:
    """A context manager that is called as batch.evaluation.publish.Tell."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._last: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show one step; total 0 = not known."""
        if what not in self._tasks:
            self._begin(what, total)
        self._progress.update(self._tasks[what], completed=done, total=total or None)

    def _begin(self, what: str, total: int) -> None:
        """Let the step before stand still and start the next."""
        if self._last is not None:
            self._progress.stop_task(self._last)
        self._last = self._tasks[what] = self._progress.add_task(escape(what), total=None)
        if not self._console.is_terminal:
            self._console.print(escape(f"{what}: {total:,}" if total else what), highlight=False)
