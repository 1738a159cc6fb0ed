"""Verbs that become another program: what runs for ever, and the batch jobs. The settings are checked before."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, environment, load


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(
        epilog="Example:  freshline stream --set kafka.bootstrap=localhost:9092 --set lake.uri=/data"
    )(stream)
    app.command(epilog="Example:  freshline serve --set serving.name=worker-2")(serve)
    app.command(epilog="Example:  freshline tail --set tail.max_documents=500")(tail)
    app.command(epilog="Example:  freshline archive --set archive.every=60")(archive)
    app.command(epilog="Example:  freshline backfill docs/ --collection handbook")(backfill)
    app.command(epilog="Examples:  freshline compact   ·   freshline compact --all")(compact)
    app.command(epilog="Example:  freshline vacuum --dry-run")(vacuum)
    app.command(epilog="Example:  freshline evaluate beir/scifact --against evaluations/scifact-test-…")(
        evaluate
    )
    app.command(epilog="Example:  freshline verify --repair")(verify)


def stream(sets: Sets = None, config: ConfigFile = None) -> None:
    """Run the stream: documents from Kafka into tables and index, for ever."""
    _become("streaming", [], sets, config)


def serve(sets: Sets = None, config: ConfigFile = None) -> None:
    """Run a worker: questions from Kafka, answers onto Kafka, for ever."""
    _become("serving", [], sets, config)


def tail(sets: Sets = None, config: ConfigFile = None) -> None:
    """Run an owner of the tail: documents to the workers before they are durable, for ever. Several share the work."""
    _become("serving.tail", [], sets, config)


def archive(sets: Sets = None, config: ConfigFile = None) -> None:
    """Run the archive: responses from Kafka into the table `responses`, for ever. A second one does no harm."""
    _become("serving.archive", [], sets, config, needs=("kafka", "lake"))


def backfill(
    path: Annotated[Path, typer.Argument(help="Folder or file of text, .jsonl or .parquet of messages.")],
    collection: Annotated[str, typer.Option(help="Collection of text files.")] = "docs",
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Read a folder, JSON Lines or Parquet through the stream's own pass, as one Spark job."""
    _become("batch", ["backfill", str(path), "--collection", collection], sets, config, needs=("lake",))


def compact(
    everything: Annotated[
        bool, typer.Option("--all", help="Merge every shard, whatever is due; also drops what has expired.")
    ] = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Merge what is due in each shard of the index, as one Spark job; the stream may run."""
    _become("batch", ["compact", *(["--all"] if everything else [])], sets, config, needs=("lake",))


def vacuum(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would go.")] = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Remove what nobody can need: states beyond history.retention, replaced segments, files of dead batches."""
    words = ["vacuum", *(["--dry-run"] if dry_run else [])]
    _become("batch", words, sets, config, needs=("lake",))


def evaluate(
    path: Annotated[Path, typer.Argument(help="Folder in BEIR's layout, or a kept run to show again.")],
    split: Annotated[str, typer.Option(help="Which judgements: qrels/<split>.tsv.")] = "test",
    modes: Annotated[
        str, typer.Option(metavar="A,B", help="Of dense, lexical, hybrid, reranked; all that there are.")
    ] = "",
    k: Annotated[int, typer.Option("--k", min=10, max=1000, help="Documents of each ranking.")] = 100,
    keep: Annotated[Path, typer.Option(help="Folder of kept runs.")] = Path("evaluations"),
    against: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A kept run to compare with, with significance.")
    ] = None,
    ask: Annotated[int, typer.Option(min=0, help="Questions that the worker is asked as well.")] = 100,
    drop_same_id: Annotated[
        bool, typer.Option("--drop-same-id", help="A query never finds the document of its own id.")
    ] = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Measure retrieval over documents, queries and judgements (BEIR's layout), on a stack of its own."""
    words = ["evaluate", str(path), "--split", split, "--modes", modes, "--k", str(k), "--keep", str(keep)]
    words += ["--ask", str(ask)]
    words += ["--against", str(against)] if against else []
    words += ["--drop-same-id"] if drop_same_id else []
    _become("batch", words, sets, config, needs=())


def verify(
    shard: Annotated[int | None, typer.Option(min=0, help="This shard alone.", show_default="all")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild each shard that differs from the tables.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Sizes and hashes of files only.")] = False,
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Check every named file, and the index against the tables, beside a running stream; exit 1 if anything differs."""
    words = ["verify", *(["--shard", str(shard)] if shard is not None else [])]
    given = {"--repair": repair, "--quick": quick, "--json": as_json}
    words += [word for word, wanted in given.items() if wanted]
    _become("batch", words, sets, config, needs=("lake",))


def _become(
    module: str,
    words: list[str],
    sets: list[str] | None,
    config: Path | None,
    needs: Sequence[str] = ("kafka", "redis", "lake"),
) -> None:
    """Replace this process, so that signals and the exit code are the program's own."""
    from freshline.embedded import recipes  # noqa: PLC0415

    settings = load(sets, config, needs).settings
    argv = [*recipes.python(), "-m", module, *words, *recipes.as_words(sets or ())]
    environ = recipes.room_environment(settings, recipes.with_file(environment(), config))
    os.execve(argv[0], argv, environ)  # noqa: S606 - our own program
