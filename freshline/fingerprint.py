"""Which embedder made a vector: vectors of two fingerprints are never compared."""

from dataclasses import asdict, dataclass
from hashlib import sha256

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Everything that changes a vector. The backend is left out: OpenVINO and torch agree to cosine ≥ .9999."""

    weights_sha256: str
    tokenizer_sha256: str
    pooling: str
    normalize: bool
    max_tokens: int
    dimension: int
    query_prompt: str = ""
    document_prompt: str = ""

    @property
    def id(self) -> str:
        """Return 16 hexadecimal digits that stand for the whole."""
        return sha256(msgspec.json.encode(asdict(self), order="sorted")).hexdigest()[:16]
