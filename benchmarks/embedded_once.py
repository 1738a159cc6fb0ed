"""How often a text is embedded where stream and tail work on the same records: embeddings ÷ distinct texts, counted.

The stream's are in its log, the tail's in its metrics; the texts are those of the documents that were published
meanwhile, each once. A worker's questions and sentences are no documents' and do not count.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.batches_log import batches
from benchmarks.engines import Freshline
from benchmarks.live_documents import distinct_texts
from benchmarks.report import Figure, Goal
from benchmarks.stack import BenchmarkStack
from benchmarks.tail_process import TailProcess
from schemas.messages import DocumentEvent

_BY_TAIL = "freshline_tail_embedded_total"


class EmbeddedOnce:
    """Sums over blocks; before a block and at its end all that was published is durable."""

    def __init__(self, stack: BenchmarkStack, tail: TailProcess, engine: Freshline) -> None:
        self._stack, self._tail, self._engine = stack, tail, engine
        self._events: list[DocumentEvent] = []
        self._by_stream = 0.0
        self._by_tail = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is published in the block, which waits at its end until that is durable."""
        first, stream, tail = len(self._engine.published), batches(self._stack), self._tail.totals()[_BY_TAIL]
        yield
        self._engine.drain()
        self._events += self._engine.published[first:]
        self._by_stream += batches(self._stack).embedded - stream.embedded
        self._by_tail += self._tail.totals()[_BY_TAIL] - tail

    def figures(self) -> list[Figure]:
        """Return the ratio and what it is made of."""
        distinct = len(distinct_texts(self._events, self._stack.settings))
        computed = self._by_stream + self._by_tail
        return [
            Figure(
                name="with the tail: embeddings computed ÷ distinct chunks",
                value=computed / distinct,
                unit="",
                goal=Goal("≤", 1.02),
            ),
            Figure(name="with the tail: distinct chunks", value=distinct, unit=""),
            Figure(name="with the tail: embedded by the stream", value=self._by_stream, unit=""),
            Figure(name="with the tail: embedded by the tail", value=self._by_tail, unit=""),
        ]
