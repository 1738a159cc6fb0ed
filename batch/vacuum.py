"""`freshline vacuum` as its user sees it: what is being done, and one table at the end, also after Ctrl-C."""

from rich.console import Console
from rich.table import Table

from freshline.history.vacuum import Outcome, Vacuum
from freshline.lake.storage import Storage

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def run_vacuum(storage: Storage, retention: float, console: Console, *, dry_run: bool) -> bool:
    """Run and show; return whether everything that can go is gone. KeyboardInterrupt passes, after the table."""
    job = Vacuum(storage, retention)
    title = "vacuum, dry run: would go" if dry_run else "vacuum: stopped early, gone so far"
    try:
        with console.status("opening the lake") as status:
            job.run(dry_run=dry_run, told=status.update)
        title = title if dry_run else "vacuum: gone"
    finally:
        if job.outcome != Outcome() or "early" not in title:
            console.print(table_of(job.outcome, title))
            _notes(job.outcome, console)
    return job.outcome.complete


def table_of(outcome: Outcome, title: str) -> Table:
    """Return what went, one line a kind."""
    table = Table(title=title)
    for name in ("what", "how many", "bytes"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for purged, which in (
        (outcome.documents, "superseded"),
        (outcome.chunks, "superseded"),
        (outcome.responses, "old"),
    ):
        table.add_row(
            f"{which} rows of {purged.table}",
            str(purged.rows),
            f"{purged.files} files ({in_bytes(purged.bytes)}) written anew" if purged.files else "",
        )
    table.add_row("segments", str(outcome.segments), "")
    table.add_row("files of tables", str(outcome.table_files), "")
    table.add_row("freed", "", in_bytes(outcome.bytes))
    return table


def in_bytes(count: float) -> str:
    """Return e.g. "3 bytes", "1.5 KiB"."""
    unit = 0
    while count >= _STEP and unit < len(_UNITS) - 1:
        count, unit = count / _STEP, unit + 1
    return f"{count:.1f} {_UNITS[unit]}" if unit else f"{count:.0f} {_UNITS[0]}"


def _notes(outcome: Outcome, console: Console) -> None:
    if outcome.running:
        console.print(f"running, so nothing younger than it goes: {', '.join(outcome.running)}", markup=False)
    if outcome.dead:
        console.print(f"never ended, taken for dead: {', '.join(outcome.dead)}", markup=False)
    if not outcome.complete:
        console.print("some files kept changing: run it again for the rest of the superseded rows")
