"""Why a model wrote no answer that can be given. Who asked it answers with sentences of the evidence instead."""

from typing import Literal, get_args

from freshline.errors import FreshlineError

#: failed      it raised, or its server refused
#: timed_out   it was not ready in time, or never
#: empty       it wrote nothing
#: too_long    it was still writing at its last token, or wrote more than an answer may have
#: unverified  nothing that it wrote stands in the evidence
#: outdated    what it wrote stands in the evidence, and a newer passage says otherwise
#: no_room     the question and a part of one passage do not fit into the prompt
#: no_time     the questions before it took all the time of their batch
#: busy        it is still at work on a question that was given up
#: resting     it was too slow or failed repeatedly just now
Reason = Literal[
    "failed",
    "timed_out",
    "empty",
    "too_long",
    "unverified",
    "outdated",
    "no_room",
    "no_time",
    "busy",
    "resting",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Unwritten(FreshlineError):  # noqa: N818 - the outcome of one question
    """There is no answer of the model's; `reason` says why."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
