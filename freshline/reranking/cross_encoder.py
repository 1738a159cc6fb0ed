"""A cross-encoder of the user's: question and passage go through one model together, so it sees how they relate.

Any folder that sentence-transformers' CrossEncoder loads and that gives one number for a pair. Nothing in the folder is
run (layout.py). Scores are the model's logits: the same order as its probabilities, without their saturation.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np

from freshline.errors import UserError
from freshline.reranking.texts import clean
from freshline.retrieval.reranker import Scores

#: Pairs of one inference: on a CPU longer batches leave the cache.
_BATCH = {"cpu": 16, "cuda": 128}
#: Characters of a text that are looked at for each token the model reads: a tokenizer encodes all before it truncates.
_CHARACTERS = 32


class CrossEncoderReranker:
    """One loaded model; a lock makes callers from several threads wait for each other."""

    def __init__(self, folder: Path, fingerprint: str, device: Literal["cpu", "cuda"], threads: int) -> None:
        import torch  # noqa: PLC0415 - never before a fork, and only where there is a cross-encoder
        from sentence_transformers import CrossEncoder  # noqa: PLC0415

        if device == "cpu":
            torch.set_num_threads(threads)
        self.fingerprint = fingerprint
        self._batch = _BATCH[device]
        self._model: Any = CrossEncoder(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            activation_fn=torch.nn.Identity(),  # given, so the one that the folder names is not imported
            model_kwargs={"use_safetensors": True},
        )
        self._lock = Lock()
        if self._model.num_labels != 1:
            raise UserError(
                f"models.reranker: {folder} gives {self._model.num_labels} numbers for a pair, expected 1. Choose a "
                "cross-encoder that was trained to rank; a classifier of several classes is none."
            )

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Return float32[n], the logits."""
        if not pairs:
            return np.empty(0, np.float32)
        longest = _CHARACTERS * int(self._model.max_seq_length or 512)
        texts = [(clean(question)[:longest], clean(text)[:longest]) for question, text in pairs]
        with self._lock:
            found = self._model.predict(texts, batch_size=self._batch, show_progress_bar=False)
        return np.asarray(found, np.float32)
