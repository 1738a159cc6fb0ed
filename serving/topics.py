"""Whether the topics that a worker needs are there, said before it starts rather than never."""

from freshline.errors import MissingPart
from freshline.transport.port import LogReader
from serving.writing import Names


def check_topics(reader: LogReader, names: Names) -> None:
    """Raise MissingPart where a topic is missing or `responses` has fewer partitions than `queries`."""
    for topic in (names.queries, names.responses, names.dead_letters):
        if not reader.partitions(topic):
            raise MissingPart(
                f"there is no topic {topic!r}; expected it to exist: run `freshline topics apply`"
            )
    asked, answered = len(reader.partitions(names.queries)), len(reader.partitions(names.responses))
    if answered < asked:
        raise MissingPart(
            f"topic {names.responses!r} has {answered} partitions and {names.queries!r} has {asked}; expected as many, "
            "as a response goes to its query's partition number: run `freshline topics apply`"
        )
