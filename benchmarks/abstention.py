"""When the extractive generator should abstain: answered rates by threshold, on SQuAD 2.0's development questions.

Evidence is the five paragraphs nearest to the question. Three kinds of question:
    answerable    its paragraph is in the corpus and holds the answer
    unanswerable  its paragraph is in the corpus and only looks as if it held the answer (written to mislead)
    absent        its whole article is left out of the corpus, as if the document had been deleted
The threshold is chosen on every other article and reported on the rest: the least one at which at most 5 % of the
absent are answered. Needs FRESHLINE_EVAL_DATA, a folder with squad2_dev_half/dev-v2.0.json; nothing is copied.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.answer_sets import Asked, squad
from benchmarks.report import Figure, Goal, Report
from freshline.chunking.sentences import sentence_spans
from freshline.embedding.load import load_embedder
from freshline.embedding.port import Embedder, Vectors
from freshline.generation.extractive import Extractive
from freshline.generation.port import Question
from freshline.retrieval.hit import Hit
from freshline.revision import Revision
from freshline.settings import Settings

Kind = Literal["answerable", "unanswerable", "absent"]
KINDS: tuple[Kind, ...] = ("answerable", "unanswerable", "absent")
THRESHOLDS = tuple(round(0.30 + 0.05 * step, 2) for step in range(9))
_EVIDENCE = 5
_ABSENT_ANSWERED = 0.05
_BATCH = 16


@dataclass(frozen=True, slots=True)
class _Scored:
    article: str
    kind: Kind
    score: float


def measure(*, seed: int, quick: bool) -> Report:
    """Return answered rates at each threshold on both halves, the threshold chosen, and the time a question takes."""
    settings = Settings()
    made = squad()
    hits = [_hit(n, one.title or "", one.content or "") for n, one in enumerate(made.documents)]
    sample = random.Random(seed).sample(made.questions, 60 if quick else 1200)  # noqa: S311 - a sample, no secret
    embedder = load_embedder(settings.models)
    corpus = embedder.documents([f"{hit.title}\n{hit.text}" for hit in hits])
    vectors = embedder.queries([asked.text for asked in sample])
    generator = Extractive(embedder, sentence_spans, abstain_below=settings.serving.abstain_below)
    scored = _scores(generator, sample, vectors, hits, corpus)
    tuning = frozenset(sorted({hit.title or "" for hit in hits})[::2])
    chosen = [one for one in scored if one.article in tuning]
    held_out = [one for one in scored if one.article not in tuning]
    threshold = next(
        (t for t in THRESHOLDS if _rate(chosen, "absent", t) <= _ABSENT_ANSWERED), THRESHOLDS[-1]
    )
    figures = [Figure(name="threshold chosen", value=threshold, unit="score")]
    figures += [_figure("tuned on", chosen, kind, t) for t in THRESHOLDS for kind in KINDS]
    figures += [_figure("held out", held_out, kind, t) for t in THRESHOLDS for kind in KINDS]
    figures += _times(embedder, sample, vectors, hits, corpus)
    counts = {kind: str(sum(one.kind == kind for one in held_out)) for kind in KINDS}
    return Report(
        name="abstention", seed=seed, figures=figures, notes={f"held out, {k}": n for k, n in counts.items()}
    )


def _hit(number: int, title: str, text: str) -> Hit:
    return Hit(
        chunk_id=str(number),
        key=f"squad/{number}",
        collection="squad",
        doc_id=str(number),
        revision=Revision(0, 0, 0, number),
        ordinal=0,
        start=0,
        end=len(text),
        score=0.0,
        text=text,
        title=title,
        uri=None,
        heading="",
        page=None,
    )


def _scores(
    generator: Extractive, sample: Sequence[Asked], vectors: Vectors, hits: Sequence[Hit], corpus: Vectors
) -> list[_Scored]:
    """Score each question with its article in the corpus and without."""
    scored = []
    for asked, vector in zip(sample, vectors, strict=True):
        near = corpus @ vector
        elsewhere = np.array([hit.title != asked.group for hit in hits])
        for kind, similarity in (
            ("answerable" if asked.expected else "unanswerable", near),
            ("absent", np.where(elsewhere, near, -1.0)),
        ):
            evidence = tuple(hits[place] for place in np.argsort(-similarity)[:_EVIDENCE])
            score = generator.best_score(Question(asked.text, vector, evidence))
            scored.append(_Scored(asked.group, kind, score))  # type: ignore[arg-type]  # one of KINDS
    return scored


def _rate(scored: Sequence[_Scored], kind: Kind, threshold: float) -> float:
    return float(np.mean([one.score >= threshold for one in scored if one.kind == kind]))


def _figure(part: str, scored: Sequence[_Scored], kind: Kind, threshold: float) -> Figure:
    chosen = threshold == Settings().serving.abstain_below and part == "held out"
    goal = {"absent": Goal("≤", 0.05), "answerable": Goal("≥", 0.8)}.get(kind) if chosen else None
    name = f"{part}: {kind} answered at {threshold:.2f}"
    return Figure(name=name, value=_rate(scored, kind, threshold), unit="share", goal=goal)


def _times(
    embedder: Embedder, sample: Sequence[Asked], vectors: Vectors, hits: Sequence[Hit], corpus: Vectors
) -> list[Figure]:
    """Return ms a question in batches: passages never seen, then the same ones again."""
    generator = Extractive(embedder, sentence_spans, abstain_below=Settings().serving.abstain_below)
    questions = [
        Question(
            asked.text, vector, tuple(hits[place] for place in np.argsort(-(corpus @ vector))[:_EVIDENCE])
        )
        for asked, vector in zip(sample[:128], vectors[:128], strict=True)
    ]
    figures = []
    for name in ("passages new", "passages seen before"):
        started = time.perf_counter()
        for first in range(0, len(questions), _BATCH):
            generator.answer(questions[first : first + _BATCH])
        value = 1000 * (time.perf_counter() - started) / len(questions)
        figures.append(Figure(name=f"a question in batches of {_BATCH}, {name}", value=value, unit="ms"))
    return figures
