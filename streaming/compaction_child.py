"""The process that compacts in the background: `python -m streaming.compaction_child`, one group after another.

Speaks JSON lines on its stdin and stdout: a Job, then a Reply. Its owner gives it PRIORITY and one thread, so that the
batches beside it have the processors (docs/decisions/0041). It ends with its owner at once, also in the middle of a
merge: what it wrote until then is named by nobody.
"""

import os
import queue
import signal
import sys
import threading
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Literal

import msgspec

from freshline.errors import FreshlineError
from freshline.index.compaction import rewrite
from freshline.index.entries import Add
from freshline.index.manifest import Manifest
from freshline.lake.storage import Storage
from freshline.lake.tables import Lake
from freshline.lexical.languages import Languages

#: Added to the owner's nice value, 19 at most. Weight 70 against 1,024 (sched(7)) where the stream is at 0, 15 against
#: 110 at `stream.nice` 10: a twentieth, an eighth of a processor that batches want all the time, all of one that they
#: do not. Compaction needs about a thirtieth of what embedding the rows takes.
PRIORITY = 12
#: A process that has read so many rows ends, so that its memory goes back to the machine.
RETIRES_AFTER = 32_768


@dataclass(frozen=True, slots=True)
class Job:
    """A group to merge, in the lake at uri; its rows are analysed in these languages."""

    uri: str
    group: tuple[Add, ...]
    languages: Languages = field(default_factory=Languages)


@dataclass(frozen=True, slots=True)
class Reply:
    """How it went, and how many rows were written; `last`: the process ends now."""

    outcome: Literal["done", "conflict", "failed", "stopped"]
    rows: int = 0
    error: str = ""
    last: bool = False


def carry_out(job: Job) -> Reply:
    """Merge the group of a job."""
    storage = Storage(job.uri)
    try:
        added = rewrite(storage, Manifest(Lake(storage)), job.group, languages=job.languages)
    except (FreshlineError, OSError) as error:
        return Reply("failed", error=f"{type(error).__name__}: {error}")
    return Reply("conflict") if added is None else Reply("done", sum(add.rows for add in added))


def main() -> int:
    """Serve until the owner closes the pipe, or enough was read."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is its owner's business
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    tasks, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no reply
    threading.Thread(target=_listen, args=(tasks, jobs), daemon=True).start()
    read = 0
    while read < RETIRES_AFTER:
        job = jobs.get()
        read += sum(add.rows for add in job.group)
        reply = replace(carry_out(job), last=read >= RETIRES_AFTER)
        replies.write(msgspec.json.encode(reply) + b"\n")
        replies.flush()
    return 0


def _listen(tasks: BinaryIO, jobs: "queue.SimpleQueue[Job]") -> None:
    for line in tasks:
        jobs.put(msgspec.json.decode(line, type=Job))
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
