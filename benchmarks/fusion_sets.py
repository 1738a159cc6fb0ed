"""The development sets as fusion sees them: both rankings of each question, and what a fused ranking is worth.

Five kinds of questions: claims (SciFact's training split), questions about documentation, about source code (both
anthropic_rag_eval) and about five long texts (chunking_eval); each of them misspelt, so that the lexical side knows
only some of the words; and names from the source code, of which the dense side knows next to nothing. The order of
documents is that of their best chunks.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.chunking_eval import Tokens, questions
from benchmarks.evaluation_data import folder
from benchmarks.offline import NOW_MS, snapshot_of
from benchmarks.offline_sets import (
    EvaluationSet,
    Question,
    anthropic_code,
    anthropic_docs,
    chunking_corpora,
    chunking_documents,
    scifact,
)
from benchmarks.span_overlap import overlap
from freshline.embedding.port import Embedder
from freshline.evaluation.measures import PRIMARY, measure
from freshline.retrieval.completion import complete_dense, complete_lexical
from freshline.retrieval.dense import dense
from freshline.retrieval.lexical.port import lexical
from freshline.retrieval.masks import scope_of
from freshline.retrieval.policy import DEPTH
from freshline.retrieval.ranking import Ranking
from freshline.retrieval.request import SearchRequest
from freshline.retrieval.sight import see
from freshline.retrieval.snapshot import Snapshot

#: Retrieved tokens at which recall is taken, and their mean is the figure.
_BUDGETS = (500, 1000)
_NAMES = 200  # asked for, of those that one passage alone holds
#: A name of several words, joined or in mixed case
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+")
_SHORT = 4  # letters of a word that is not misspelt


@dataclass(frozen=True, slots=True)
class Sides:
    """One question's rankings: as they end at the depth of a search, and each completed by the other."""

    dense: Ranking
    lexical: Ranking
    whole_dense: Ranking
    whole_lexical: Ranking


@dataclass(frozen=True, slots=True)
class Prepared:
    """A set: judge(one ranking for each question) gives one value for each, 0 to 1."""

    name: str
    unit: str
    sides: Sequence[Sides]
    judge: Callable[[Sequence[Ranking]], list[float]]


def prepared(embedder: Embedder, seed: int, *, quick: bool) -> Iterator[Prepared]:
    """Yield the sets one by one; quick: 12 questions of the two small ones."""
    for made in (anthropic_docs(), anthropic_code(), *(() if quick else (scifact("train"),))):
        asked = replace(made, questions=made.questions[:12]) if quick else made
        snapshot = snapshot_of(made.documents, embedder)
        yield _of_documents(asked, snapshot, embedder)
        yield _of_documents(_misspelt(asked, seed), snapshot, embedder)
        if made.name == "anthropic code":
            yield _of_documents(_names(asked, seed), snapshot, embedder)
    if not quick:
        yield from _of_spans(embedder, seed)


def _of_documents(made: EvaluationSet, snapshot: Snapshot, embedder: Embedder) -> Prepared:
    doc_ids = {n: one.rows.segment.rows["doc_id"].to_pylist() for n, one in snapshot.segments.items()}
    qrels = {str(number): dict(one.relevant) for number, one in enumerate(made.questions)}

    def judge(rankings: Sequence[Ranking]) -> list[float]:
        run = {}
        for query, ranking in enumerate(rankings):
            best = dict.fromkeys(doc_ids[one.number][one.row] for one in ranking)
            run[str(query)] = {doc: float(len(best) - place) for place, doc in enumerate(best)}
        values = measure(qrels, run, [PRIMARY])[PRIMARY]
        return [values[str(query)] for query in range(len(rankings))]

    texts = [question.text for question in made.questions]
    return Prepared(made.name, PRIMARY, _sides(snapshot, texts, embedder), judge)


def _of_spans(embedder: Embedder, seed: int) -> Iterator[Prepared]:
    snapshot = snapshot_of(chunking_documents(), embedder)
    corpora = chunking_corpora()
    tokens = Tokens(corpora)
    asked = questions(folder("chunking_eval"), corpora, tokens)
    columns = ("doc_id", "start", "end")
    spans = {
        number: [
            tokens.span(*place)
            for place in zip(*(one.rows.segment.rows[column].to_pylist() for column in columns), strict=True)
        ]
        for number, one in snapshot.segments.items()
    }

    def judge(rankings: Sequence[Ranking]) -> list[float]:
        ranked = [[spans[one.number][one.row] for one in ranking] for ranking in rankings]
        return [
            sum(overlap(question.gold, row, budget).recall for budget in _BUDGETS) / len(_BUDGETS)
            for question, row in zip(asked, ranked, strict=True)
        ]

    texts = [question.text for question in asked]
    draw = random.Random(seed)  # noqa: S311 - questions, no secret
    for name, these in (("long texts", texts), ("long texts, misspelt", [_typos(t, draw) for t in texts])):
        yield Prepared(name, "token recall", _sides(snapshot, these, embedder), judge)


def _sides(snapshot: Snapshot, texts: Sequence[str], embedder: Embedder) -> list[Sides]:
    vectors = embedder.queries(texts)
    segments, views = snapshot.segments, snapshot.lexical
    sights = see(segments, [scope_of(SearchRequest(text=text, k=1)) for text in texts], NOW_MS)
    by_vector = dense(segments, sights, vectors, depth=DEPTH)
    by_words = lexical(views, segments, sights, texts, depth=DEPTH)
    return [
        Sides(
            first,
            second,
            complete_dense(segments, vector, first, second),
            complete_lexical(views, segments, text, first, second),
        )
        for text, vector, first, second in zip(texts, vectors, by_vector, by_words, strict=True)
    ]


def _misspelt(made: EvaluationSet, seed: int) -> EvaluationSet:
    draw = random.Random(seed)  # noqa: S311 - questions, no secret
    asked = tuple(replace(question, text=_typos(question.text, draw)) for question in made.questions)
    return EvaluationSet(f"{made.name}, misspelt", made.documents, asked)


def _typos(text: str, draw: random.Random) -> str:
    """Swap two letters inside every second long word: "population" -> "popualtion"."""
    words = text.split()
    for place, word in enumerate(words):
        if len(word) > _SHORT and word.isalpha() and draw.random() < 0.5:  # noqa: PLR2004 - every second
            at = draw.randrange(1, len(word) - 2)
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _names(made: EvaluationSet, seed: int) -> EvaluationSet:
    """Ask for names that one passage alone holds."""
    places: dict[str, set[str]] = {}
    for document in made.documents:
        for name in set(_NAME.findall(document.content or "")):
            places.setdefault(name, set()).add(document.doc_id)
    alone = sorted(name for name, where in places.items() if len(where) == 1)
    chosen = random.Random(seed).sample(alone, min(_NAMES, len(alone)))  # noqa: S311
    asked = tuple(Question(f"What does {name} do?", dict.fromkeys(places[name], 1)) for name in chosen)
    return EvaluationSet("names in code", made.documents, asked)
