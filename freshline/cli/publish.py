"""`freshline publish`: files, folders, standard input and deletions onto the topic of documents."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshline.cli.common import AsJson, ConfigFile, Sets, err, load, out, print_json
from freshline.cli.positions import LEAD, written
from freshline.cli.scalars import Meta, metadata_of
from freshline.cli.waiting import Waiting

if TYPE_CHECKING:
    from freshline.client import Producer, Published
    from schemas.messages import DocumentEvent

_SHOWN = 10  # documents that are named one by one


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        epilog="Examples:  freshline publish docs/ --collection handbook   ·   "
        "echo 'Tea is at four.' | freshline publish - --id tea   ·   freshline publish --delete tea   ·   "
        "freshline publish tea.md --wait   ·   freshline publish tea.md --wait-durable --json"
    )(publish)


def publish(
    *,
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders, - for standard input.")] = None,
    collection: Annotated[str, typer.Option(help="Collection of the documents.")] = "docs",
    title: Annotated[str | None, typer.Option(help="Title, for one document.")] = None,
    doc_id: Annotated[str | None, typer.Option("--id", help="Document id, for one document.")] = None,
    meta: Meta = None,
    delete: Annotated[list[str] | None, typer.Option(metavar="ID", help="Delete a document.")] = None,
    as_uri: Annotated[
        bool,
        typer.Option("--as-uri", help="Name the files only: the stream reads them (limits.content_roots)."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until answers see it all; say how long.")
    ] = False,
    wait_durable: Annotated[
        bool, typer.Option("--wait-durable", help="Also wait until no restart takes it back; say both times.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for each of these.")] = 300.0,
    as_json: AsJson = False,
    sets: Sets = None,
    config: ConfigFile = None,
) -> None:
    """Publish documents, wait until the broker keeps them, and say where they stand."""
    from freshline.client import Producer  # noqa: PLC0415
    from freshline.errors import UserError  # noqa: PLC0415

    if not paths and not delete:
        raise UserError("Nothing to publish: name files, folders or - for standard input, or --delete ID.")
    reading = _Reading(collection, load(sets, config).settings.collections.max_bytes(collection), as_uri)
    documents = _named(
        [d for path in paths or () for d in reading.path(path)], title, doc_id, metadata_of(meta)
    )
    if reading.too_large and not documents and not delete:
        raise UserError(reading.why_left_out(reading.too_large[0]))
    kafka = load(sets, config, ("kafka",)).settings.kafka
    with ExitStack() as opened:
        waiting = Waiting.of(kafka, opened, timeout, durable=wait_durable) if wait or wait_durable else None
        producer = opened.enter_context(Producer(kafka, max_bytes=reading.max_bytes))
        sent = _send(producer, collection, documents, delete or [])
        if not as_json:
            _say(collection, sent.kept, sent.gone)
        try:
            if waiting:
                waiting.wait(sent.positions, sent.began)
        finally:
            if as_json:
                print_json([entry | (waiting.took if waiting else {}) for entry in sent.entries()])
    for file in reading.too_large:
        err().print(reading.why_left_out(file), markup=False)
    if reading.too_large:
        raise typer.Exit(1)


@dataclass(slots=True)
class _Reading:
    """Paths to messages; remembers which files do not fit into a record."""

    collection: str
    max_bytes: int
    as_uri: bool
    too_large: list[Path] = field(default_factory=list)

    def path(self, path: str) -> "Iterator[DocumentEvent]":
        """Yield what a path means. Raises UserError where that is nothing."""
        from freshline import folder  # noqa: PLC0415
        from freshline.errors import UserError  # noqa: PLC0415

        if path == "-":
            yield _standard_input(self.collection)
            return
        root = Path(path)
        if not root.exists():
            raise UserError(f"{path} does not exist, expected a file, a folder, or - for standard input.")
        files = list(folder.readable_files(root))
        if not files:
            raise UserError(f"{path} holds no file that ends in {', '.join(folder.CONTENT_TYPES)}.")
        if others := folder.left_out(root):
            err().print(f"{path}: {others}", markup=False)
        for file in files:
            yield from self._file(file, folder.document_id(file, root))

    def why_left_out(self, file: Path) -> str:
        """Name the limit, and the way by uri."""
        return (
            f"{file} is too large: its record would have more than {self.max_bytes} bytes "
            f"(collections.{self.collection}.max_bytes). Expected less, or --as-uri, with the file below a folder "
            "that the stream's limits.content_roots names."
        )

    def _file(self, file: Path, doc_id: str) -> "Iterator[DocumentEvent]":
        from freshline import folder  # noqa: PLC0415

        if self.as_uri:
            yield folder.refer_to_document(file, doc_id=doc_id, collection=self.collection)
            return
        event = folder.fitting_document(
            file, doc_id=doc_id, collection=self.collection, max_bytes=self.max_bytes
        )
        if event is None:
            self.too_large.append(file)
        else:
            yield event


def _standard_input(collection: str) -> "DocumentEvent":
    from freshline.errors import UserError  # noqa: PLC0415
    from schemas.messages import DocumentEvent  # noqa: PLC0415

    try:
        content = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UserError(f"Standard input is not UTF-8: {error}.") from error
    return DocumentEvent(schema_version=1, collection=collection, doc_id="", content=content)


def _named(
    documents: "list[DocumentEvent]", title: str | None, doc_id: str | None, metadata: dict[str, Any]
) -> "list[DocumentEvent]":
    """Return the documents as the options name them; title and id are for one, standard input needs an id."""
    from freshline.errors import UserError  # noqa: PLC0415

    if (title or doc_id) and len(documents) != 1:
        raise UserError(f"--title and --id are for one document, but {len(documents)} are named.")
    named = [
        replace(d, title=title or d.title, doc_id=doc_id or d.doc_id, metadata=d.metadata | metadata)
        for d in documents
    ]
    if any(not each.doc_id for each in named):
        raise UserError("A document from standard input needs an id: --id ID.")
    return named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What stands where; `began`: monotonic time of the first send()."""

    collection: str
    kept: "list[tuple[str, Published]]"
    gone: "list[tuple[str, Published]]"
    began: float

    @property
    def positions(self) -> "list[Published]":
        """Return where everything stands."""
        return [where for _, where in (*self.kept, *self.gone)]

    def entries(self) -> list[dict[str, object]]:
        """Return a line of JSON's content for each."""
        kept = [_entry(self.collection, *one, deleted=False) for one in self.kept]
        return kept + [_entry(self.collection, *one, deleted=True) for one in self.gone]


