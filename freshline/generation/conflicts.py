"""Passages of two documents that say different values of the same thing: the newer one is right, and it is said.

Two sentences differ where they are nearly the same words apart from numbers, or apart from names:

    The tower is 96 metres high.            The tower is 120 metres high.              96 against 120
    The mayor of Lindholm is Anna Berg.     The mayor of Lindholm is Erik Dahl.        asked about Lindholm

They do not where each may be true: other words, a name or title that the question tells apart, two years with
their values. Sentences that say it in other words are not found. This module does not know answers.
"""

from collections.abc import Sequence
from typing import NamedTuple

from freshline.generation.facts import inner_names, names, negates, numbers, words, years
from freshline.generation.markup import neutralise
from freshline.generation.passages import Sentence
from freshline.generation.port import CitedSpan
from freshline.generation.terms import terms
from freshline.retrieval.hit import Hit

#: Share of the words of both that two sentences about the same thing have in common, numbers and names left out.
_ALIKE = 0.8


class Saying(NamedTuple):
    """One sentence of a hit."""

    hit: Hit
    sentence: Sentence

    @property
    def text(self) -> str:
        """The sentence as it stands in the document."""
        return self.hit.text[self.sentence.start : self.sentence.end]

    @property
    def span(self) -> CitedSpan:
        """The sentence as a citation."""
        start = self.hit.start
        return CitedSpan(self.hit, start + self.sentence.start, start + self.sentence.end)


def newer(one: Hit, other: Hit) -> bool:
    """Say whether one document's state came after the other's, by the broker's time."""
    return one.revision.clock > other.revision.clock


def differ(asked: frozenset[str], one: Saying, other: Saying) -> bool:
    """Say whether two sentences give different answers to a question with these terms."""
    if one.hit.key == other.hit.key or not _same_subject(asked, one, other):
        return False
    left, right = one.text, other.text
    number = numbers(left) - numbers(right), numbers(right) - numbers(left)
    name = names(left) - names(right), names(right) - names(left)
    if any(number) == any(name) or not all(number if any(number) else name):
        return False
    told_apart = terms(" ".join(frozenset().union(*number, *name)))
    if told_apart & asked or negates(left) != negates(right) or not _alike(left, right):
        return False
    if any(name):
        return bool(_shared_names(left, right) & asked)
    return not (years(number[0]) and years(number[1]) and len(number[0] | number[1]) > 2)  # noqa: PLR2004 - a year each


def note(right: Hit, others: Sequence[Hit]) -> str:
    """Return what an answer from `right` says about passages that differ; nothing where none does."""
    if not others:
        return ""
    older = all(newer(right, other) for other in others)
    titles = "; ".join(dict.fromkeys(neutralise(other.title or other.doc_id) for other in others))
    if older:
        return f"(An older passage says otherwise: {titles}.)"
    return f"(Another passage says otherwise: {titles}.)"


def _same_subject(asked: frozenset[str], one: Saying, other: Saying) -> bool:
    """Both must hold the same of the question's terms; then titles may differ only where the sentences name it."""
    held = [(saying.sentence.terms | saying.sentence.context) & asked for saying in (one, other)]
    contexts = [frozenset(t for t in s.sentence.context if not t.isdigit()) for s in (one, other)]
    if not held[0] or held[0] != held[1]:
        return False
    return (
        contexts[0] == contexts[1] or not all(contexts) or bool(_shared_names(one.text, other.text) & asked)
    )


def _shared_names(left: str, right: str) -> frozenset[str]:
    return terms(" ".join(inner_names(left) & inner_names(right)))


def _alike(left: str, right: str) -> bool:
    plain = [words(text) - names(text) for text in (left, right)]
    return len(plain[0] & plain[1]) >= _ALIKE * len(plain[0] | plain[1])
