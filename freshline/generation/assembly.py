"""The generator that the settings name, with what stands around it: a cache where that is worth it, and tokens."""

from freshline.cache.factory import open_answers, open_tokens
from freshline.embedding.port import Embedder
from freshline.generation.cached import CachedGenerator
from freshline.generation.extractive import Extractive
from freshline.generation.load import load_generator
from freshline.generation.port import Generator
from freshline.generation.telling import Telling
from freshline.settings import Settings


def assemble(settings: Settings, embedder: Embedder) -> Generator:
    """Return the generator. It serves one thread, as its embedder does. Raises ConfigError, and as load_generator."""
    tokens = open_tokens(settings)
    return Telling(remembering(load_generator(settings, embedder, tokens), settings), tokens)


def remembering(generator: Generator, settings: Settings) -> Generator:
    """Return the generator behind the deployment's cache; itself where answers are not to be remembered.

    The extractive generator takes about as long as a look into the cache (docs/decisions/0057-answer-cache.md).
    """
    extractive = isinstance(generator, Extractive)
    wanted = settings.serving.answer_cache == "always" or not extractive
    if not wanted or not settings.serving.answer_ttl:
        return generator
    return CachedGenerator(generator, open_answers(settings), dated=not extractive)
