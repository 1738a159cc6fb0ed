"""text/x-rst: reStructuredText by docutils, without Sphinx and without what reads files.

Here are the rules for a document; which node becomes what is known to restructured_walk. Inclusion of files and raw
markup are off, no settings file is read, and nothing is reported. A document over the limits below, or one that
docutils fails on, is taken as plain text, whole.
"""

import functools
import re

from docutils import nodes
from docutils.frontend import Values, get_default_settings
from docutils.parsers.rst import Parser, roles
from docutils.utils import new_document

from freshline.parsing.outline import Outline
from freshline.parsing.plain import plain_document
from freshline.parsing.port import ParsedDocument
from freshline.parsing.restructured_walk import RestructuredWalk
from freshline.parsing.text import decode, refuse_empty
from schemas.reject import Rejected

#: docutils costs about .2 ms a line.
MAX_LINES = 20_000
#: Characters of a line.
MAX_LINE = 10_000
#: Sum over the paragraphs of (marks that may begin inline markup) times (characters): docutils looks from each mark to
#: the end of its paragraph, at up to 34 ns a character: about 3 s in all.
MAX_WORK = 100_000_000
_MARK = re.compile(r"[*`|](?=[^\s*`|])|_(?!\w)")
_BLANK_LINES = re.compile(r"\n[ \t]*\n")

_NEVER = 5  # docutils' levels of messages end at 4
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": _NEVER,
    "halt_level": _NEVER,
    "warning_stream": "",
    "line_length_limit": MAX_LINE,
    "syntax_highlight": "none",
}


def parse_restructured(content: bytes) -> ParsedDocument:
    """Return text, title and sections with heading paths. Raises Rejected."""
    source = decode(content)
    if _is_over_limits(source):
        return plain_document(source)
    try:
        document = _read(source)
    except Rejected:
        raise
    except Exception:  # noqa: BLE001 (docutils raises what it likes, RecursionError too; the text can still be read)
        return plain_document(source)
    refuse_empty(document.text)
    return document


def _is_over_limits(source: str) -> bool:
    lines = source.split("\n")
    if len(lines) > MAX_LINES or max(map(len, lines)) > MAX_LINE:
        return True
    work = (len(_MARK.findall(paragraph)) * len(paragraph) for paragraph in _BLANK_LINES.split(source))
    return sum(work) > MAX_WORK


def _read(source: str) -> ParsedDocument:
    outline = Outline()
    tree = functools.partial(_tree, settings=_settings())
    registry: dict[str, object] = vars(roles)["_roles"]  # there is no public way to forget a role
    known = dict(registry)
    try:
        RestructuredWalk(outline, tree).document(tree(source))
    finally:
        registry.clear()
        registry.update(known)
    return outline.finish(None)


def _tree(source: str, settings: Values) -> nodes.document:
    document = new_document("", settings)
    Parser().parse(source, document)
    return document


def _settings() -> Values:
    settings = get_default_settings(Parser)
    for name, value in _SETTINGS.items():
        setattr(settings, name, value)
    return settings
