"""The child process of export.py: convert one model, compare it with the reference, move it into place.

Not for calling by hand: it loads torch and transformers and is as slow as they are.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from freshline.embedding.export import EXPORT_FORMAT, IR, NOTE, digests, install
from freshline.embedding.identity import fingerprint_of_layout
from freshline.embedding.layout import Layout, read_layout
from freshline.embedding.libraries import quieten, set_switches
from freshline.embedding.openvino import OpenVinoEmbedder
from freshline.embedding.reference import cache_folder, model_folder
from freshline.embedding.torch_backend import TorchEmbedder
from freshline.errors import UserError
from freshline.fingerprint import Fingerprint
from freshline.settings import ModelSettings

#: Least cosine between both backends; int8 weights fell to about .9, bf16 arithmetic stays above .9999.
_AGREEMENT = 0.999
#: Short, long (cut at max_tokens), other scripts, and a word that no vocabulary has.
_PROBES = (
    "What is a generator?",
    "A tombstone marks a deleted record until every reader has passed it. " * 40,
    "Быстрая лиса — 東京 — façade № 7",
    "x" * 200,
)


def convert(settings: ModelSettings) -> Path:
    """Export the model of the settings into the cache folder and return the folder. Raises UserError."""
    layout = read_layout(model_folder(settings))
    cache = cache_folder(settings)
    fingerprint = fingerprint_of_layout(layout, cache)
    cache.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(prefix=f".{fingerprint.id}-", dir=cache))
    try:
        _fill(temporary, layout, fingerprint)
        install(temporary, cache / fingerprint.id)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return cache / fingerprint.id


def _fill(folder: Path, layout: Layout, fingerprint: Fingerprint) -> None:
    started = time.monotonic()
    _write_ir(layout, folder)
    cosine = agreement(folder / IR, layout, fingerprint)
    if cosine < _AGREEMENT:
        raise UserError(f"OpenVINO and torch agree only to cosine {cosine:.4f}, expected {_AGREEMENT}")
    note: dict[str, Any] = {"format": EXPORT_FORMAT, "files": digests(folder), "cosine": round(cosine, 6)}
    note |= {"model": layout.folder.name, "seconds": round(time.monotonic() - started, 1)}
    (folder / NOTE).write_text(json.dumps(note, indent=1))


def _write_ir(layout: Layout, folder: Path) -> None:
    ready = layout.folder / IR
    if ready.is_file():  # the model came with an IR of its own
        shutil.copytree(ready.parent, folder / IR.parent, ignore=lambda _, names: _others(names))
        return
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - after the switches are set

    model = SentenceTransformer(
        str(layout.folder),
        backend="openvino",
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"export": True, "compile": False},
    )
    model.save_pretrained(str(folder))


def _others(names: list[str]) -> list[str]:
    return [name for name in names if name not in {IR.name, IR.with_suffix(".bin").name}]


def agreement(ir: Path, layout: Layout, fingerprint: Fingerprint) -> float:
    """Return the least cosine of OpenVINO and torch over the probes; 1.0 where torch has no weights."""
    if not any(path.suffix == ".safetensors" for path in layout.weights):
        return 1.0
    ours = OpenVinoEmbedder(ir, layout, fingerprint, threads=1).documents(_PROBES)
    reference = TorchEmbedder(layout, fingerprint, "cpu", threads=1).documents(_PROBES)
    return float((ours * reference).sum(axis=1).min())


def main() -> int:
    """Convert as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--embedder", required=True)
    parser.add_argument("--cache", required=True)
    set_switches()
    quieten()
    try:
        convert(ModelSettings(**vars(parser.parse_args())))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
