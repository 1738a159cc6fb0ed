"""From settings to the generator that they name."""

from freshline.chunking.sentences import sentence_spans
from freshline.embedding.port import Embedder
from freshline.generation.extractive import Extractive
from freshline.generation.port import Generator
from freshline.settings import Settings


def load_generator(settings: Settings, embedder: Embedder) -> Generator:
    """Return the generator. It serves one thread, as its embedder does."""
    return Extractive(embedder, sentence_spans, abstain_below=settings.serving.abstain_below)
