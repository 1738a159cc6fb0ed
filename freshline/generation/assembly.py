"""What stands around the generator that the settings name: the answer cache, where it is worth it."""

from freshline.cache.factory import open_answers
from freshline.generation.cached import CachedGenerator
from freshline.generation.extractive import Extractive
from freshline.generation.port import Generator
from freshline.settings import Settings


def remembering(generator: Generator, settings: Settings) -> Generator:
    """Return the generator behind the deployment's cache; itself where answers are not to be remembered.

    The extractive generator takes about as long as a look into the cache (docs/decisions/0057-answer-cache.md).
    """
    extractive = isinstance(generator, Extractive)
    wanted = settings.serving.answer_cache == "always" or not extractive
    if not wanted or not settings.serving.answer_ttl:
        return generator
    return CachedGenerator(generator, open_answers(settings), dated=not extractive)
