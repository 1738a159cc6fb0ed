"""The tail's owner beside a benchmark's stack, started and stopped: the sides with the tail and without it.

Where no owner runs nothing is appended, and the same worker is as fresh as its snapshot. What an owner has counted is
kept when it is stopped.
"""

import time
import urllib.request
from collections import Counter
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.stack import BenchmarkStack
from freshline.embedded import health
from freshline.embedded.child import Child
from freshline.errors import MissingPart

_MODULE = "serving.tail"
_READY_WITHIN = 120.0  # seconds; it loads a model
_LOOK = 0.05
_SCRAPE_WITHIN = 5.0


class TailProcess:
    """At most one owner at a time, of all partitions; the stack ends it."""

    def __init__(self, stack: BenchmarkStack) -> None:
        self._stack = stack
        self._record = stack.folder / "tail.json"
        self._child: Child | None = None
        self._before: Counter[str] = Counter()

    def on(self) -> None:
        """Start it and wait until it is ready; nothing where it runs. Raises MissingPart."""
        if self._child is not None:
            return
        assert self._stack.start is not None  # noqa: S101 - running() gives it
        self._record.unlink(missing_ok=True)
        child = self._child = self._stack.start(_MODULE, "tail", [f"observability.record={self._record}"])
        deadline = time.monotonic() + _READY_WITHIN
        while not health.is_ready(self._record):
            if child.poll() is not None or time.monotonic() > deadline:
                raise MissingPart(
                    f"{_MODULE} is not ready after {_READY_WITHIN:g} s or has ended. The last lines of its log:\n"
                    f"{child.tail()}"
                )
            time.sleep(_LOOK)

    def off(self) -> None:
        """Stop it and keep what it has counted; nothing where none runs."""
        if self._child is None:
            return
        self._before += self._now()
        self._child.stop()
        self._child = None

    def totals(self) -> Counter[str]:
        """Return what every owner so far has counted, together: see `totals`."""
        return self._before + self._now()

    def _now(self) -> Counter[str]:
        found = health.recorded(self._record) if self._child is not None else None
        if found is None:
            return Counter()
        url = f"http://{found['host']}:{found['port']}/metrics"
        with urllib.request.urlopen(url, timeout=_SCRAPE_WITHIN) as reply:
            return Counter(totals(reply.read().decode()))


def totals(exposition: str) -> Mapping[str, float]:
    r"""Return what only grows: {name of a sample, with the values of its labels: number}.

    >>> totals('# TYPE a_total counter\na_total{b="1"} 2\na_total{b="2"} 3\n# TYPE c gauge\nc 4\n')
    {'a_total 1': 2, 'a_total 2': 3}
    """
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(exposition)
        if family.type in {"counter", "histogram"}
        for sample in family.samples
        if not sample.name.endswith(("_created", "_bucket"))
    }
