"""What a shard holds of some keys: the states that are kept, their rows and vectors. Pure.

The same form for both sides of a comparison, and for what a rebuild writes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from freshline.index.keyfold import KeyFold
from freshline.index.layout import SEGMENT_ROWS, SEGMENT_STATES

#: What a state is told by; two of the same are one state that is stored twice.
IDENTITY = ("key", "kind", "version", "clock", "partition", "offset")
Identity = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Content:
    """Sorted by key; rows by state and ordinal. `state` of a row is a place in `states`."""

    states: pa.Table  # SEGMENT_STATES
    rows: pa.Table  # SEGMENT_ROWS
    vectors: NDArray[np.float32]  # [rows, d]
    #: kept states that are there more than once, and chunk ids of rows that are; once only in the tables above
    repeated_states: tuple[Identity, ...]
    repeated_rows: tuple[str, ...]


def identities(states: pa.Table) -> list[Identity]:
    """Return the identity of each state."""
    return list(zip(*(states[name].to_pylist() for name in IDENTITY), strict=True))


def kept_places(states: pa.Table) -> list[int]:
    """Return the places of the states that no other makes superfluous, sorted by key."""
    fold = KeyFold()
    fold.add(0, states, {})
    return [place.state for key in fold.sorted_keys() for place in fold.places(key)]


def arrange(
    states: pa.Table, rows: pa.Table, owners: Sequence[Identity | None], vectors: NDArray[np.float32]
) -> Content:
    """Return what is kept. `rows` has the columns of SEGMENT_ROWS; owners[i] is the state of row i, None = no state."""
    found = identities(states)
    kept = kept_places(states)
    number = {found[place]: new for new, place in enumerate(kept)}
    owner = np.array([-1 if one is None else number.get(one, -1) for one in owners], np.int64)
    ordinals = rows["ordinal"].to_numpy()
    order = np.lexsort((ordinals, owner))
    order = order[owner[order] >= 0]
    pairs = np.stack([owner[order], ordinals[order]], axis=1)
    again = np.zeros(len(order), bool)
    again[1:] = (pairs[1:] == pairs[:-1]).all(axis=1)
    chosen = order[~again]
    place = SEGMENT_ROWS.get_field_index("state")
    taken = rows.select([field.name for field in SEGMENT_ROWS if field.name != "state"]).take(chosen)
    taken = taken.add_column(place, SEGMENT_ROWS.field("state"), pa.array(owner[chosen], pa.int32()))
    counted = Counter(found)
    return Content(
        states=states.select(SEGMENT_STATES.names).take(pa.array(kept, pa.int64())).cast(SEGMENT_STATES),
        rows=taken.cast(SEGMENT_ROWS),
        vectors=vectors[chosen],
        repeated_states=tuple(one for one in number if counted[one] > 1),
        repeated_rows=tuple(rows["chunk_id"].take(order[again]).to_pylist()),
    )
