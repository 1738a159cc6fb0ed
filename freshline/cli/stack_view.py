"""The stack as a person sees it: its start as lines with a spinner, its parts as a table."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from freshline.embedded.status import Row

_WORDS = {
    "starting": "starting {part}",
    "ready": "[green]✓[/green] {part} is ready ({seconds} s)",
    "restarting": "[yellow]{part}: {why}; again in {pause} s[/yellow]",
    "stopped": "{part} has ended",
}
_DOING = {
    "jar": "fetching jars: {done} of {of}  {name}",
    "starting": "starting {part}",
    "started": "waiting for {part}",
    "topics": "checking topics",
    "stopped": "stopping",
}


class Told:
    """A supervisor's events on a console: what is done stands, what is under way moves."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting")
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def __call__(self, event: str, details: dict[str, object]) -> None:
        """Show one event."""
        safe = {key: escape(str(value)) for key, value in details.items()}
        if event in _WORDS and event != "starting":
            self._console.print(_WORDS[event].format(**safe))
        if event in _DOING:
            self._status.update(_DOING[event].format(**safe))
        if event == "running":
            self._console.print(f"[bold]The stack runs[/bold] ({time.monotonic() - self._since:.0f} s).")
            self._status.update("running; Ctrl-C ends it")

    def note(self, text: str) -> None:
        """Print one line."""
        self._console.print(escape(text))


def show(console: Console, rows: list[Row], folder: Path) -> None:
    """Print the table of parts."""
    if not rows:
        console.print(f"No stack runs in {escape(str(folder))}. Start one: freshline up")
        return
    address = Column("address", no_wrap=True)  # to be copied whole, also from a window of 80 columns
    table = Table(
        "part", "pid", "uptime", "restarts", address, "health", "lag", box=None, padding=(0, 1, 0, 0)
    )
    for row in rows:
        part = f"{row.part} (shards {row.shards})" if row.shards else row.part
        health = f"[green]{row.health}[/green]" if row.health == "ready" else f"[red]{row.health}[/red]"
        lag = "" if row.lag is None else f"{row.lag} records"
        table.add_row(
            part, str(row.pid or ""), _span(row.uptime), str(row.restarts), row.address, health, lag
        )
    console.print(table)
    for line in tail_lines(rows):
        console.print(line, markup=False)


def tail_lines(rows: Iterable[Row]) -> list[str]:
    """Say what is answered from before it is durable, and what is left to the stream, and why."""
    said = [row for row in rows if row.tail is not None]
    if not said:
        return ["tail: none; answers are as fresh as the newest micro-batch"]
    lines = [
        f"tail: {row.tail['documents']} documents in {row.part} are answerable and not durable yet"
        for row in said
        if row.tail and row.part != "tail" and row.tail.get("documents")
    ]
    aside = {place: why for row in said for place, why in (row.tail or {}).get("aside", {}).items() if why}
    if aside:
        named = ", ".join(f"partition {place} ({why})" for place, why in sorted(aside.items()))
        lines.append(f"tail: left to the stream: {named}")
    return lines or ["tail: nothing is answered from that is not durable"]


def _span(seconds: float | None) -> str:
    """Return a time span in its largest two units.

    >>> _span(5.2), _span(125), _span(7260)
    ('5 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds is None:
        return ""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
