"""Questions and hits made by hand, for tests of generators."""

from freshline.embedding.tiny import TinyEmbedder
from freshline.generation.port import Question
from freshline.retrieval.hit import Hit
from freshline.revision import Revision


def hit(text: str, *, name: str = "a", title: str | None = None, clock: int = 0, start: int = 0) -> Hit:
    """Return the one chunk of the document `docs/<name>`, whose state came at `clock`, ms since the epoch."""
    return Hit(
        chunk_id=name,
        key=f"docs/{name}",
        collection="docs",
        doc_id=name,
        revision=Revision(0, clock, 0, 0),
        ordinal=0,
        start=start,
        end=start + len(text),
        score=1.0,
        text=text,
        title=title,
        uri=None,
        heading="",
        page=None,
    )


def question(text: str, *evidence: Hit, query_id: str = "", until: float | None = None) -> Question:
    """Return a question with the tiny embedder's vector."""
    return Question(text, TinyEmbedder().queries([text])[0], evidence, query_id=query_id, until=until)
