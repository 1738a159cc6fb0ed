"""The verb demo: a stack of its own, the main job on real text, and everything cleaned up afterwards."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from freshline.cli.common import ConfigFile, Sets, environment, err, load, out
from freshline.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from freshline.demo.figures import Figures
    from freshline.demo.story import Story
    from freshline.embedded.layout import Layout
    from freshline.settings import KafkaSettings, LimitSettings
    from schemas.messages import DocumentEvent

#: Questions that must be answered for the demo to have shown what it says.
LEAST_ANSWERED = 8
#: Seconds that the whole corpus may take to become answerable; a minute or two on two cores.
_WITHIN = 1800.0
#: So that the bar moves while the corpus is read; the last word is the user's.
_SMALL_BATCHES = ("stream.max_records=32",)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example:  freshline demo --docs notes/ --json figures.json")(demo)


def demo(
    docs: Annotated[
        list[Path] | None, typer.Option("--docs", help="Files or folder to publish as well.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write every figure to this file.")] = None,
    question: Annotated[
        list[str] | None, typer.Option("--ask", help="Ask this as well, of everything.")
    ] = None,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Publish real text, ask, edit, ask, delete, ask: with the time from publish to answerable each time."""
    from freshline.demo.corpus import content_roots  # noqa: PLC0415
    from freshline.demo.figures import Figures  # noqa: PLC0415
    from freshline.demo.screen import show_summary  # noqa: PLC0415

    for path in docs or ():
        if not path.exists():
            raise UserError(f"--docs {path}: there is no such file or folder.")
    console, figures = out(), Figures()
    settings = load(sets, config, needs=None).settings
    roots = (*settings.limits.content_roots, *content_roots(docs or ()))
    limits = replace(settings.limits, content_roots=roots)
    allowed = [f"limits.content_roots={','.join(roots)}"] if docs else []
    with _stack([*(sets or ()), *allowed], config, figures, keep=keep) as kafka:
        _tell(kafka, figures, limits, docs or [], question or [])
    show_summary(console, figures)
    if json:
        _write(json, figures)
    if missing := figures.shortcomings(LEAST_ANSWERED):
        for each in missing:
            err().print(f"[red]{each}[/red]")
        raise typer.Exit(1)


def _tell(
    kafka: "KafkaSettings",
    figures: "Figures",
    limits: "LimitSettings",
    docs: list[Path],
    questions: list[str],
) -> None:
    from freshline.client import Asker, Producer  # noqa: PLC0415
    from freshline.demo.questions import QUESTIONS, Asked  # noqa: PLC0415
    from freshline.demo.screen import show_change, show_told  # noqa: PLC0415
    from freshline.demo.story import Story  # noqa: PLC0415
    from freshline.ingest.content import ContentReader  # noqa: PLC0415

    console = out()
    with Producer(kafka) as producer, Asker(kafka) as asker:
        story = Story(producer, asker, ContentReader(limits))
        _publish(console, story, figures, docs)
        for asked in (*QUESTIONS, *(Asked(text, None) for text in questions)):
            told = story.ask(asked)
            show_told(console, told)
            figures.told.append(told)
        changes = (partial(story.publish_edition, 0), partial(story.publish_edition, 1), story.delete)
        for change in changes:
            figures.changes.append(change())
            show_change(console, figures.changes[-1])


def _publish(console: "Console", story: "Story", figures: "Figures", docs: list[Path]) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    events = list(_corpus(docs))
    figures.documents = len(events)
    figures.bytes = sum(map(story.size, events))
    started = monotonic()
    ends = story.publish(events)
    figures.publish_seconds = monotonic() - started
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err()) as bar:
        task = bar.add_task("documents answerable", total=None)
        story.wait_until_answerable(
            ends, _WITHIN, lambda done, total: bar.update(task, completed=done, total=total)
        )
    figures.answerable_seconds = monotonic() - started
    console.print(
        f"{figures.documents} documents published in {figures.publish_seconds:.1f} s, all answerable "
        f"after {figures.answerable_seconds:.1f} s",
        style="bold",
    )


def _corpus(docs: list[Path]) -> Iterator["DocumentEvent"]:
    from freshline.demo.corpus import folder, package_readmes, reference_topics  # noqa: PLC0415
    from freshline.folder import left_out  # noqa: PLC0415
    from freshline.settings import CollectionSettings  # noqa: PLC0415

    yield from reference_topics()
    yield from package_readmes()
    for path in docs:
        if others := left_out(path):
            err().print(f"{path}: {others}", markup=False)
        yield from folder(path, CollectionSettings().max_bytes)


@contextmanager
def _stack(
    sets: list[str], config: Path | None, figures: "Figures", *, keep: bool
) -> Iterator["KafkaSettings"]:
    """Give the address of a stack in a folder of its own; it ends with this process unless it is kept."""
    from freshline.cli.stack_view import Told  # noqa: PLC0415
    from freshline.embedded import detached, recipes, state  # noqa: PLC0415
    from freshline.embedded.layout import Layout  # noqa: PLC0415

    loaded = load(sets, config, needs=None)
    layout = Layout(Path(loaded.settings.stack.directory).resolve() / "demo")
    started = monotonic()
    with Told(err()) as told:
        if state.running(layout.root):
            told.note(f"A demo's stack runs in {layout.root} already: it is ended first.")
            detached.stop(layout, told)
        shutil.rmtree(layout.root, ignore_errors=True)
        words = recipes.as_words([*_SMALL_BATCHES, *sets, f"stack.directory={layout.root}"])
        environ = recipes.with_file(environment(), config)
        now = detached.start(detached.command(words), layout, environ, told, owned=not keep)
    figures.start_seconds = monotonic() - started
    try:
        yield replace(loaded.settings.kafka, bootstrap=now.addresses["kafka.bootstrap"])
    finally:
        _leave(layout, keep=keep)


def _leave(layout: "Layout", *, keep: bool) -> None:
    from freshline.cli.stack_view import Told  # noqa: PLC0415
    from freshline.embedded import detached  # noqa: PLC0415

    if keep:
        at = f"--set stack.directory={layout.root}"
        out().print(f'The stack stays up:  freshline ask "…" {at}\nEnd it:  freshline down {at}')
        return
    with Told(err()) as told:
        detached.stop(layout, told)
    shutil.rmtree(layout.root, ignore_errors=True)


def _write(path: Path, figures: "Figures") -> None:
    import msgspec  # noqa: PLC0415

    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
