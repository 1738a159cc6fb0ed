"""What the stream says of its batches: lines of streaming.log, each written after its batch was decided."""

import json
import time
from dataclasses import dataclass

from benchmarks.stack import BenchmarkStack
from freshline.errors import TransientError

_WITHIN = 10.0  # seconds; a line follows its decision at once


@dataclass(frozen=True, slots=True)
class Batches:
    """Sums over all batches so far."""

    chunks: int
    embedded: int


def batches(stack: BenchmarkStack) -> Batches:
    """Return the sums once the log tells of all that is covered now. Raises TransientError where it does not."""
    records = sum(sum(partitions.values()) for partitions in stack.manifest.fold().coverage.values())
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        lines = (stack.folder / "streaming.log").read_text("utf-8").splitlines()
        told = [json.loads(line) for line in lines if '"batch_decided"' in line and line.endswith("}")]
        if sum(batch["accepted"] + batch["rejected"] for batch in told) >= records:
            return Batches(sum(one["chunks"] for one in told), sum(one["embedded"] for one in told))
        time.sleep(0.05)
    raise TransientError(f"the stream's log does not tell of all {records} records within {_WITHIN:g} s")
