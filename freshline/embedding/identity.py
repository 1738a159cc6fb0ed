"""The fingerprint of the embedder that the settings name, without loading it.

Weights are hashed once; the hash is kept by path, size and modification time in the model cache folder, so a
later start reads only small files. A lost or unwritable cache costs time, nothing else.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path

from freshline.embedding.layout import Layout, read_layout
from freshline.embedding.reference import cache_folder, model_folder
from freshline.embedding.tiny import TINY_FINGERPRINT
from freshline.fingerprint import Fingerprint
from freshline.settings import ModelSettings

_HEX_DIGITS = 64


def fingerprint_of(settings: ModelSettings) -> Fingerprint:
    """Return the fingerprint that the loaded embedder has. Raises MissingPart, ConfigError or UnsafeModel."""
    if settings.backend == "tiny":
        return TINY_FINGERPRINT
    return fingerprint_of_layout(read_layout(model_folder(settings)), cache_folder(settings))


def fingerprint_of_layout(layout: Layout, cache: Path) -> Fingerprint:
    """Return the fingerprint of one model folder; `cache` remembers the hashes of its weights."""
    return Fingerprint(
        weights_sha256=files_sha256(layout.folder, layout.weights, cache),
        tokenizer_sha256=sha256(layout.tokenizer.read_bytes()).hexdigest(),
        pooling=layout.pooling,
        normalize=True,
        max_tokens=layout.max_tokens,
        dimension=layout.dimension,
        query_prompt=layout.query_prompt,
        document_prompt=layout.document_prompt,
    )


def files_sha256(folder: Path, files: Sequence[Path], cache: Path) -> str:
    """Return one hash of names and contents of files below a folder; `cache` remembers those of each."""
    whole = sha256()
    for path in files:
        name = path.relative_to(folder).as_posix()
        whole.update(f"{name} {_file_sha256(path, cache / 'hashes')}\n".encode())
    return whole.hexdigest()


def _file_sha256(path: Path, cache: Path) -> str:
    path = path.resolve()
    stat = path.stat()
    remembered = cache / sha256(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}".encode()).hexdigest()
    with suppress(OSError):
        found = remembered.read_text()
        if len(found) == _HEX_DIGITS:
            return found
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    with suppress(OSError):  # read-only or full: hash again next time
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = remembered.with_suffix(f".{os.getpid()}")
        unfinished.write_text(digest)
        unfinished.replace(remembered)
    return digest
