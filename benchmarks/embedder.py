"""Our embedder ÷ sentence-transformers' `encode` as it comes, in turn, on the same texts and threads; one query alone.

The texts are chunks of CPython's language reference, as the stream would embed them. `encode` runs with its defaults on
torch, float32, 32 rows a call. How far vectors are from its own is the least cosine over all texts.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.alternating import REPETITIONS, alternate
from benchmarks.live_documents import distinct_texts, documents
from benchmarks.report import Figure, Goal, Report, median_figure
from freshline.embedding.libraries import quieten, set_switches
from freshline.embedding.load import load_embedder
from freshline.embedding.reference import model_folder
from freshline.evaluation.machine import machine
from freshline.settings import ModelSettings, Settings

_DOCUMENTS = 5  # of about six chunks each
_QUERIES = 40
_THREADS = 2


def measure(*, seed: int, quick: bool) -> Report:
    """Run the benchmark."""
    settings = Settings()
    texts = distinct_texts(documents(seed, 4 if quick else _DOCUMENTS), settings)
    ours, theirs = load_embedder(_both_cores(settings.models)), _Encoder(settings.models)
    cosine = float(np.einsum("td,td->t", ours.documents(texts), theirs.encode(texts)).min())
    repetitions = 1 if quick else REPETITIONS
    pairs = alternate(lambda: _rate(ours.documents, texts), lambda: _rate(theirs.encode, texts), repetitions)
    names = ("embedder", "sentence-transformers' encode")
    queries = [text[:60] for text in texts[:_QUERIES]]
    waits = alternate(
        lambda: _one_at_a_time(ours.queries, queries),
        lambda: _one_at_a_time(theirs.encode, queries),
        repetitions,
    )
    figures = [
        *pairs.figures("embedder ÷ sentence-transformers' encode", names, "texts/s", Goal("≥", 3)),
        Figure(name="least cosine to fp32", value=cosine, unit="", goal=Goal("≥", 0.999)),
        median_figure("one query, embedder", waits.ours, "ms"),
        median_figure("one query, sentence-transformers' encode", waits.theirs, "ms"),
    ]
    notes = {"texts": f"{len(texts)} chunks; {_THREADS} threads", "arithmetic": _arithmetic(machine())}
    return Report(name="embedder", seed=seed, figures=figures, notes=notes, repetitions=repetitions)


def _both_cores(models: ModelSettings) -> ModelSettings:
    return replace(models, threads=_THREADS)


def _arithmetic(named: Mapping[str, str | int]) -> str:
    flags = str(named["flags"]).split()
    if "amx_bf16" in flags:
        return "bf16 on AMX"
    if "avx512_bf16" in flags:
        return "bf16 on AVX-512, without AMX"
    return "float32: both sides are bound by the same arithmetic"


class _Encoder:
    """sentence-transformers as it comes, on the CPU."""

    def __init__(self, models: ModelSettings) -> None:
        set_switches()
        import torch  # noqa: PLC0415 - seconds to import, and only here
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        quieten()
        torch.set_num_threads(_THREADS)
        self._model: Any = SentenceTransformer(str(model_folder(models)), device="cpu")

    def encode(self, texts: Sequence[str]) -> Any:
        """Return float32[n, d]; the model's last module makes rows of length 1."""
        return self._model.encode(list(texts), show_progress_bar=False)


def _rate(embed: Any, texts: Sequence[str]) -> float:
    began = time.perf_counter()
    done = len(embed(texts))
    assert done == len(texts)  # noqa: S101 - a benchmark that lost work measures nothing
    return done / (time.perf_counter() - began)


def _one_at_a_time(embed: Any, queries: Sequence[str]) -> float:
    """Return the median of single calls, ms."""
    waits = []
    for query in queries:
        began = time.perf_counter()
        embed([query])
        waits.append(1000 * (time.perf_counter() - began))
    return float(np.median(waits))
