"""What the demo asks of its corpus, and the document that it publishes, edits and deletes."""

from typing import NamedTuple

from schemas.messages import DocumentEvent


class Asked(NamedTuple):
    """A question and the one collection that it is asked of, None = everything."""

    text: str
    collection: str | None


QUESTIONS = (
    Asked("What does the assert statement insert into a program?", "python-reference"),
    Asked("When is the finally clause of a try statement executed?", "python-reference"),
    Asked("What does the pass statement do when it is executed?", "python-reference"),
    Asked("What does a lambda expression yield?", "python-reference"),
    Asked("What does the nonlocal statement cause the listed identifiers to refer to?", "python-reference"),
    Asked("What happens when the del statement removes a name?", "python-reference"),
    Asked("How are the operators and and or evaluated?", "python-reference"),
    Asked("What does the continue statement continue with?", "python-reference"),
    Asked("What is msgspec?", "packages"),
    Asked("What is structlog?", "packages"),
    Asked("What is Faiss a library for?", "packages"),
    Asked("What does the build package do?", "packages"),
)

#: One small document of our own, so that its change can be shown; no such bridge exists.
CHANGING = "Which vehicles may cross the Lindholm bridge?"
_COLLECTION = "traffic"
_ID = "lindholm-bridge"
_HEAD = "# Lindholm bridge\n\n## Weight limit\n\n"
_FIRST = "Vehicles of up to 30 tonnes may cross the Lindholm bridge. The bridge was inspected in spring.\n"
_SECOND = (
    "Only vehicles of up to 12 tonnes may cross the Lindholm bridge until its bearings are replaced. "
    "The bridge was inspected in autumn.\n"
)
_TEXTS = (_HEAD + _FIRST, _HEAD + _SECOND)
FIRST_FACT, SECOND_FACT = "30 tonnes", "12 tonnes"


def changing_document(edition: int) -> DocumentEvent:
    """Return edition 0 or 1 of the document that changes."""
    return DocumentEvent(
        schema_version=1,
        collection=_COLLECTION,
        doc_id=_ID,
        title="Lindholm bridge",
        content=_TEXTS[edition],
        content_type="text/markdown",
    )
