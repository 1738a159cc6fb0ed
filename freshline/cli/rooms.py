"""Verbs that become another program: stream, serve, backfill. The settings are checked before."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from freshline.cli.common import ConfigFile, Sets, environment, load


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(
        epilog="Example:  freshline stream --set kafka.bootstrap=localhost:9092 --set lake.uri=/data"
    )(stream)
    app.command(epilog="Example:  freshline serve --set serving.name=worker-2")(serve)
    app.command(epilog="Example:  freshline backfill docs/ --collection handbook")(backfill)


def stream(sets: Sets = None, config: ConfigFile = None) -> None:
    """Run the stream: documents from Kafka into tables and index, for ever."""
    _become("streaming", [], sets, config)


def serve(sets: Sets = None, config: ConfigFile = None) -> None:
    """Run a worker: questions from Kafka, answers onto Kafka, for ever."""
    _become("serving", [], sets, config)


def backfill(
    path: Annotated[Path, typer.Argument(help="Folder or file of text, .jsonl or .parquet of messages.")],
    collection: Annotated[str, typer.Option(help="Collection of text files.")] = "docs",
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Read a folder, JSON Lines or Parquet through the stream's own pass, as one Spark job."""
    _become("batch", ["backfill", str(path), "--collection", collection], sets, config, needs=("lake",))


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
