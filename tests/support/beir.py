"""Small folders in BEIR's layout, written as BEIR's own files look."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

HEADING = "query-id\tcorpus-id\tscore"


def write_beir(
    folder: Path,
    corpus: Mapping[str, tuple[str, str]],
    queries: Mapping[str, str],
    qrels: Sequence[tuple[str, str, int]],
    split: str = "test",
) -> Path:
    """Write {id: (title, text)}, {id: text} and (query, document, grade); return the folder."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    _lines(
        folder / "corpus.jsonl",
        [json.dumps({"_id": i, "title": title, "text": text}) for i, (title, text) in corpus.items()],
    )
    _lines(folder / "queries.jsonl", [json.dumps({"_id": i, "text": text}) for i, text in queries.items()])
    rows = [f"{query}\t{document}\t{grade}" for query, document, grade in qrels]
    _lines(folder / "qrels" / f"{split}.tsv", [HEADING, *rows])
    return folder


def _lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
