"""XMP packets: what a photo's says, what of it holds for an edited copy, and setting properties in one.

Packets come from strangers: a document type (and so any entity), deep nesting and great size are refused before a tree
is built, and a packet that cannot be read counts as none. Prefixes stay as they were, as some readers look for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.dom import minidom
from xml.parsers import expat

MAX_BYTES = 4 << 20
"""A larger packet is left behind."""

MAX_DEPTH = 64
"""A more deeply nested packet is left behind."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"/></x:xmpmeta>'
_HEAD, _TAIL = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'  # XMP part 1, 7.3.2


class Name(NamedTuple):
    """A property: its namespace, the usual prefix, its name there."""

    space: str
    prefix: str
    name: str


_ORIENTATION = Name("http://ns.adobe.com/tiff/1.0/", "tiff", "Orientation")
_UNTRUE = (
    Name("http://ns.adobe.com/xap/1.0/", "xmp", "Thumbnails"),  # of the face as it was
    Name("http://ns.adobe.com/xmp/note/", "xmpNote", "HasExtendedXMP"),  # a JPEG's further segments are not carried
)


def tidy(packet: bytes) -> bytes:
    """A photo's packet as it holds for an upright copy without the old thumbnails; b"" if it cannot be read."""
    document = _parse(packet)
    if document is None:
        return b""
    for name in _UNTRUE:
        _drop(document, name)
    for found in list(_found(document, _ORIENTATION)):
        _remove(found, _ORIENTATION)
        found.owner.setAttributeNS(_ORIENTATION.space, f"{found.prefix}:{_ORIENTATION.name}", "1")
    return _packed(document)


def put(packet: bytes, values: Mapping[Name, str]) -> bytes:
    """A packet (b"" for none) with these properties in place of those of the same name; all others stay."""
    document = _parse(packet) or _parse(_EMPTY.encode())
    assert document is not None
    rdf, others = _rdf(document), _descriptions(document)
    assert rdf is not None
    one = document.createElementNS(_RDF, "rdf:Description")
    one.setAttributeNS(_XMLNS, "xmlns:rdf", _RDF)
    one.setAttributeNS(_RDF, "rdf:about", others[0].getAttributeNS(_RDF, "about") if others else "")
    for name, text in values.items():
        _drop(document, name)
        one.setAttributeNS(_XMLNS, f"xmlns:{name.prefix}", name.space)
        child = document.createElementNS(name.space, f"{name.prefix}:{name.name}")
        child.appendChild(document.createTextNode(text))
        one.appendChild(child)
    rdf.appendChild(one)
    return _packed(document)


def get(packet: bytes, name: Name) -> str | None:
    """The value of a property, None if the packet has none of it."""
    document = _parse(packet)
    for found in _found(document, name) if document else ():
        if found.child is None:
            return str(found.owner.getAttributeNS(name.space, name.name)).strip()
        text = "".join(node.data for node in found.child.childNodes if isinstance(node, minidom.Text))
        return text.strip() or str(found.child.getAttributeNS(_RDF, "resource")).strip()
    return None


class _Found(NamedTuple):
    """A property of a rdf:Description: a child, or (None) an attribute."""

    owner: minidom.Element
    child: minidom.Element | None
    prefix: str


def _found(document: minidom.Document, name: Name) -> Iterator[_Found]:
    for owner in _descriptions(document):
        attribute = owner.getAttributeNodeNS(name.space, name.name)
        if attribute is not None:
            yield _Found(owner, None, attribute.prefix or name.prefix)
        for child in _elements(owner):
            if (child.namespaceURI, child.localName) == (name.space, name.name) and child.prefix:
                yield _Found(owner, child, child.prefix)


def _drop(document: minidom.Document, name: Name) -> None:
    for found in list(_found(document, name)):
        _remove(found, name)


def _remove(found: _Found, name: Name) -> None:
    if found.child is None:
        found.owner.removeAttributeNS(name.space, name.name)
    else:
        found.owner.removeChild(found.child)


def _parse(packet: bytes) -> minidom.Document | None:
    try:
        text = _text(packet)
        _check(text)
        document = minidom.parseString(text)
    except (ValueError, expat.ExpatError):  # UnicodeError is a ValueError
        return None
    return document if _rdf(document) is not None else None


def _text(packet: bytes) -> str:
    if len(packet) > MAX_BYTES:
        raise ValueError
    wide = packet[:2] in (b"\xff\xfe", b"\xfe\xff")
    return packet.decode("utf-16" if wide else "utf-8-sig").rstrip("\0 \r\n\t")


def _check(text: str) -> None:
    """Raise a ValueError for a document type, which entities need, and for deep nesting, which recursion fears."""
    depth = 0

    def start(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError

    def end(*_: object) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise ValueError

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, refuse
    parser.Parse(text, True)


def _rdf(document: minidom.Document) -> minidom.Element | None:
    root = document.documentElement
    candidates = [] if root is None else [root, *_elements(root)]
    return next((one for one in candidates if (one.namespaceURI, one.localName) == (_RDF, "RDF")), None)


def _descriptions(document: minidom.Document) -> list[minidom.Element]:
    rdf = _rdf(document)
    inside = [] if rdf is None else _elements(rdf)
    return [one for one in inside if (one.namespaceURI, one.localName) == (_RDF, "Description")]


def _elements(node: minidom.Element) -> list[minidom.Element]:
    return [child for child in node.childNodes if isinstance(child, minidom.Element)]


def _packed(document: minidom.Document) -> bytes:
    root = document.documentElement
    assert root is not None
    return f"{_HEAD}{root.toxml()}{_TAIL}".encode()
