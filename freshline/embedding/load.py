"""The embedder that the settings name, on the backend that serves it best here."""

import platform
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from freshline.embedding.identity import fingerprint_of, fingerprint_of_layout
from freshline.embedding.layout import Layout, read_layout
from freshline.embedding.libraries import quieten, set_switches
from freshline.embedding.port import Embedder
from freshline.embedding.reference import cache_folder, model_folder
from freshline.embedding.tiny import TinyEmbedder
from freshline.errors import MissingPart
from freshline.settings import ModelSettings

__all__ = ["Backend", "choose", "fingerprint_of", "load_embedder"]

Backend = Literal["openvino", "cpu", "cuda"]


def load_embedder(settings: ModelSettings) -> Embedder:
    """Return the embedder, loaded. The first OpenVINO load exports the model; do not fork after it.

    Raises MissingPart, ConfigError or UnsafeModel, each saying what to do.
    """
    if settings.backend == "tiny":
        return TinyEmbedder()
    layout = read_layout(model_folder(settings))
    set_switches()  # from here on nothing is fetched
    quieten()
    fingerprint = fingerprint_of_layout(layout, cache_folder(settings))
    backend = choose(settings, layout)
    if backend == "openvino":
        from freshline.embedding.export import export  # noqa: PLC0415 - only this backend needs an export
        from freshline.embedding.openvino import OpenVinoEmbedder  # noqa: PLC0415

        return OpenVinoEmbedder(export(settings), layout, fingerprint, settings.threads)
    from freshline.embedding.torch_backend import TorchEmbedder  # noqa: PLC0415 - loads torch

    return TorchEmbedder(layout, fingerprint, backend, settings.threads)


def choose(settings: ModelSettings, layout: Layout) -> Backend:
    """Return where the model runs: a GPU, else OpenVINO on x86 for simple models, else torch on the CPU."""
    if settings.backend == "openvino":
        _refuse_unserved(layout)
        return "openvino"
    if has_gpu():
        return "cuda"
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    if settings.backend == "auto" and x86 and layout.simple and find_spec("openvino"):
        return "openvino"
    return "cpu"


def _refuse_unserved(layout: Layout) -> None:
    if not find_spec("openvino"):
        raise MissingPart(
            "models.backend is 'openvino' and the library is not installed: pip install 'freshline[embed]', "
            "or set models.backend to 'auto' or 'torch'."
        )
    if not layout.simple:
        raise MissingPart(
            f"models.backend is 'openvino', and {layout.folder} pools by {layout.pooling!r}: only mean, cls "
            "and max are served there. Set models.backend to 'auto' or 'torch'."
        )


def has_gpu() -> bool:
    """Tell whether torch can use one; it is asked only where a driver is present: importing it costs seconds."""
    if not any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg")):
        return False
    import torch  # noqa: PLC0415

    return bool(torch.cuda.is_available())
