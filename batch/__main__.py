"""The composition root of the batch jobs (`freshline backfill`, `compact`, `vacuum`, `verify` …); `python -m batch`."""

import os
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from batch.opened import open_backfill
from batch.session import session_for, waited_for
from batch.source import open_source
from batch.vacuum import run_vacuum
from batch.verify import verify
from freshline import failpoints
from freshline.cli.main import told
from freshline.config import from_environment
from freshline.embedded.recipes import as_words
from freshline.folder import left_out
from freshline.index.manifest import Manifest
from freshline.index.plan import Rules
from freshline.ingest.result import PassResult
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import languages_of
from freshline.observability import setup_logging
from freshline.settings import Settings

app = typer.Typer(help="Batch jobs over the lake.", no_args_is_help=True, pretty_exceptions_enable=False)
console = Console()
app.command(epilog="Example:  freshline verify --repair")(verify)


@app.command(epilog="Example:  freshline backfill docs/ --collection handbook")
def backfill(
    path: Annotated[Path, typer.Argument(help="folder or file, .jsonl or .parquet of messages")],
    collection: Annotated[str, typer.Option(help="collection of files")] = "docs",
    setting: Annotated[list[str] | None, typer.Option("--set", help="section.key=value")] = None,
) -> None:
    """Read a folder, JSON Lines or Parquet through the stream's own pass, as one Spark job."""
    settings = from_environment(as_words(setting or []), needs=("lake",))
    setup_logging(settings, "backfill")
    source = open_source(path, collection, settings.collections.max_bytes(collection))
    if not source.is_messages and (others := left_out(path)):
        console.print(f"{path}: {others}", markup=False)
    with ExitStack() as opened:
        with console.status("starting Spark"):
            session = opened.enter_context(session_for(settings, "freshline-backfill"))
        job = open_backfill(_with_roots(settings, source.content_roots), session, source)
        with console.status(f"reading {path}"):
            number, result = waited_for(job.run)
    _tell(number, result)
    if result.rejected:
        raise typer.Exit(1)


@app.command(epilog="Example:  freshline compact --all")
def compact(
    everything: Annotated[
        bool, typer.Option("--all", help="merge every shard, whatever is due; also drops what has expired")
    ] = False,
    setting: Annotated[list[str] | None, typer.Option("--set", help="section.key=value")] = None,
) -> None:
    """Merge what is due in each shard, as one Spark job with a task a shard."""
    from batch import compact_view  # noqa: PLC0415 - a backfill needs none of it
    from batch.compact import Wish, compact_lake, finished  # noqa: PLC0415

    settings = from_environment(as_words(setting or []), needs=("lake",))
    setup_logging(settings, "compact")
    rules = Rules(compact_at=settings.index.compact_at, garbage_ratio=settings.index.garbage_ratio)
    wish = Wish(
        uri=settings.lake.uri,
        rules=rules,
        everything=everything,
        languages=languages_of(settings.collections),
    )
    shards = wish.shards(Manifest(Lake(Storage(settings.lake.uri))).fold())
    if not shards:
        console.print("Nothing is due." if not everything else "The index is empty.")
        return
    with ExitStack() as opened:
        with console.status("starting Spark"):
            session = opened.enter_context(session_for(settings, "freshline-compact"))
        with compact_view.progress(Console(stderr=True), len(shards), finished(session)):
            reports = waited_for(lambda: compact_lake(session, wish, shards))
    compact_view.show(console, reports)
    if any(report.error for report in reports):
        raise typer.Exit(1)


@app.command(epilog="Example:  freshline vacuum --dry-run")
def vacuum(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="change nothing; say what would go")] = False,
    setting: Annotated[list[str] | None, typer.Option("--set", help="section.key=value")] = None,
) -> None:
    """Remove what nobody can need any more, beside everything that runs; stop it when you like."""
    settings = from_environment(as_words(setting or []), needs=("lake",))
    setup_logging(settings, "vacuum")
    if settings.debug.failpoint:
        failpoints.arm(settings.debug.failpoint)
    if not run_vacuum(Storage(settings.lake.uri), settings.history.retention, console, dry_run=dry_run):
        raise typer.Exit(1)


@app.command(epilog="Example:  freshline evaluate beir/scifact --split test")
def evaluate(  # noqa: PLR0917 - a verb takes its options one by one
    path: Annotated[Path, typer.Argument(help="folder in BEIR's layout, or a kept run to show")],
    split: Annotated[str, typer.Option(help="which judgements: qrels/<split>.tsv")] = "test",
    modes: Annotated[str, typer.Option(help="dense,lexical,hybrid,reranked; empty = all there are")] = "",
    k: Annotated[int, typer.Option("--k", help="documents of each ranking")] = 100,
    keep: Annotated[Path, typer.Option(help="folder of kept runs")] = Path("evaluations"),
    against: Annotated[Path | None, typer.Option(help="kept run to compare with")] = None,
    ask: Annotated[int, typer.Option(help="questions to ask the worker as well")] = 100,
    drop_same_id: Annotated[
        bool, typer.Option("--drop-same-id", help="a query is itself a document")
    ] = False,
    setting: Annotated[list[str] | None, typer.Option("--set", help="section.key=value")] = None,
) -> None:
    """Measure retrieval over a folder of documents, queries and judgements, on a stack of its own."""
    from batch.evaluation.index import Plan  # noqa: PLC0415 - a backfill needs none of it
    from batch.evaluation.verb import Wish, run_verb  # noqa: PLC0415

    plan = Plan(
        overrides=tuple(setting or ()),
        environ=dict(os.environ),
        modes=modes,
        k=k,
        ask=ask,
        drop_same=drop_same_id,
    )
    setup_logging(plan.loaded().settings, "evaluate")
    wish = Wish(path=path, split=split, keep=keep, against=against, plan=plan)
    run_verb(wish, console, Console(stderr=True))


def _with_roots(settings: Settings, roots: tuple[str, ...]) -> Settings:
    """Let the run's tasks read the folder that was named on the command line."""
    limits = replace(settings.limits, content_roots=(*settings.limits.content_roots, *roots))
    return replace(settings, limits=limits)


def _tell(number: int, result: PassResult) -> None:
    table = Table(title=f"backfill {number}", show_header=False)
    table.add_row("documents", str(result.accepted))
    table.add_row("chunks", f"{result.chunks} ({result.embedded} embedded, the rest from the cache)")
    for code, count in sorted(result.reject_codes.items()):
        table.add_row(f"rejected: {code}", str(count))
    console.print(table)


def main() -> None:
    """Run; what goes wrong is told as the command line tells it."""
    sys.exit(told(lambda: app(prog_name="freshline", standalone_mode=False)))


if __name__ == "__main__":
    main()
