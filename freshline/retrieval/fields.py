"""All fields of a segment's rows, and which rows meet a condition.

Most fields are the same for all rows of a document state: they are columns over documents, and a condition on them
is evaluated there and spread to the rows once. Heading and page are a row's own. Knows no access and no liveness.
"""

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from freshline.retrieval.columns import Codes, Column, Mask, metadata_columns, number_column, text_column
from schemas.conditions import All, AnyOf, Condition, Field, Not, Within

_US_PER_MS = 1000
_OF_ROW = ("$heading", "$page")


class Fields:
    """The fields of the n rows of a segment. Immutable in effect; safe to share between threads.

    Metadata is decoded at once, in the thread that loads the segment, so that no question waits for it (per 200,000
    rows 0.07 s, 0.4 s where each is a document of its own: about what their acl costs). A built-in field becomes a
    column when it is first asked for.
    """

    def __init__(self, rows: pa.Table, states: pa.Table) -> None:
        """Take SEGMENT_ROWS and SEGMENT_STATES."""
        # a document here is a state that has rows: its first row, and for each row its document
        owners, first, documents = np.unique(rows["state"].to_numpy(), return_index=True, return_inverse=True)
        self._rows = rows
        self._first = first
        self._documents: Codes = documents.astype(np.int32)
        self._clocks = states["clock"].to_numpy()[owners]
        self._metadata = metadata_columns(rows["metadata"].take(first).to_pylist())
        self._built_in: dict[str, Column] = {}

    def mask(self, condition: Condition) -> Mask:
        """Return bool[n]: which rows meet the condition."""
        if _names(condition).isdisjoint(_OF_ROW):
            return np.take(evaluate(condition, self._of_document, len(self._first)), self._documents)
        match condition:
            case Not(part):
                return ~self.mask(part)
            case All(parts) | AnyOf(parts):
                return _combine(condition, [self.mask(part) for part in parts], self._rows.num_rows)
            case Within(field, intervals):
                return self._column(field.name).within(intervals)

    def _of_document(self, field: Field) -> Column | None:
        return self._column(field.name) if field.built_in else self._metadata.get(field.name)

    def _column(self, name: str) -> Column:
        made = self._built_in.get(name)
        if made is None:  # two threads may both make it: either is right
            made = self._built_in[name] = self._make(name)
        return made

    def _make(self, name: str) -> Column:
        match name:
            case "$time":
                return number_column(self._clocks * _US_PER_MS, self._clocks > 0)
            case "$page":
                pages = self._rows["page"]
                there = pages.is_valid().to_numpy()
                return number_column(pages.fill_null(0).to_numpy().astype(np.int64), there)
            case "$heading":
                headings = self._rows["heading"]
                return text_column(pc.if_else(pc.equal(headings, ""), None, headings))
        return text_column(self._rows[name.removeprefix("$")].take(self._first))


def evaluate(condition: Condition, column: Callable[[Field], Column | None], size: int) -> Mask:
    """Return bool[size]: which things meet a condition whose fields have these columns; None = no thing has it."""
    match condition:
        case Within(field, intervals):
            found = column(field)
            return np.zeros(size, bool) if found is None else found.within(intervals)
        case Not(part):
            return ~evaluate(part, column, size)
        case All(parts) | AnyOf(parts):
            return _combine(condition, [evaluate(part, column, size) for part in parts], size)


def _combine(condition: All | AnyOf, masks: Sequence[Mask], size: int) -> Mask:
    if isinstance(condition, All):
        return reduce(np.logical_and, masks, np.ones(size, bool))
    return reduce(np.logical_or, masks, np.zeros(size, bool))


def _names(condition: Condition) -> frozenset[str]:
    """Return the built-in fields that a condition names."""
    match condition:
        case Within(field, _):
            return frozenset({field.name}) if field.built_in else frozenset()
        case Not(part):
            return _names(part)
        case All(parts) | AnyOf(parts):
            return frozenset().union(*map(_names, parts))
