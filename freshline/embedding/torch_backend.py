"""sentence-transformers on torch: the reference; for GPUs, other CPUs and models of several modules."""

from collections.abc import Sequence
from threading import Lock
from typing import Any, Literal

import numpy as np

from freshline.embedding.layout import Layout
from freshline.embedding.port import TokenVectors, Vectors
from freshline.embedding.tokens import Tokens
from freshline.embedding.unit import unit_rows, unit_tokens
from freshline.fingerprint import Fingerprint

_BATCH = {"cpu": 16, "cuda": 256}


class TorchEmbedder:
    """One loaded SentenceTransformer; a lock makes callers from several threads wait for each other."""

    def __init__(
        self, layout: Layout, fingerprint: Fingerprint, device: Literal["cpu", "cuda"], threads: int
    ) -> None:
        import torch  # noqa: PLC0415 - never before a fork, and only where it is the backend
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        if device == "cpu":
            torch.set_num_threads(threads)
        self.fingerprint = fingerprint
        self._layout = layout
        self._batch = _BATCH[device]
        self._tokens = Tokens(layout.tokenizer, layout.max_tokens)
        self._model: Any = SentenceTransformer(
            str(layout.folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
        self._model.max_seq_length = layout.max_tokens
        self._lock = Lock()

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given; [] gives (0, d). Raises BadEmbedding."""
        return self._embed(texts, self._layout.document_prompt)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1 in the order given; [] gives (0, d). Raises BadEmbedding."""
        return self._embed(texts, self._layout.query_prompt)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens left out, not truncated."""
        return self._tokens.count(texts)

    def query_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the tokens of each text that the model reads, at most max_tokens."""
        return self._token_vectors(texts, self._layout.query_prompt)

    def document_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the tokens of each text that the model reads, at most max_tokens."""
        return self._token_vectors(texts, self._layout.document_prompt)

    def _token_vectors(self, texts: Sequence[str], prompt: str) -> list[TokenVectors]:
        """Leave it to the library to cut the padding off; its tokens are those of self._tokens."""
        with self._lock:
            raw = self._model.encode(
                [prompt + text for text in texts],
                output_value="token_embeddings",
                batch_size=self._batch,
                show_progress_bar=False,
            )
        own = self._tokens.own(texts, prompt)
        return [
            TokenVectors(mine.words, unit_tokens(one.float().cpu().numpy()[mine.places]))
            for one, mine in zip(raw, own, strict=True)
        ]

    def _embed(self, texts: Sequence[str], prompt: str) -> Vectors:
        if not texts:
            return np.empty((0, self.fingerprint.dimension), np.float32)
        with self._lock:
            raw = self._model.encode(
                list(texts), prompt=prompt, batch_size=self._batch, show_progress_bar=False
            )
        return unit_rows(np.asarray(raw))
