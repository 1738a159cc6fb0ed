"""Milvus-lite, embedded, through its own client."""

from collections.abc import Sequence
from pathlib import Path

from pymilvus import DataType, MilvusClient

from benchmarks.stores.store import Array

_LINKS, _CONSTRUCTION = 32, 100
_SLICE = 4_000  # rows of one insert


class Milvus:
    """A filter is an expression."""

    what = f"Milvus-lite, HNSW, M {_LINKS}, efConstruction {_CONSTRUCTION}, over ef"
    settings: Sequence[int] = (10, 20, 40, 80, 160, 320, 640)
    filters = True

    def build(self, vectors: Array, part: Array, folder: Path) -> None:
        """Insert all rows, flush, index, load."""
        self._client = client = MilvusClient(str(folder / "milvus.db"))
        schema = client.create_schema(auto_id=False)
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("part", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        client.create_collection("rows", schema=schema)
        for start in range(0, len(vectors), _SLICE):
            rows = range(start, min(start + _SLICE, len(vectors)))
            client.insert(
                "rows", [{"row": row, "part": int(part[row]), "vector": vectors[row]} for row in rows]
            )
        client.flush("rows")
        index = client.prepare_index_params()
        index.add_index(
            "vector",
            index_type="HNSW",
            metric_type="IP",
            params={"M": _LINKS, "efConstruction": _CONSTRUCTION},
        )
        client.create_index("rows", index)
        client.load_collection("rows")

    def ask(self, asked: Array, setting: int, share: int, k: int) -> Sequence[Sequence[int]]:
        """Return k rows for each."""
        found = self._client.search(
            "rows", data=list(asked), anns_field="vector", limit=k,
            filter="" if share == 100 else f"part < {share}",  # noqa: PLR2004 - percent
            search_params={"metric_type": "IP", "params": {"ef": max(setting, k)}},
        )  # fmt: skip
        return [[hit["row"] for hit in hits] for hits in found]

    def close(self) -> None:
        """End its server."""
        self._client.close()