def _send(
    producer: "Producer", collection: str, documents: "list[DocumentEvent]", delete: list[str]
) -> _Sent:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("publishing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        task = progress.add_task("publishing", total=len(documents))
        began = time.monotonic()
        stand = producer.publish_many(documents, progress=lambda n: progress.update(task, completed=n))
        gone = [(each, producer.delete(collection, each)) for each in delete]
    kept = list(zip([each.doc_id for each in documents], stand, strict=True))
    return _Sent(collection=collection, kept=kept, gone=gone, began=began)


def _entry(collection: str, doc_id: str, where: "Published", *, deleted: bool) -> dict[str, object]:
    return {
        "collection": collection,
        "doc_id": doc_id,
        "deleted": deleted,
        "topic": where.topic,
        "partition": where.partition,
        "offset": where.offset,
        "timestamp": where.timestamp,
    }


def _say(collection: str, kept: "list[tuple[str, Published]]", gone: "list[tuple[str, Published]]") -> None:
    from rich.text import Text  # noqa: PLC0415

    from freshline.client import offsets_of  # noqa: PLC0415

    for word, each in (("published", kept), ("deleted", gone)):
        for doc_id, where in each[:_SHOWN]:
            place = f"{where.topic}[{where.partition}] offset {where.offset}"
            out().print(Text(f"{word} {collection}/{doc_id}  {place}"))
        if len(each) > _SHOWN:
            out().print(f"… and {len(each) - _SHOWN} more: {len(each)} {word} in all")
    out().print(Text(f"{LEAD}{written(offsets_of([where for _, where in (*kept, *gone)]))}", "dim"))
