"""docutils' tree of a document into an outline. Knows the nodes, neither bytes nor limits.

Comments, targets and messages are left out. A directive that docutils does not know keeps its text: its arguments
behind its name, its content read as a document of its own.
"""

import re
from collections.abc import Callable, Iterable

from docutils import nodes

from freshline.parsing.cells import Cells
from freshline.parsing.outline import Outline
from freshline.parsing.restructured_directive import Directive, read_directive
from freshline.parsing.rows import one_line

#: Directives within directives that are read; deeper ones are code.
MAX_DEPTH = 8
_LEVELS = 6
_NO_TEXT = (nodes.comment, nodes.target, nodes.raw, nodes.pending, nodes.meta, nodes.substitution_definition)
_NO_TEXT_INLINE = (*_NO_TEXT, nodes.system_message)
_VERBATIM = (nodes.literal_block, nodes.doctest_block, nodes.math_block)
_RUNS = (nodes.paragraph, nodes.caption, nodes.attribution, nodes.rubric, nodes.term, nodes.image)
_ON_ONE_LINE = (nodes.title, nodes.field, nodes.option_list_item, nodes.footnote, nodes.citation)
_LEAVES = (*_NO_TEXT, *_VERBATIM, *_RUNS, *_ON_ONE_LINE, nodes.line_block)
_ROLE = re.compile(r":[\w:.+-]+:`(.*)`", re.DOTALL)
_LABELLED = re.compile(r"(.*?)\s*<[^<>]*>", re.DOTALL)


class RestructuredWalk:
    """Writes one document to the outline; `tree` reads the content of a directive."""

    def __init__(self, outline: Outline, tree: Callable[[str], nodes.document]) -> None:
        self._outline, self._tree = outline, tree
        self._prefix = ""
        self._in_list = self._depth = 0
        self._substitutions: dict[str, nodes.substitution_definition] = {}

    def document(self, document: nodes.document, level: int = 0) -> None:
        """Write all of a document; level: of the section that it stands in."""
        self._substitutions.update(document.substitution_defs)
        self._all(document.children, level)

    def _all(self, children: Iterable[nodes.Node], level: int) -> None:
        for child in children:
            self._one(child, level)

    def _one(self, node: nodes.Node, level: int) -> None:
        match node:
            case nodes.section():
                self._all(node.children, level + 1)
            case nodes.title() if isinstance(node.parent, nodes.section):
                self._outline.heading(min(level, _LEVELS), one_line(self._inline(node)))
            case nodes.table():
                self._table(node)
            case nodes.bullet_list() | nodes.enumerated_list():
                self._list(node, level)
            case nodes.definition() | nodes.option_list() | nodes.field_list():
                self._listed(node, level)
            case nodes.system_message():
                self._message(node, level)
            case _ if not self._leaf(node):
                self._all(node.children, level)

    def _leaf(self, node: nodes.Node) -> bool:
        """Write a node that holds no blocks, or nothing to be written; say whether it was one."""
        if isinstance(node, _VERBATIM):
            self._code(node.astext())
        elif isinstance(node, nodes.line_block):
            self._block("\n".join(self._lines(node)))
        elif isinstance(node, _ON_ONE_LINE):
            self._block(self._line(node))
        elif isinstance(node, _RUNS):
            self._block(self._inline(node))
        return isinstance(node, _LEAVES) or not isinstance(node, nodes.Element)

    def _list(self, node: nodes.Element, level: int) -> None:
        number = node.get("start", 1) if isinstance(node, nodes.enumerated_list) else None
        for place, item in enumerate(node.children):
            self._prefix = "- " if number is None else f"{number + place}. "
            self._listed(item, level)
        self._prefix = ""

    def _listed(self, node: nodes.Node, level: int) -> None:
        self._in_list += 1
        self._all(node.children, level)
        self._in_list -= 1

    def _table(self, table: nodes.table) -> None:
        cells = Cells()
        for row in table.findall(nodes.row):
            cells.row(in_head=isinstance(row.parent, nodes.thead))
            for entry in row.children:
                columns, rows = entry.get("morecols", 0) + 1, entry.get("morerows", 0) + 1  # type: ignore[attr-defined]
                cells.cell(self._line(entry), columns=columns, rows=rows)
        for title in table.findall(nodes.title):
            self._block(self._line(title))
        cells.write(self._outline)

    def _message(self, message: nodes.system_message, level: int) -> None:
        """Write what stands in a directive that docutils could not read; other messages repeat what is in the text."""
        for source in message.findall(nodes.literal_block):
            directive = read_directive(source.astext())
            if directive is None:
                self._code(source.astext())
            elif directive.is_text:
                self._directive(directive, level)

    def _directive(self, directive: Directive, level: int) -> None:
        for caption in directive.captions:
            self._block(caption)
        if directive.is_code or self._depth >= MAX_DEPTH:
            self._code(directive.content)
            return
        self._block(": ".join(filter(None, (directive.name, directive.arguments))))
        self._depth += 1
        self.document(self._tree(directive.content), level)
        self._depth -= 1

    def _block(self, text: str) -> None:
        if text.strip():
            self._outline.block(self._prefix + text.strip(), "\n" if self._in_list else "\n\n")
            self._prefix = ""

    def _code(self, text: str) -> None:
        if text.strip():
            self._outline.code(self._prefix + text.strip("\n"))
            self._prefix = ""

    def _lines(self, block: nodes.Element) -> Iterable[str]:
        for child in block.children:
            if isinstance(child, nodes.line_block):
                yield from self._lines(child)
            else:
                yield one_line(self._inline(child))

    def _line(self, node: nodes.Node) -> str:
        """Return all text below a node on one line."""
        if isinstance(node, nodes.label):
            return f"[{node.astext()}]"
        if isinstance(node, nodes.TextElement):
            return one_line(self._inline(node))
        separator = ": " if isinstance(node, nodes.field) else " "
        return separator.join(filter(None, map(self._line, node.children)))

    def _inline(self, node: nodes.Node) -> str:
        match node:
            case nodes.Text():
                return node.astext()
            case nodes.image():
                return str(node.get("alt", ""))
            case nodes.problematic():
                return _without_role(node.astext())
            case nodes.substitution_reference():
                found = self._substitutions.get(node.get("refname", node.astext()))
                return found.astext() if found is not None else node.astext()
            case _ if isinstance(node, _NO_TEXT_INLINE):
                return ""
            case _:
                return "".join(map(self._inline, node.children))


def _without_role(source: str) -> str:
    """Return the text of a role that docutils does not know: ":ref:`Setup <install>`" gives "Setup"."""
    role = _ROLE.fullmatch(source)
    if role is None:
        return source
    labelled = _LABELLED.fullmatch(role[1])
    return labelled[1] if labelled and labelled[1] else role[1].lstrip("~!")
