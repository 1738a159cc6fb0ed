"""text/x-rst: reStructuredText by docutils, without Sphinx and without what reads files.

Here are the rules for a document; which node becomes what is known to restructured_walk. Inclusion of files and raw
markup are off, no settings file is read, and nothing is reported. A document over the limits below, or one that
docutils fails on, is taken as plain text, whole.
"""

from docutils import nodes
from docutils.frontend import get_default_settings
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
#: Characters of a line: some runs of markup cost a time that grows with the square of their length.
MAX_LINE = 10_000

_NEVER = 5  # docutils' levels of messages end at 4


def parse_restructured(content: bytes) -> ParsedDocument:
    """Return text, title and sections with heading paths. Raises Rejected."""
    source = decode(content)
    if source.count("\n") > MAX_LINES or max(map(len, source.split("\n"))) > MAX_LINE:
        return plain_document(source)
    try:
        document = _read(source)
    except Rejected:
        raise
    except Exception:  # noqa: BLE001 (docutils raises what it likes, RecursionError too; the text can still be read)
        return plain_document(source)
    refuse_empty(document.text)
    return document


def _read(source: str) -> ParsedDocument:
    outline = Outline()
    RestructuredWalk(outline, _tree).document(_tree(source))
    return outline.finish(None)


def _tree(source: str) -> nodes.document:
    """Return the tree of a document; roles that it defines are forgotten with it."""
    settings = get_default_settings(Parser)
    for name, value in {
        "file_insertion_enabled": False,
        "raw_enabled": False,
        "report_level": _NEVER,
        "halt_level": _NEVER,
        "warning_stream": "",
        "line_length_limit": MAX_LINE,
        "syntax_highlight": "none",
    }.items():
        setattr(settings, name, value)
    document = new_document("", settings)
    registry: dict[str, object] = vars(roles)["_roles"]  # there is no public way to forget a role
    known = dict(registry)
    try:
        Parser().parse(source, document)
    finally:
        registry.clear()
        registry.update(known)
    return document
