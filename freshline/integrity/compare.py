"""What the tables say against what the index holds, for the same keys. Pure.

Rows of a document that has expired may be gone from the index (compaction drops them); its state may not.
"""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa

from freshline.integrity.content import Content, identities
from freshline.integrity.finding import Finding

_Row = tuple[object, ...]


def compare(wanted: Content, found: Content, shard: int, now: datetime) -> Iterator[Finding]:
    """Yield every difference. `now` is aware."""
    yield from _states(wanted, found, shard)
    for chunk_id in found.repeated_rows:
        yield Finding(kind="duplicate", shard=shard, where=chunk_id, detail="more than once in the index")
    ours, theirs = _places(wanted), _places(found)
    expires = wanted.rows["expires_at"].to_pylist()
    for row in ours.keys() - theirs.keys():
        until = expires[ours[row]]
        if until is None or until > now:
            yield _row("missing", wanted, ours[row], shard, "in the tables, not in the index")
    for row in theirs.keys() - ours.keys():
        yield _row("ghost", found, theirs[row], shard, "in the index, not in the tables")
    both = sorted(ours.keys() & theirs.keys(), key=ours.__getitem__)
    left = np.array([ours[row] for row in both], np.int64)
    right = np.array([theirs[row] for row in both], np.int64)
    for place, names in _differing(wanted, found, left, right):
        yield _row("differs", wanted, int(left[place]), shard, f"not as in the tables: {', '.join(names)}")


def _states(wanted: Content, found: Content, shard: int) -> Iterator[Finding]:
    """Compare states with their expiry: one that is missing lets a late event bring an older text back."""
    ours, theirs = (
        set(zip(identities(one.states), one.states["expires_at"].to_pylist(), strict=True))
        for one in (wanted, found)
    )
    for identity, until in ours - theirs:
        yield Finding(
            kind="missing_state", shard=shard, where=str(identity[0]), detail=f"{identity[1:]} until {until}"
        )
    for identity, until in theirs - ours:
        yield Finding(
            kind="ghost_state", shard=shard, where=str(identity[0]), detail=f"{identity[1:]} until {until}"
        )
    for identity in found.repeated_states:
        yield Finding(kind="duplicate_state", shard=shard, where=str(identity[0]), detail=str(identity[1:]))


def _places(content: Content) -> dict[_Row, int]:
    """Return {(state, ordinal): row}."""
    states = identities(content.states)
    owners, ordinals = content.rows["state"].to_pylist(), content.rows["ordinal"].to_pylist()
    return {
        (*states[owner], ordinal): row
        for row, (owner, ordinal) in enumerate(zip(owners, ordinals, strict=True))
    }


def _differing(
    wanted: Content, found: Content, left: np.ndarray, right: np.ndarray
) -> Iterator[tuple[int, list[str]]]:
    """Yield (place in left and right, columns that differ)."""
    differing: dict[int, list[str]] = {}
    for name in wanted.rows.column_names:
        if name == "state":  # a place in each side's own states: compared by _places
            continue
        ours, theirs = wanted.rows[name].take(pa.array(left)), found.rows[name].take(pa.array(right))
        if not ours.equals(theirs):
            for place, (one, other) in enumerate(zip(ours.to_pylist(), theirs.to_pylist(), strict=True)):
                if one != other:
                    differing.setdefault(place, []).append(name)
    for place in _other_vectors(wanted.vectors[left], found.vectors[right]):
        differing.setdefault(place, []).append("vector")
    yield from sorted(differing.items())


def _other_vectors(ours: np.ndarray, theirs: np.ndarray) -> list[int]:
    """Return the rows whose vectors are not the same to the last bit."""
    if ours.shape != theirs.shape:
        return list(range(len(ours)))
    bits = ours.view(np.uint32) != theirs.view(np.uint32)
    places: list[int] = np.flatnonzero(bits.any(axis=1)).tolist()
    return places


def _row(kind: str, content: Content, row: int, shard: int, detail: str) -> Finding:
    key = content.rows["key"][row].as_py()
    return Finding(
        kind=kind,  # type: ignore[arg-type]
        shard=shard,
        where=content.rows["chunk_id"][row].as_py(),
        detail=f"{key}: {detail}",
    )
