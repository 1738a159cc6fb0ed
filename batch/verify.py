"""`freshline verify`: tell what the check found, rebuild what can be rebuilt, and say what cannot.

Plain Arrow in this process, no Spark: a check reads each file once and holds one part in memory
(docs/decisions/0048). Exit code 0: nothing differs, or nothing any more; 1: something does.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from freshline.config import from_environment
from freshline.embedded.recipes import as_words
from freshline.errors import IntegrityError, TransientError
from freshline.integrity.check import Report, Scope, check
from freshline.integrity.finding import Finding
from freshline.integrity.rebuild import Rebuilt, rebuild
from freshline.lake.storage import Storage
from freshline.lexical.languages import Languages, languages_of
from freshline.observability import setup_logging


def verify(
    shard: Annotated[int | None, typer.Option(min=0, help="this shard alone; default: all")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="rebuild what differs from the tables")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="sizes and hashes of files only")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for another program")] = False,
    setting: Annotated[list[str] | None, typer.Option("--set", help="section.key=value")] = None,
) -> None:
    """Check every named file, and the index against the tables; safe beside a running stream."""
    settings = from_environment(as_words(setting or []), needs=("lake",))
    setup_logging(settings, "verify")
    storage = Storage(settings.lake.uri)
    shards = None if shard is None else frozenset([shard])
    console = Console(highlight=False, soft_wrap=True)
    report = _check(storage, shards, quick=quick)
    wrong = report.findings.shards if repair else []
    rebuilt, failures = _repair(storage, wrong, languages_of(settings.collections))
    after = _check(storage, shards, quick=quick) if rebuilt else None
    if as_json:
        typer.echo(msgspec.json.encode(_as_dict(report, rebuilt, failures, after)).decode())
    else:
        for line in _lines(report, rebuilt, failures, after):
            console.print(line, markup=False)
    if (after or report).findings.total:
        raise typer.Exit(1)


def _check(storage: Storage, shards: frozenset[int] | None, *, quick: bool) -> Report:
    with Console(stderr=True).status("") as status:

        def tell(what: str) -> None:
            status.update(f"checking {what}")

        return check(storage, Scope(now=datetime.now(UTC), shards=shards, quick=quick, tell=tell))


def _repair(storage: Storage, shards: list[int], languages: Languages) -> tuple[list[Rebuilt], list[str]]:
    rebuilt, failures = [], []
    for shard in shards:
        with Console(stderr=True).status(f"rebuilding shard {shard}"):
            try:
                rebuilt.append(rebuild(storage, shard, languages))
            except (IntegrityError, TransientError) as error:
                failures.append(f"shard {shard} is not rebuilt: {error}")
    return rebuilt, failures


def _lines(
    report: Report, rebuilt: list[Rebuilt], failures: list[str], after: Report | None
) -> Iterator[Table | str]:
    yield _summary(report)
    yield from (f"applied first, as a start of the stream does: {what}" for what in report.applied)
    if report.findings.total:
        yield _differences(report)
        yield from (_shown(finding) for finding in report.findings.examples)
    yield from (
        f"shard {one.shard}: {one.added} segments with {one.rows} rows took the place of {one.removed}, seq {one.seq}"
        for one in rebuilt
    )
    yield from failures
    left = after or report
    yield _verdict(left, repaired=after is not None)


def _summary(report: Report) -> Table:
    table = Table(title=f"verify, seq {report.seq}", show_header=False)
    table.add_row(
        "files of tables", f"{report.table_files} ({report.merged_files} merged: rows compared, no hash)"
    )
    table.add_row("segments", str(report.segments))
    table.add_row("shards compared by rows", ", ".join(map(str, report.compared)) or "none")
    table.add_row("states, chunks compared", f"{report.states}, {report.rows}")
    return table


def _differences(report: Report) -> Table:
    table = Table("difference", "shard", "count")
    for (kind, shard), count in sorted(report.findings.counts.items(), key=str):
        table.add_row(kind, "tables" if shard is None else str(shard), str(count))
    return table


def _shown(finding: Finding) -> str:
    return f"{finding.kind}: {finding.where}" + (f": {finding.detail}" if finding.detail else "")


def _verdict(report: Report, *, repaired: bool) -> str:
    if not report.findings.total:
        return "nothing differs any more" if repaired else "nothing differs"
    if report.findings.tables:
        return "the tables are not whole: put the named files back from a backup; no rebuild can replace them"
    return "rebuild from the tables: freshline verify --repair"


def _as_dict(
    report: Report, rebuilt: list[Rebuilt], failures: list[str], after: Report | None
) -> dict[str, Any]:
    return {
        **_report(report),
        "rebuilt": [_plain(one) for one in rebuilt],
        "failures": failures,
        "after": _report(after) if after else None,
    }


def _report(report: Report) -> dict[str, Any]:
    plain = _plain(report)
    plain["findings"] = [_plain(one) for one in report.findings.examples]
    plain["counts"] = [
        {"kind": kind, "shard": shard, "count": count}
        for (kind, shard), count in sorted(report.findings.counts.items(), key=str)
    ]
    return plain


def _plain(one: object) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}  # type: ignore[attr-defined]
