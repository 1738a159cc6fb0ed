"""An asker whose answers stand in a list, and answers that say how far a worker is."""

from typing import Any

from schemas.messages import AsOf, Response, Staleness


def stale(*missing: int) -> Response:
    """Return a response that misses so many offsets of each partition."""
    gap = {"documents": dict(enumerate(missing))}
    return Response(
        schema_version=1,
        query_id="q",
        query_sha256="",
        status="answered",
        stale=Staleness(missing=gap) if missing else None,
    )


def stamped(covered: int, durable: int | None) -> Response:
    """Return a response of partition 0, durable below an offset (None = said to be all of it)."""
    kept = None if durable is None else {"documents": {0: durable}}
    stamp = AsOf(
        coverage={"documents": {0: covered}},
        seq=1,
        generation=0,
        generator="g",
        newest_event_age=None,
        durable=kept,
    )
    return Response(schema_version=1, query_id="q", query_sha256="", status="answered", as_of=stamp)


class Scripted:
    """An asker whose answers stand in a list."""

    def __init__(self, *answers: Response | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def ask(self, _text: str, **said: Any) -> Response:
        self.asked.append(said)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer
