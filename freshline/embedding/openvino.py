"""An exported model on OpenVINO, driven directly: neither torch nor transformers is loaded.

That makes a process with the model start in under a second and stay small. It serves models that are an
encoder and one plain pooling (Layout.simple); that it agrees with sentence-transformers is checked at export
and in the tests. Settings of the runtime, with what was measured: docs/decisions/0010-embedding-backend.md.

Several threads are as many streams of one thread each: batches run side by side, and none is shared between threads
(docs/decisions/0067-a-batch-is-one-threads-work.md).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freshline.embedding.layout import Layout
from freshline.embedding.port import TokenVectors, Vectors
from freshline.embedding.tokens import Tokens
from freshline.embedding.unit import unit_rows, unit_tokens
from freshline.fingerprint import Fingerprint

#: Rows of one inference. Measured: 4 to 16 rows cost the least time a text; longer batches leave the cache.
_BATCH = 16
#: So many tokens are not cut in two: 8 short questions take 19 ms of processor as two calls and 21 as one, 3 take 8 as
#: one and 11 as three. A chunk is worth a call of its own.
_LEAST_TOKENS = 64
_HIDDEN = "last_hidden_state"

#: Rows of the batch, last hidden state float32[n, t, d], mask int64[n, t]
_Batch = tuple[list[int], NDArray[np.float32], NDArray[np.int64]]
#: Inputs of the model by name; the runtime reads them where they lie
_Given = dict[str, NDArray[np.int64]]


class OpenVinoEmbedder:
    """One compiled model; a lock makes callers from several threads wait for each other."""

    def __init__(self, ir: Path, layout: Layout, fingerprint: Fingerprint, threads: int) -> None:
        self.fingerprint = fingerprint
        self._layout = layout
        self._tokens = Tokens(layout.tokenizer, layout.max_tokens)
        self._model = _compile(ir, threads)
        self._inputs = {port.any_name for port in self._model.inputs}
        self._streams = threads
        self._own, *self._others = [self._model.create_infer_request() for _ in range(threads)]
        self._lock = Lock()

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given; [] gives (0, d). Raises BadEmbedding."""
        return self._embed([self._layout.document_prompt + text for text in texts])

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given; [] gives (0, d). Raises BadEmbedding."""
        return self._embed([self._layout.query_prompt + text for text in texts])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens left out, not truncated."""
        return self._tokens.count(texts)

    def query_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the tokens of each text that the model reads, at most max_tokens."""
        return self._token_vectors(texts, self._layout.query_prompt)

    def document_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the tokens of each text that the model reads, at most max_tokens."""
        return self._token_vectors(texts, self._layout.document_prompt)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        ids = self._tokens.ids(texts)
        pooled = np.empty((len(ids), self.fingerprint.dimension), np.float32)
        with self._lock:
            for rows, hidden, mask in self._inferred(ids):
                pooled[rows] = _pool(hidden, mask, self._layout.pooling)
        return unit_rows(pooled)

    def _token_vectors(self, texts: Sequence[str], prompt: str) -> list[TokenVectors]:
        ids = self._tokens.ids([prompt + text for text in texts])
        own = self._tokens.own(texts, prompt)
        found: dict[int, TokenVectors] = {}
        with self._lock:
            for rows, hidden, _ in self._inferred(ids):
                for place, row in enumerate(rows):
                    found[row] = TokenVectors(own[row].words, unit_tokens(hidden[place, own[row].places]))
        return [found[row] for row in range(len(ids))]

    def _inferred(self, ids: Sequence[Sequence[int]]) -> Iterator[_Batch]:
        """Yield every batch of the texts with these token ids, in rounds of one for each stream.

        The last hidden state is the runtime's own memory: valid until the next batch is asked for.
        """
        batches = list(_by_length(ids, self._streams))
        for start in range(0, len(batches), self._streams):
            *others, own = [
                (rows, *self._padded([ids[row] for row in rows]))
                for rows in batches[start : start + self._streams]
            ]
            with _beside(self._others, [given for _, _, given in others]) as running:
                rows, mask, given = own
                self._own.infer(given, share_inputs=True)  # in this thread: a lone batch waits for no other
                yield rows, self._own.get_tensor(_HIDDEN).data, mask
                for request, (rows, mask, _) in zip(running, others, strict=True):
                    request.wait()
                    yield rows, request.get_tensor(_HIDDEN).data, mask

    def _padded(self, ids: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], _Given]:
        """Return (mask int64[n, t], what the model is given) for token ids of n texts."""
        tokens = np.full((len(ids), max(map(len, ids))), self._layout.pad_id, np.int64)
        mask = np.zeros_like(tokens)
        for row, own in enumerate(ids):
            tokens[row, : len(own)] = own
            mask[row, : len(own)] = 1
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        return mask, {name: value for name, value in given.items() if name in self._inputs}


@contextmanager
def _beside(requests: Sequence[Any], given: Sequence[_Given]) -> Iterator[Sequence[Any]]:
    """Begin one request for each of `given` and give those; none runs any more behind the block, whatever happens."""
    begun = []
    try:
        for request, one in zip(requests, given, strict=False):
            request.start_async(one, share_inputs=True)
            begun.append(request)
        yield begun
    finally:
        for request in begun:
            request.wait()


def _by_length(ids: Sequence[Sequence[int]], streams: int) -> Iterator[list[int]]:
    """Yield rows in batches of like length, longest first: memory peaks at once, and padding stays small.

    Of few texts each stream has its share: two streams take 24 as 12 and 12, 2 chunks as 1 and 1.
    """
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
    least = ceil(_LEAST_TOKENS / len(ids[order[0]])) if order else 1
    size = min(_BATCH, max(least, ceil(len(order) / streams)))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _pool(hidden: NDArray[np.float32], mask: NDArray[np.int64], pooling: str) -> NDArray[np.float32]:
    """Return float32[n, d] from float32[n, t, d] over the tokens that the mask int64[n, t] keeps."""
    if pooling == "cls":
        return hidden[:, 0].copy()
    if pooling == "max":
        return np.asarray(np.where(mask[:, :, None] > 0, hidden, -np.inf).max(axis=1))
    weights = mask.astype(np.float32)
    total = np.matmul(weights[:, None, :], hidden)[:, 0]  # [n, 1, t] @ [n, t, d]
    return np.asarray(total / weights.sum(axis=1, keepdims=True))


def _compile(ir: Path, threads: int) -> Any:
    import openvino  # noqa: PLC0415 - only where it is the backend

    return openvino.Core().compile_model(
        str(ir),
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "ENABLE_CPU_PINNING": False,  # two processes would pin themselves to the same core
        },
    )
