"""The chunker that the settings ask for, counting with the embedder's own tokenizer."""

from freshline.chunking.counting import model_count, word_count
from freshline.chunking.port import Chunker
from freshline.chunking.structured import StructuredChunker
from freshline.embedding.layout import read_layout
from freshline.embedding.reference import model_folder
from freshline.errors import ConfigError
from freshline.settings import ChunkingSettings, ModelSettings

#: a model puts one token before and one behind every text
_SPECIAL_TOKENS = 2


def make_chunker(settings: ChunkingSettings, models: ModelSettings) -> Chunker:
    """Return the chunker; loads a tokenizer, no weights. Raises ConfigError or MissingPart, saying what to do."""
    if models.backend == "tiny":
        return StructuredChunker(word_count, settings)
    layout = read_layout(model_folder(models))
    count = model_count(layout.tokenizer)
    readable = layout.max_tokens - _SPECIAL_TOKENS - count([layout.document_prompt])[0]
    if settings.max_tokens > readable:
        raise ConfigError(
            f"chunking.max_tokens is {settings.max_tokens}, but the embedder reads {layout.max_tokens} tokens and "
            f"would not see the end of a chunk: expected at most {readable}."
        )
    return StructuredChunker(count, settings)
