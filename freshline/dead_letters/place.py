"""Where a record stands, as a person types it: `documents:2:41` is offset 41 of partition 2 of `documents`."""

import re
from dataclasses import dataclass

from freshline.errors import UserError
from freshline.transport.port import TopicPartition

#: documents:2:41, or documents[2]@41 as other tools write it; a topic's name has neither colon nor bracket (Kafka).
_FORMS = re.compile(r"(?P<topic>[A-Za-z0-9._-]+)(?::(\d{1,10}):(\d{1,19})|\[(\d{1,10})\]@(\d{1,19}))\Z")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One record's place in the log."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """Return the form without characters that a shell would expand.

        >>> str(Place("documents", 2, 41))
        'documents:2:41'
        """
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def log(self) -> TopicPartition:
        """Return its partition."""
        return TopicPartition(self.topic, self.partition)


def parse_place(text: str) -> Place:
    """Read what a person typed. Raises UserError.

    >>> parse_place("documents[2]@41") == parse_place("documents:2:41") == Place("documents", 2, 41)
    True
    """
    found = _FORMS.match(text)
    if not found:
        raise UserError(
            f"{text[:100]!r} is no position; expected TOPIC:PARTITION:OFFSET, such as documents:2:41, as "
            "`freshline dlq list` prints it"
        )
    numbers = [int(number) for number in found.groups()[1:] if number is not None]
    return Place(found["topic"], *numbers)
