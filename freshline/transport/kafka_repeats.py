"""Notices what kafka-python does not tell: a request of a transaction that it sent again after its connection was lost.

The first copy may still be on its way. The broker takes it for as long as the producer's epoch is the same: a delayed
end would then commit half of a later transaction. Only a new producer has a new epoch (KIP-98; with KIP-890 each end
brings one, which kafka-python 3.0 does not speak yet).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import kafka


class Repeats:
    """Watches a transactional producer from here on; `seen` says whether any request may have gone out twice."""

    def __init__(self, producer: kafka.KafkaProducer) -> None:
        self.seen = False
        manager = producer._transaction_manager  # noqa: SLF001 - it offers no other place
        self._enqueue = manager._enqueue_request  # noqa: SLF001 - as above
        manager._enqueue_request = self._watched  # noqa: SLF001 - as above

    def _watched(self, request: Any) -> None:
        if request.needs_coordinator() and not request.is_retry:
            request.on_complete = partial(self._completed, request.on_complete)
        self._enqueue(request)

    def _completed(self, complete: Callable[[int, object], None], correlation: int, outcome: object) -> None:
        self.seen |= isinstance(outcome, kafka.errors.KafkaConnectionError)  # kafka-python sends it again
        complete(correlation, outcome)
