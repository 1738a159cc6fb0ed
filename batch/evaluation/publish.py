"""Publish a BEIR corpus as documents and wait until the manifest covers them. Knows no search.

The corpus is read as a stream; at most a thousand documents are on their way at once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from freshline.client import Producer
from freshline.coverage import Coverage, covers, merge, missing
from freshline.errors import TransientError, UserError
from freshline.evaluation.beir import BeirFolder, Document, has_content
from freshline.index.manifest import Manifest
from freshline.settings import KafkaSettings
from schemas.messages import PUBLIC, DocumentEvent

#: What the documents are published as; settings of a collection of this name apply to them.
COLLECTION = "evaluation"
_LONGEST_TITLE = 1024  # characters, by the documents' contract; a longer one begins the text
_LOOK_EVERY = 0.1  # seconds
#: Seconds without a single new record covered after which waiting ends: a batch takes a minute at most, a start two.
_STALL = 900.0

#: (what is done, how many, of how many)
Tell = Callable[[str, int, int], None]


@dataclass(slots=True)
class Publication:
    """What became of the corpus at the broker. `why` is the first refusal."""

    published: int = 0
    refused: int = 0
    why: str = ""
    ends: Coverage = field(default_factory=dict)


def publish(folder: BeirFolder, kafka: KafkaSettings, total: int, tell: Tell) -> Publication:
    """Publish every document that has content; what its contract refuses is counted. Raises TransientError."""
    done = Publication()
    with Producer(kafka) as producer:
        for delivery in producer.deliver(_events(folder)):
            if delivery.published is not None:
                done.published += 1
                done.ends = merge(done.ends, delivery.published.seen)
            elif isinstance(delivery.error, UserError):
                done.refused += 1
                done.why = done.why or str(delivery.error)
            else:
                raise delivery.error or TransientError("no report on a document")
            tell("published", done.published + done.refused, total)
    if not done.published:
        raise UserError(f"not one document could be published; the first: {done.why}")
    return done


def wait_until_covered(
    manifest: Manifest, ends: Coverage, tell: Tell, check: Callable[[], None] = lambda: None
) -> None:
    """Wait until all of `ends` is in the index; check() raises where waiting is of no use any more.

    Raises TransientError where nothing moves for a long time.
    """
    total, last, since = _count(ends), -1, time.monotonic()
    while True:
        have = manifest.fold().coverage
        done = total - _count(missing(have, ends))
        tell("indexed", done, total)
        if covers(have, ends):
            return
        check()
        if done != last:
            last, since = done, time.monotonic()
        elif time.monotonic() - since > _STALL:
            raise TransientError(
                f"the stream has stood still for {_STALL:g} s at {done} of {total} documents"
            )
        time.sleep(_LOOK_EVERY)


def event(document: Document) -> DocumentEvent:
    """Return a document's message: public, plain text; a title without a text is the text."""
    title, text = (document.title or "").strip(), document.text or ""
    if not text.strip() or len(title) > _LONGEST_TITLE:
        title, text = "", f"{title}\n\n{text}".strip()
    return DocumentEvent(
        schema_version=1,
        collection=COLLECTION,
        doc_id=document.id,
        title=title or None,
        content=text,
        content_type="text/plain",
        acl=(PUBLIC,),
    )


def _events(folder: BeirFolder) -> Iterator[DocumentEvent]:
    return (event(document) for document in folder.documents() if has_content(document))


def _count(offsets: Coverage) -> int:
    return sum(sum(partitions.values()) for partitions in offsets.values())
