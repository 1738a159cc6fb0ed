"""What the model itself can do: whole documents as sentence-transformers encodes them in fp32, every product computed.

No chunk, no index, no backend of ours. Vectors are kept between runs, apart from the product's.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.kept_vectors import KeptEmbedder, kept_folder
from freshline.embedding.identity import fingerprint_of
from freshline.embedding.libraries import quieten, set_switches
from freshline.embedding.port import Vectors
from freshline.embedding.reference import model_folder
from freshline.evaluation.beir import BeirFolder
from freshline.evaluation.runs import Run, ranked
from freshline.settings import ModelSettings


class SentenceTransformersFp32:
    """encode() of the default model on the CPU, loaded at the first text that is not kept."""

    def __init__(self) -> None:
        self._settings = ModelSettings()
        self.fingerprint = fingerprint_of(self._settings)
        self._model: Any = None

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32[n, d], rows of length 1."""
        if self._model is None:
            self._model = self._load()
        return np.asarray(self._model.encode(list(texts), normalize_embeddings=True), np.float32)

    queries = documents

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Nobody counts here."""
        raise NotImplementedError(f"{len(texts)} texts: exact search cuts nothing")

    def _load(self) -> Any:
        set_switches()
        quieten()
        import torch  # noqa: PLC0415 - seconds to import
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        torch.set_num_threads(os.cpu_count() or 1)
        return SentenceTransformer(str(model_folder(self._settings)), device="cpu", local_files_only=True)


def exact_run(folder: BeirFolder, k: int) -> Run:
    """Return the k best documents of each query by inner product; title and text joined by a space, as BEIR does."""
    kept = KeptEmbedder(SentenceTransformersFp32(), kept_folder() / "exact")
    documents = list(folder.documents())
    texts = [f"{document.title or ''} {document.text or ''}".strip() for document in documents]
    scores = kept.queries(list(folder.queries.values())) @ kept.documents(texts).T  # [queries, documents]
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return {
        query: ranked([(documents[place].id, float(row[place])) for place in places], k)
        for query, row, places in zip(folder.queries, scores, best, strict=True)
    }
