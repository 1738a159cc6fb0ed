"""An evaluation's progress on stderr: what is done stands as a full bar, what is under way moves."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Screen:
    """A context manager that is called as batch.evaluate_publish.Tell."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console)
        self._tasks: dict[str, TaskID] = {}
        self._last: str | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show one step; total 0 = not known."""
        if what != self._last:
            self._finish()
            self._last = what
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(escape(what), total=None)
        self._progress.update(self._tasks[what], completed=done, total=total or None)

    def _finish(self) -> None:
        """Let the step before stand still."""
        if self._last is not None:
            self._progress.stop_task(self._tasks[self._last])
