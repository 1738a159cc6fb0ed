"""What the settings' generator needs, looked for without loading it."""

from importlib.util import find_spec

from freshline.errors import MissingPart
from freshline.generation.model_files import model_files
from freshline.settings import Settings


def available(settings: Settings) -> str:
    """Say in a few words what would write answers. Raises MissingPart, ConfigError or UnsafeModel: what to do."""
    chosen = settings.generation
    if chosen.kind == "extractive":
        return "sentences of the evidence"
    if chosen.kind == "openai":
        _refuse_missing("openai", "httpx2")
        return f"{chosen.model} at {chosen.base_url}"
    files = model_files(settings)
    if files.gguf:
        _refuse_missing("gguf", "accelerate")
    return f"{files.folder / (files.gguf or '')}, sha256 {files.sha256[:12]}"


def _refuse_missing(*libraries: str) -> None:
    for library in libraries:
        if find_spec(library) is None:
            raise MissingPart(
                f"the generator that the settings name needs the library {library!r}, which is not installed: "
                "pip install 'freshline[generation]', or set generation.kind to 'extractive'."
            )
