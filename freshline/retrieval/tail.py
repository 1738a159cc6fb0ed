"""What a snapshot may hold beyond its durable coverage: the port. Knows neither Redis nor an entry's bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from freshline.coverage import Coverage
from freshline.index.layout import Segment
from freshline.index.state import ManifestState


@dataclass(frozen=True, eq=False, kw_only=True)
class TailView:
    """Segments in memory, in the order of their offsets, and the coverage with them: contiguous from the manifest's.

    The segments hold every state that counts above the manifest's coverage and below this one, and none below.
    """

    coverage: Coverage
    segments: Sequence[Segment] = ()
    #: greatest broker time among them, None where there are none
    newest_event_ms: int | None = field(default=None)


class Tail(Protocol):
    """Serves the thread that puts snapshots together; others may feed it meanwhile."""

    def beyond(self, state: ManifestState) -> TailView:
        """Return what may be answered from beside a state of the manifest, and forget what it covers.

        The same Segment objects as before for what has stayed the same.
        """
        ...


class NoTail:
    """Nothing is known beyond the manifest."""

    def beyond(self, state: ManifestState) -> TailView:
        """Return the manifest's coverage."""
        return TailView(coverage=state.coverage)
