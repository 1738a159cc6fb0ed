"""An edit stream asked throughout, with every answer held against what is generated now. Knows no service.

After each edit the questions about the edited document are asked, twice, of all chunks of the newest texts, ranked by
brute force. What a cache gives must be what its generator says of that evidence at that moment, and each citation must
stand literally in the newest text. The second asking is answered from the cache, and so are questions whose passages
stayed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from freshline.chunking.port import Chunker
from freshline.embedding.port import Embedder
from freshline.generation.port import Answer, Generator, Question
from freshline.ids import chunk_id, document_key
from freshline.parsing.plain import plain_document
from freshline.retrieval.hit import Hit
from freshline.revision import Revision

_COLLECTION = "factbook"
_K = 5


@dataclass(frozen=True, slots=True)
class Edit:
    """The newest text of a document, in the order of arrival."""

    doc_id: str
    title: str
    text: str


@dataclass(slots=True)
class Tally:
    """`outdated`: not what is generated now, or cites what does not stand in the newest text."""

    edits: int = 0
    asked: int = 0
    outdated: int = 0


@dataclass(slots=True)
class _World:
    """The newest text of each document, its chunks and their vectors."""

    embedder: Embedder
    chunker: Chunker
    texts: dict[str, str] = field(default_factory=dict)
    chunks: dict[str, tuple[list[Hit], NDArray[np.float32]]] = field(default_factory=dict)

    def take(self, edit: Edit, clock: int) -> None:
        key = document_key(_COLLECTION, edit.doc_id)
        chunks = self.chunker(plain_document(edit.text), edit.title)
        hits = [
            Hit(
                chunk_id=chunk_id(key, chunk.text, 0),
                key=key,
                collection=_COLLECTION,
                doc_id=edit.doc_id,
                revision=Revision(0, clock, 0, clock),
                ordinal=chunk.ordinal,
                start=chunk.start,
                end=chunk.end,
                score=0.0,
                text=chunk.text,
                title=edit.title,
                uri=None,
                heading=chunk.heading,
                page=None,
            )
            for chunk in chunks
        ]
        self.texts[edit.doc_id] = plain_document(edit.text).text
        self.chunks[edit.doc_id] = hits, self.embedder.documents([hit.text for hit in hits])

    def question(self, text: str) -> Question:
        hits = [hit for found, _ in self.chunks.values() for hit in found]
        vector = self.embedder.queries([text])[0]
        scores = np.concatenate([vectors for _, vectors in self.chunks.values()]) @ vector
        best = np.argsort(-scores, kind="stable")[:_K]
        return Question(text, vector, tuple(hits[place] for place in best))

    def stands(self, answer: Answer) -> bool:
        """Whether every citation is what stands at its place in the newest text."""
        return all(self.texts[s.hit.doc_id][s.start : s.end] == s.quote for s in answer.citations)


def ask_throughout(
    edits: Iterable[Edit],
    questions: Mapping[str, Sequence[str]],
    cached: Generator,
    *,
    fresh: Generator,
    embedder: Embedder,
    chunker: Chunker,
) -> Tally:
    """Apply the edits and ask; questions are {doc_id: texts}, `fresh` is the generator behind `cached`, without it."""
    world, tally = _World(embedder, chunker), Tally()
    for clock, edit in enumerate(edits, start=1):
        world.take(edit, clock)
        tally.edits += 1
        for question in _twice(world, questions.get(edit.doc_id, ())):
            (given,), (now,) = cached.answer([question]), fresh.answer([question])
            tally.asked += 1
            tally.outdated += given != now or not world.stands(given)
    return tally


def _twice(world: _World, texts: Sequence[str]) -> Iterator[Question]:
    asked = [world.question(text) for text in texts]
    yield from (*asked, *asked)
