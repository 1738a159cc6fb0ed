"""An exported model on OpenVINO, driven directly: neither torch nor transformers is loaded.

That makes a process with the model start in under a second and stay small. It serves models that are an
encoder and one plain pooling (Layout.simple); that it agrees with sentence-transformers is checked at export
and in the tests. Settings of the runtime, with what was measured: docs/decisions/0010-embedding-backend.md.
"""

from collections.abc import Iterator, Sequence
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
_HIDDEN = "last_hidden_state"


class OpenVinoEmbedder:
    """One compiled model; a lock makes callers from several threads wait for each other."""

    def __init__(self, ir: Path, layout: Layout, fingerprint: Fingerprint, threads: int) -> None:
        self.fingerprint = fingerprint
        self._layout = layout
        self._tokens = Tokens(layout.tokenizer, layout.max_tokens)
        self._model = _compile(ir, threads)
        self._inputs = {port.any_name for port in self._model.inputs}
        self._request = self._model.create_infer_request()
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
            for rows in _by_length(ids):
                hidden, mask = self._infer([ids[row] for row in rows])
                pooled[rows] = _pool(hidden, mask, self._layout.pooling)
        return unit_rows(pooled)

    def _token_vectors(self, texts: Sequence[str], prompt: str) -> list[TokenVectors]:
        ids = self._tokens.ids([prompt + text for text in texts])
        own = self._tokens.own(texts, prompt)
        found: dict[int, TokenVectors] = {}
        with self._lock:
            for rows in _by_length(ids):
                hidden, _ = self._infer([ids[row] for row in rows])
                for place, row in enumerate(rows):
                    found[row] = TokenVectors(own[row].words, unit_tokens(hidden[place, own[row].places]))
        return [found[row] for row in range(len(ids))]

    def _infer(self, ids: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return (last hidden state float32[n, t, d], mask int64[n, t]) for token ids of n texts.

        The first is the runtime's own memory: valid until the next call.
        """
        tokens = np.full((len(ids), max(map(len, ids))), self._layout.pad_id, np.int64)
        mask = np.zeros_like(tokens)
        for row, own in enumerate(ids):
            tokens[row, : len(own)] = own
            mask[row, : len(own)] = 1
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        used = {name: value for name, value in given.items() if name in self._inputs}
        self._request.infer(used, share_inputs=True)
        return self._request.get_tensor(_HIDDEN).data, mask


def _by_length(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield rows in batches of like length, longest first: memory peaks at once, and padding stays small."""
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]


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
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # two processes would pin themselves to the same core
        },
    )
