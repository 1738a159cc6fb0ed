"""What a model wrote, sentence by sentence, held against the evidence that it was given.

    1. cut the text into claims; `[2]` names the second passage
    2. a claim is supported by a sentence of a passage if that sentence holds
         every number of the claim, and denies as the claim does
         most of what the claim adds to the question (SUPPORT of its terms)
       and the passage with its title holds every name of the claim
    3. of several, the one that shares most with the claim is cited, a passage that the claim names first

A name in brackets that is no passage is ignored, a wrong one corrected: what is cited is decided here. The check is one
of words; it does not understand, so a claim that turns true words into a false statement can pass.
This module does not know models.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from freshline.generation.conflicts import Saying
from freshline.generation.facts import inner_names, names, negates, numbers, words
from freshline.generation.passages import Splitter
from freshline.generation.terms import terms
from freshline.retrieval.hit import Hit

#: Share of the terms that a claim adds to its question which one sentence must hold.
SUPPORT = 0.6
#: What being named by the claim is worth beside a sentence's share of its terms.
_NAMED = 0.1
_LABELS = re.compile(r"\[\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*\]")
_BEFORE_MARK = re.compile(r"\s+(?=[.,;:!?])")


class Claim(NamedTuple):
    """One sentence without its labels, and the numbers of the passages that they name, from 1."""

    text: str
    named: frozenset[int]


def claims_of(text: str, split: Splitter, language: str) -> list[Claim]:
    """Return the claims of a text in order.

    >>> whole = lambda text, _: [(0, 14), (15, 31)]
    >>> claims_of("It is old [1]. [2] It is high. ", whole, "en")
    [Claim(text='It is old.', named=frozenset({1, 2})), Claim(text='It is high.', named=frozenset())]
    """
    found: list[Claim] = []
    for start, end in split(text, language):
        sentence = text[start:end]
        leading = _LABELS.match(sentence)
        if leading and found:  # "It is old. [1] It is high.": the label belongs to what stands before it
            found[-1] = Claim(found[-1].text, found[-1].named | _named(leading.group()))
            sentence = sentence[leading.end() :]
        plain = _BEFORE_MARK.sub("", " ".join(_LABELS.sub(" ", sentence).split()))
        if words(plain) or numbers(plain):
            found.append(Claim(plain, _named(sentence)))
    return found


def support(claim: Claim, asked: frozenset[str], given: Sequence[Sequence[Saying]]) -> Saying | None:
    """Return the sentence that a claim rests on, None where there is none; given[i] are those of passage i + 1."""
    claimed = terms(claim.text)
    best: tuple[float, Saying | None] = (0.0, None)
    for number, sayings in enumerate(given, 1):
        if sayings and _names_known(claim.text, sayings[0].hit):
            for saying in sayings:
                if _holds(saying, claim.text, claimed, asked):
                    share = len(claimed & _told(saying)) / len(claimed) + _NAMED * (number in claim.named)
                    best = max(best, (share, saying), key=lambda one: one[0])
    return best[1]


def _named(text: str) -> frozenset[int]:
    return frozenset(int(n) for label in _LABELS.findall(text) for n in re.findall(r"\d+", label))


def _head(hit: Hit) -> str:
    return " ".join(part for part in (hit.title, hit.heading) if part)


def _names_known(claim: str, hit: Hit) -> bool:
    found = inner_names(claim) if " " in claim else names(claim)
    return found <= words(f"{_head(hit)} {hit.text}")


def _told(saying: Saying) -> frozenset[str]:
    return saying.sentence.terms | saying.sentence.context


def _holds(saying: Saying, claim: str, claimed: frozenset[str], asked: frozenset[str]) -> bool:
    added = claimed - asked or claimed
    return (
        bool(claimed & saying.sentence.terms)
        and len(added & _told(saying)) >= SUPPORT * len(added)
        and numbers(claim) <= numbers(f"{_head(saying.hit)} {saying.text}")
        and negates(claim) == negates(saying.text)
    )
