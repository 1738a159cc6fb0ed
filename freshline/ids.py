"""Names that are derived, the same in every process: keys, chunk ids, shards.

Hashes are BLAKE2b (RFC 7693); 128 bits keep the chance of one collision among 10**9 chunks near 10**-21.
"""

from hashlib import blake2b

_CHUNK_ID_BYTES = 16
#: Of the hash that splits a shard's keys: 2**32 parts are more than there are keys in a shard.
KEY_BITS = 32


def document_key(collection: str, doc_id: str) -> str:
    """Return the Kafka key and the identity of a document. A collection holds no slash, so the first one splits."""
    return f"{collection}/{doc_id}"


def split_key(key: str) -> tuple[str, str]:
    """Return (collection, doc_id) of a key. Raises ValueError where there is no slash."""
    collection, slash, doc_id = key.partition("/")
    if not slash:
        raise ValueError("a document key is collection/doc_id")
    return collection, doc_id


def chunk_id(key: str, text: str, occurrence: int) -> str:
    """Identify a passage by its document, its text and which repetition of that text it is (0, 1, …).

    Not by its place: a passage that an edit elsewhere moves keeps its id.
    """
    digest = blake2b(digest_size=_CHUNK_ID_BYTES)
    for part in (key, text, str(occurrence)):
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)  # lengths: no two splits give the same bytes
    return digest.hexdigest()


def shard_of(key: str, shards: int) -> int:
    """Return the shard of a document, 0 ≤ shard < shards."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % shards


def key_bits(key: str) -> int:
    """Return KEY_BITS bits of a key, in no relation to its shard: inside a shard too they are evenly distributed."""
    return int.from_bytes(blake2b(key.encode(), digest_size=KEY_BITS // 8, person=b"part").digest(), "big")
