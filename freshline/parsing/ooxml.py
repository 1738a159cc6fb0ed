"""What the three formats of Office Open XML share: a package of parts that name each other, and safe XML.

Elements and attributes are known by their local names, so the strict and the transitional form (ISO 29500) read
alike. Parts with a document type declaration are refused, as the standard demands: no entities, no outside files.
Source: ECMA-376, part 2 (packaging). Knows no format.
"""

import io
import posixpath
from collections.abc import Iterator
from typing import Any, cast

from freshline.parsing.container import Container
from freshline.parsing.signatures import binary_type
from schemas.reject import Rejected

#: An lxml element; the library has no type information.
Element = Any

_SAFE = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,  # 256 levels, 10 MB a text
    "remove_comments": True,
    "remove_pis": True,
}


class Package:
    """The parts of one file and where they lead."""

    def __init__(self, content: bytes, media_type: str) -> None:
        """Open a file of this media type. Raises Rejected: unsupported_type, encrypted, too_large, unparseable."""
        found = binary_type(content)
        if found != media_type:
            raise Rejected("unsupported_type", f"the bytes are {found or 'text'}, expected {media_type}")
        self._container = Container(content)
        self._links: dict[str, dict[str, tuple[str, str]]] = {}

    def main(self) -> str:
        """Return the name of the part where the document begins. Raises Rejected(unparseable)."""
        return require(self.related("", "officeDocument"), "no main part")

    def title(self) -> str | None:
        """Return the title among the document's properties."""
        name = self.related("", "core-properties") or self.related("", "coreProperties")
        root = self.xml(name) if name else None
        found = None if root is None else root.find("{*}title")
        return (" ".join((found.text or "").split()) or None) if found is not None else None

    def related(self, part: str, kind: str) -> str | None:
        """Return the first part to which `part` ("" = the package) has a relationship of this kind."""
        return next((name for kind_, name in self._links_of(part).values() if kind_ == kind), None)

    def target(self, part: str, relationship: str | None, *, kind: str | None = None) -> str | None:
        """Return the part that `part` knows by this relationship id; None where it is missing or of another kind."""
        found, name = self._links_of(part).get(relationship or "", (None, None))
        return name if kind in {None, found} else None

    def xml(self, part: str) -> Element | None:
        """Return the root element of a part, None where there is none. Raises Rejected."""
        content = self.raw(part)
        return None if content is None else _root(content)

    def raw(self, part: str) -> bytes | None:
        """Return the XML of a part as bytes, None where there is none. Raises Rejected."""
        content = self._container.read(part)
        if content is not None and b"<!DOCTYPE" in content.replace(b"\0", b""):  # UTF-16 is allowed
            raise Rejected("unparseable", "a part has a document type declaration")
        return content

    def _links_of(self, part: str) -> dict[str, tuple[str, str]]:
        if part not in self._links:
            folder, name = posixpath.split(part)
            root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
            self._links[part] = {} if root is None else dict(_links(root, folder))
        return self._links[part]


def local(element: Element) -> str:
    """Return the name without its namespace."""
    return cast("str", element.tag).rpartition("}")[2]


def value(element: Element | None, name: str = "val") -> str | None:
    """Return the attribute of this local name; None where it, or the element, is missing."""
    if element is None:
        return None
    ending = "}" + name
    return next((v for key, v in element.attrib.items() if key == name or key.endswith(ending)), None)


def relationship_id(element: Element, name: str = "id") -> str | None:
    """Return the attribute that names a relationship: the one in a namespace, where `id` alone is another thing."""
    return next((v for key, v in element.attrib.items() if key.endswith("}" + name)), None)


def each(content: bytes, name: str) -> Iterator[Element]:
    """Yield the elements of this local name one after another, forgetting those before. Raises Rejected."""
    from lxml import etree  # noqa: PLC0415 - heavy, and only where there is such a file

    try:
        for _, element in etree.iterparse(io.BytesIO(content), tag="{*}" + name, **_SAFE):
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise _malformed(error) from error


def require(part: str | None, otherwise: str) -> str:
    """Return the part's name. Raises Rejected(unparseable) where there is none."""
    if part is None:
        raise Rejected("unparseable", otherwise)
    return part


def _root(content: bytes) -> Element:
    from lxml import etree  # noqa: PLC0415 - heavy, and only where there is such a file

    try:
        return etree.fromstring(content, etree.XMLParser(**_SAFE))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _malformed(error) from error


def _malformed(error: Exception) -> Rejected:
    return Rejected("unparseable", f"a part is no well-formed XML: {type(error).__name__}")


def _links(root: Element, folder: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for link in root:
        if link.get("TargetMode") != "External":
            kind = link.get("Type", "").rpartition("/")[2]
            target = posixpath.normpath(posixpath.join("/", folder, link.get("Target", "")))
            yield link.get("Id", ""), (kind, target.lstrip("/"))
