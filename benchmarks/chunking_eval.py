"""The chunking_eval set: corpora, and questions with the passages that answer them, in tokens of the embedder.

Needs FRESHLINE_EVAL_DATA, a folder with chunking_eval; nothing is copied.
"""

import csv
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.span_overlap import Span
from freshline.embedding.layout import read_layout
from freshline.embedding.reference import model_folder
from freshline.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its gold passages."""

    text: str
    gold: tuple[Span, ...]


class Tokens:
    """Places in characters to places in tokens, for each corpus."""

    def __init__(self, corpora: dict[str, str]) -> None:
        model = tokenizer()
        offsets = {
            name: model.encode(text, add_special_tokens=False).offsets for name, text in corpora.items()
        }
        self._starts = {name: [start for start, _ in each] for name, each in offsets.items()}
        self._ends = {name: [end for _, end in each] for name, each in offsets.items()}

    def span(self, corpus: str, start: int, end: int) -> Span:
        """Return the tokens that have a character in [start, end)."""
        return corpus, bisect_right(self._ends[corpus], start), bisect_left(self._starts[corpus], end)


def questions(source: Path, corpora: Mapping[str, str], tokens: Tokens) -> list[Asked]:
    """Return the questions about these corpora."""
    with (source / "questions_df.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["corpus_id"] in corpora]
    return [
        Asked(
            row["question"],
            tuple(
                tokens.span(row["corpus_id"], reference["start_index"], reference["end_index"])
                for reference in json.loads(row["references"])
            ),
        )
        for row in rows
    ]


def tokenizer() -> Any:
    """Return the embedder's tokenizer, which neither cuts nor pads."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - not at import

    model = Tokenizer.from_file(str(read_layout(model_folder(ModelSettings())).tokenizer))
    model.no_truncation()
    model.no_padding()
    return model
