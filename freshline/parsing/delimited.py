"""text/csv and text/tab-separated-values: a row is a line, each cell behind its column's name.

The delimiter is the one of , ; TAB | that splits the first rows most evenly; a first line "sep=;" names it. A
quote counts at the start of a field only, and only if it is closed (RFC 4180); otherwise it is a character.
One pass, no limit on a field: no input takes more than linear time.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice

from freshline.parsing.grid import write_tables
from freshline.parsing.outline import Outline
from freshline.parsing.port import ParsedDocument
from freshline.parsing.text import decode, refuse_empty

#: The first wins where two split evenly: a comma is likelier to be a character of the text (1,5) than a tab is.
DELIMITERS = ("\t", ";", "|", ",")
_SAMPLE_ROWS = 50
_NAMED = re.compile(r"sep=([,;\t|])\n", re.IGNORECASE)


def parse_delimited(content: bytes) -> ParsedDocument:
    """Return the rows as a table, under no heading. Raises Rejected."""
    text = decode(content)
    named = _NAMED.match(text)
    body = text[named.end() :] if named else text
    outline = Outline()
    write_tables(outline, records(body, named[1] if named else delimiter_of(body)))
    document = outline.finish(None)
    refuse_empty(document.text)
    return document


def delimiter_of(text: str) -> str:
    """Return the delimiter whose most frequent number of fields, over 1, holds for most of the first rows."""
    return max(DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def records(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the fields of each record; an empty line is a record of one empty field.

    Raises nothing: whatever the text, joined fields hold all of it but quotes, delimiters and line ends.
    """
    row: list[str] = []
    for field in _field(delimiter).finditer(text):
        quoted, behind, bare, end = field.groups()
        row.append(bare if quoted is None else quoted.replace('""', '"') + behind)
        if end != delimiter:
            if end or len(row) > 1 or field[0]:
                yield row
            row = []
            if not end:
                return


@cache
def _field(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of one field and what ends it. Possessive: a quote that is never closed is tried once."""
    one = re.escape(delimiter)
    return re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)"([^{one}\n]*+)|([^{one}\n]*+))({one}|\n|\Z)')


def _evenness(text: str, delimiter: str) -> tuple[int, int]:
    """Return how many of the first rows have the usual number of fields, and that number."""
    sample = islice(records(text, delimiter), _SAMPLE_ROWS)
    counts = Counter(len(row) for row in sample if len(row) > 1)
    return max(((rows, fields) for fields, rows in counts.items()), default=(0, 0))
