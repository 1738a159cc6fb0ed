"""The reranker that the settings name, loaded; None where they name none."""

from pathlib import Path

from freshline.embedding.identity import files_sha256
from freshline.embedding.layout import modules_of, read_json, refuse_unsafe, weights_of
from freshline.embedding.libraries import quieten, set_switches
from freshline.embedding.load import has_gpu
from freshline.embedding.port import Embedder, TokenEmbedder
from freshline.embedding.reference import cache_folder, reranker_folder
from freshline.errors import MissingPart
from freshline.reranking.late_interaction import LateInteraction
from freshline.retrieval.reranker import Reranker
from freshline.settings import ModelSettings

LATE_INTERACTION = "late-interaction"


def load_reranker(settings: ModelSettings, embedder: Embedder) -> Reranker | None:
    """Return the reranker; late interaction shares the loaded embedder.

    Raises MissingPart, ConfigError, UnsafeModel or UserError, each saying what to do.
    """
    if not settings.reranker:
        return None
    if settings.reranker == LATE_INTERACTION:
        return _late_interaction(embedder)
    return _cross_encoder(settings)


def refuse_missing(settings: ModelSettings) -> None:
    """Raise what load_reranker would where the setting leads nowhere; nothing is loaded."""
    if settings.reranker not in {"", LATE_INTERACTION}:
        reranker_folder(settings)


def _late_interaction(embedder: Embedder) -> Reranker:
    if not isinstance(embedder, TokenEmbedder):
        raise MissingPart(
            f"models.reranker is {LATE_INTERACTION!r}, and {type(embedder).__name__} gives no token vectors. "
            "Choose another reranker."
        )
    return LateInteraction(embedder)


def _cross_encoder(settings: ModelSettings) -> Reranker:
    folder = reranker_folder(settings)
    config = read_json(folder / "config.json")
    if not config or not (folder / "tokenizer.json").is_file():
        raise MissingPart(
            f"models.reranker: {folder} has no {'tokenizer.json' if config else 'config.json'}: expected a "
            "sentence-transformers CrossEncoder with a fast tokenizer. Save the model with "
            "CrossEncoder(...).save_pretrained(FOLDER) and name that folder."
        )
    refuse_unsafe(folder, config, modules_of(folder))
    fingerprint = _fingerprint(folder, cache_folder(settings))
    set_switches()  # from here on nothing is fetched
    quieten()
    from freshline.reranking.cross_encoder import CrossEncoderReranker  # noqa: PLC0415 - loads torch

    return CrossEncoderReranker(folder, fingerprint, "cuda" if has_gpu() else "cpu", settings.threads)


def _fingerprint(folder: Path, cache: Path) -> str:
    files = [*weights_of(folder), folder / "config.json", folder / "tokenizer.json"]
    return f"cross-encoder-1-{files_sha256(folder, files, cache)[:16]}"
