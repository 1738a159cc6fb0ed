"""Lines of a page to blocks: paragraphs whose lines are joined, and runs of table rows. Pure; knows no PDF.

1. A new block begins where a line does not stand just below the one before (a gap over GAP times what is usual on
   the page, or upwards: a column), where the size of the letters changes, and between table rows and text.
2. In a paragraph a line that reaches the right edge goes on in the next; one that ends before it keeps its line
   end: lists, addresses, verses. So does a line before a bullet.
3. Rows of a table stay lines. Which cell belongs to which column is not known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from freshline.parsing.pdf_lines import Line

#: Of the usual distance between two lines; paragraphs are set 1.5 to 2 apart.
GAP = 1.3
#: Of the height: letters within it are of one size.
_SAME_SIZE = 0.2
#: Of the block's width: a line that ends nearer to the right edge is full.
_RAGGED = 0.15
#: Of the height: the most between two lines of a paragraph. Text set at double spacing has 2.
_MOST_LEADING = 2.2

_BULLET = re.compile(r"(?:[•◦▪‣●○■□\u2013\u2014*·-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together. `rows`: they are lines of a table."""

    lines: tuple[Line, ...]
    rows: bool

    @property
    def text(self) -> str:
        """Their text, joined by the rules above."""
        if self.rows:
            return "\n".join(line.text for line in self.lines)
        return _joined(self.lines)


def blocks(lines: Sequence[Line], drop: float) -> Iterator[Block]:
    """Return the blocks of these lines in order; `drop` is their page's usual_drop."""
    if not lines:
        return
    most = GAP * drop
    begin = 0
    for index, (above, below) in enumerate(pairwise(lines), 1):
        if not _together(above, below, most):
            yield _block(lines[begin:index])
            begin = index
    yield _block(lines[begin:])


def _block(lines: Sequence[Line]) -> Block:
    return Block(tuple(lines), lines[0].row)


def same_size(one: float, other: float) -> bool:
    """Tell whether two heights are of letters of one size."""
    return abs(one - other) <= _SAME_SIZE * max(one, other)


def usual_drop(lines: Sequence[Line]) -> float:
    """Return how far it is from a line to the next inside a paragraph: a quarter of the distances are less."""
    drops = sorted(
        above.end - below.bottom
        for above, below in pairwise(lines)
        if 0 < above.end - below.bottom <= _MOST_LEADING * above.height
    )
    return drops[len(drops) // 4] if drops else max((line.height for line in lines), default=0.0)


def _together(above: Line, below: Line, most: float) -> bool:
    drop = above.end - below.bottom
    return 0 < drop <= most and above.row == below.row and same_size(above.height, below.height)


def _joined(lines: Sequence[Line]) -> str:
    right = max(line.right for line in lines)
    full = right - _RAGGED * (right - min(line.left for line in lines))
    text = lines[0].text
    for above, below in pairwise(lines):
        if above.right < full or _BULLET.match(below.text):
            text += "\n" + below.text
        else:
            text += " " + below.text
    return text
