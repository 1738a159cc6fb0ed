"""Upkeep of the tables: few files and short logs, whatever the number of commits. Beside writers and readers.

What it leaves behind on the disk, merged files above all, is removed by `freshline vacuum` (freshline.history).
"""

from collections.abc import Sequence

from freshline.lake.merging import MERGE_AT
from freshline.lake.tables import Lake

#: Tables that grow by a file with every batch.
GROWING = ("manifest", "documents", "chunks", "rejects")
#: The archive's own.
ARCHIVED = ("responses",)


def tidy(lake: Lake, merge_at: int = MERGE_AT, tables: Sequence[str] = GROWING) -> int:
    """Merge small files and shorten the logs where that is due; return how many files have left tables and logs.

    Give it a Lake of its own: what it does keeps that one's other users waiting.
    """
    return sum(lake.optimize(table, at_least=merge_at) + lake.shorten_log(table) for table in tables)
