"""LanceDB, embedded: inverted lists with product quantisation, refined with the stored vectors."""

from collections.abc import Sequence
from pathlib import Path

import lancedb
import pyarrow as pa

from benchmarks.stores.store import Array

_LISTS, _PARTS, _REFINE = 256, 96, 10
#: Of k-means, vectors for each centre: with its own 50 and 256 it is not built within a minute on two cores.
_ROUNDS, _SAMPLE = 10, 64


class Lance:
    """A filter is a `where` before the search."""

    what = f"LanceDB, IVF_PQ of {_LISTS} lists, {_PARTS} parts, refine_factor {_REFINE}, over nprobes"
    settings: Sequence[int] = (2, 4, 8, 16, 32, 64, 128, 256)
    filters = True

    def build(self, vectors: Array, part: Array, folder: Path) -> None:
        """Write the table, then both indexes."""
        count, dimension = vectors.shape
        flat = pa.array(vectors.reshape(-1))
        columns = {
            "row": pa.array(range(count), pa.int64()),
            "part": pa.array(part, pa.int64()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, dimension),
        }
        self._table = lancedb.connect(str(folder)).create_table("rows", pa.table(columns))
        self._table.create_index(
            metric="dot", vector_column_name="vector", index_type="IVF_PQ",
            num_partitions=_LISTS, num_sub_vectors=_PARTS, max_iterations=_ROUNDS, sample_rate=_SAMPLE,
        )  # fmt: skip
        self._table.create_scalar_index("part")

    def ask(self, asked: Array, setting: int, share: int, k: int) -> Sequence[Sequence[int]]:
        """Return k rows for each."""
        query = self._table.search(asked[0] if len(asked) == 1 else list(asked), vector_column_name="vector")
        query = query.distance_type("dot").nprobes(setting).refine_factor(_REFINE).limit(k)
        if share < 100:  # noqa: PLR2004 - percent
            query = query.where(f"part < {share}", prefilter=True)
        table = query.select(["row", "_distance"]).to_arrow()
        rows = table["row"].to_pylist()
        if len(asked) == 1:
            return [rows]
        found: list[list[int]] = [[] for _ in asked]
        for place, row in zip(table["query_index"].to_pylist(), rows, strict=True):
            found[place].append(row)
        return found

    def close(self) -> None:
        """Nothing is held but memory and files."""
