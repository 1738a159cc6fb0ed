"""A corpus published to a stack of its own, and the lake's snapshot that holds it.

Nothing of the user's own index, topics or caches is read or written; the stack ends with the block.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from batch.evaluation.publish import Publication, Tell, publish, wait_until_covered
from freshline.config import Loaded, load
from freshline.embedded.temporary import TemporaryStack, temporary_stack
from freshline.embedding.identity import fingerprint_of
from freshline.embedding.load import load_embedder
from freshline.embedding.port import Embedder
from freshline.evaluation.beir import BeirFolder
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import languages_of
from freshline.reranking.load import load_reranker, refuse_missing
from freshline.retrieval.lexical.index import TantivyIndex
from freshline.retrieval.reader import SnapshotReader
from freshline.retrieval.reranker import Reranker
from freshline.retrieval.snapshot import Snapshot
from freshline.settings import Settings

#: So that progress is told while the corpus is read; the last word is the user's.
_SMALL_BATCHES = ("stream.max_records=500",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for; `modes` "" = all, `ask` = questions for the worker, 0 = none."""

    overrides: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    modes: str = ""
    k: int = 100
    ask: int = 100
    drop_same: bool = False

    def loaded(self) -> Loaded:
        """Return the settings, without the stack's own addresses. Raises ConfigError."""
        return load((*_SMALL_BATCHES, *self.overrides), self.environ)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Indexed:
    """What a stack holds while it runs. `seconds`: what took how long, for whoever goes on."""

    stack: TemporaryStack
    lake: Lake
    publication: Publication
    snapshot: Snapshot
    embedder: Embedder
    reranker: Reranker | None
    seconds: dict[str, float]

    @property
    def settings(self) -> Settings:
        """The stack's."""
        return self.stack.settings


@contextmanager
def indexed(folder: BeirFolder, plan: Plan, total: int, tell: Tell) -> Iterator[Indexed]:
    """Start a stack, publish the `total` documents and give it once they are searchable.

    Raises UserError, MissingPart, TransientError.
    """
    models = plan.loaded().settings.models
    fingerprint_of(models)  # a model that is not there is told before anything starts
    refuse_missing(models)
    overrides = (*_SMALL_BATCHES, *plan.overrides)
    seconds: dict[str, float] = {}
    with temporary_stack(overrides, plan.environ, tell=lambda part: tell(f"starting {part}", 0, 0)) as stack:
        lake = Lake(Storage(stack.settings.lake.uri))
        lake.create()
        manifest = Manifest(lake)
        with timed(seconds, "publish"):
            publication = publish(folder, stack.settings.kafka, total, tell)
        with timed(seconds, "index"):
            wait_until_covered(manifest, publication.ends, tell, stack.check)
        embedder = load_embedder(stack.settings.models)
        reader = SnapshotReader(
            lake.storage,
            manifest,
            embedder.fingerprint.id,
            new_index=partial(TantivyIndex, languages_of(stack.settings.collections)),
        )
        reader.refresh()
        yield Indexed(
            stack=stack,
            lake=lake,
            publication=publication,
            snapshot=reader.current,
            embedder=embedder,
            reranker=load_reranker(stack.settings.models, embedder),
            seconds=seconds,
        )


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Note how long the block took."""
    started = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - started, 3)
