"""How two rankings are best made one: every rule on every development set. This is how the default was chosen.

Each set's documents go through the product's own pass into a snapshot; each question is searched once on both sides,
and the rules fuse the same rankings (benchmarks.fusion_sets, benchmarks.fusion_rules). Figures are means over the
questions with their 95 % intervals; a rule's mean over sets counts each set once. Then the default against each of
the others, paired by question; p is of a randomisation test, not corrected for being several.

No test question is read: SciFact's test claims, Cranfield, twowiki and the factbook have no say here.
"""

from collections.abc import Iterable
from statistics import fmean

from benchmarks.fusion_rules import DEFAULT, RECIPROCAL, rules
from benchmarks.fusion_sets import Prepared, prepared
from benchmarks.kept_vectors import kept_embedder
from benchmarks.report import Figure, Goal, Report
from freshline.evaluation.significance import difference, interval

#: {set: {rule: a value for each question}}
Values = dict[str, dict[str, list[float]]]


def measure(*, seed: int, quick: bool) -> Report:
    """Return the value of each rule on each set, and what the default gains; seed: which words are misspelt."""
    values: Values = {}
    units: dict[str, str] = {}
    for one in prepared(kept_embedder(), seed, quick=quick):
        values[one.name], units[one.name] = _values(one), one.unit
    notes: dict[str, str] = {}
    figures = [*_means(values), *_gains(values, units, notes), *_all(values, units)]
    return Report(name="fusion", seed=seed, figures=figures, notes=notes)


def _values(one: Prepared) -> dict[str, list[float]]:
    return {name: one.judge([rule(sides) for sides in one.sides]) for name, rule in rules().items()}


def _means(values: Values) -> Iterable[Figure]:
    for rule in rules():
        mean = fmean(fmean(by_rule[rule]) for by_rule in values.values())
        yield Figure(name=f"mean of the sets: {rule}", value=mean, unit="")


def _gains(values: Values, units: dict[str, str], notes: dict[str, str]) -> Iterable[Figure]:
    """Return the default minus reciprocal ranks, and minus the better single side, for each set."""
    for name, by_rule in values.items():
        better = max(("dense", "lexical"), key=lambda side: fmean(by_rule[side]))
        for other in (RECIPROCAL, better):
            found = difference(by_rule[DEFAULT], by_rule[other])
            told = f"{name}: {DEFAULT} - {other}"
            notes[told] = f"p = {found.p:.4f}"
            yield Figure(
                name=told,
                value=found.mean,
                unit=units[name],
                goal=Goal("≥", 0.0),
                spread=(found.low, found.high),
            )


def _all(values: Values, units: dict[str, str]) -> Iterable[Figure]:
    for name, by_rule in values.items():
        for rule, each in by_rule.items():
            found = interval(each)
            yield Figure(
                name=f"{name}: {rule}", value=found.mean, unit=units[name], spread=(found.low, found.high)
            )
