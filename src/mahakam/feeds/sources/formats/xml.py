"""XML: an element that repeats is a record; its attributes and children are its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, ParseError

from mahakam.feeds.sources import records
from mahakam.feeds.sources.files import Local
from mahakam.feeds.sources.formats import Format
from mahakam.feeds.sources.model import MAX_JSON, Pins, SourceError, SourceInfo, Table

if TYPE_CHECKING:
    import duckdb


def read(found: Local, connection: duckdb.DuckDBPyConnection, pins: Pins) -> Table:
    """The records as a table; ``_line`` counts them from 1. ``records`` pins their place: ``response.row``.

    Names are without namespaces; a child of a child is ``a.b``; a child that comes again makes a list, as JSON.
    Raises SourceError for invalid XML, entities that a document defines itself (bombs), and a place that is not there.
    """
    root = parsed(found)
    info = SourceInfo(found.name, found.sha256, found.bytes, "xml", entry=found.entry)
    items, where = _at(found, root, pins.records) if pins.records else _repeated(root)
    if not pins.records:
        info.notes.append(f"records read from {where!r}; pin records for another element")
    return records.table(found, connection, info, _records(items), geometry=False)


def parsed(found: Local) -> Element:
    """The document's root. Raises SourceError for what is no XML, and for entities that it defines itself."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import parse

    if found.path.stat().st_size > MAX_JSON:
        raise SourceError(found.name, f"is larger than {MAX_JSON >> 20} MB; write it as JSON lines or CSV")
    try:
        root = parse(found.path).getroot()
    except ParseError as error:
        line, column = error.position
        at = f"line {line}, column {column + 1}"
        raise SourceError(found.name, f"is not well-formed XML: {error.msg}", where=at) from error
    except DefusedXmlException as error:
        raise SourceError(
            found.name, "defines entities of its own, which may unpack without end; write it without a DTD"
        ) from error
    except (LookupError, ValueError) as error:
        raise SourceError(found.name, f"is not in the encoding that it names: {error}") from error
    assert isinstance(root, Element)
    return root


def _name(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _at(found: Local, root: Element, path: str) -> tuple[list[Element], str]:
    steps = path.split(".")
    if steps[0] == _name(root.tag):
        steps = steps[1:]
    place = [root]
    for step in steps:
        inside = [child for each in place for child in each if _name(child.tag) == step]
        if not inside:
            have = ", ".join(dict.fromkeys(_name(child.tag) for each in place for child in each)) or "nothing"
            raise SourceError(found.name, f"has no {step!r} on the way {path!r}; there is: {have}")
        place = inside
    return place, path


def _repeated(root: Element) -> tuple[list[Element], str]:
    """The children of one name that are the most, at the first depth where one comes twice; else the root itself."""
    level: list[tuple[Element, str]] = [(root, _name(root.tag))]
    while level:
        counts = Counter((path, _name(child.tag)) for each, path in level for child in each)
        several = [(count, key) for key, count in counts.items() if count > 1]
        if several:
            _, (path, name) = max(several, key=lambda item: item[0])
            parents = [each for each, at in level if at == path]
            return [c for p in parents for c in p if _name(c.tag) == name], f"{path}.{name}"
        level = [(child, f"{path}.{_name(child.tag)}") for each, path in level for child in each]
    return [root], _name(root.tag)


def _records(items: list[Element]) -> Iterator[records.Record]:
    for number, item in enumerate(items, 1):
        members: dict[str, Any] = {}
        _flatten(item, "", members, 0)
        yield number, members, None


def _flatten(element: Element, prefix: str, into: dict[str, Any], depth: int) -> None:
    for key, value in element.attrib.items():
        _put(into, prefix + _name(key), value)
    text = (element.text or "").strip()
    if not len(element):
        if text or not element.attrib:
            _put(into, prefix.removesuffix(".") or "text", text or None)
        return
    for child in element:
        if depth < 50:
            _flatten(child, f"{prefix}{_name(child.tag)}.", into, depth + 1)


def _put(into: dict[str, Any], name: str, value: str | None) -> None:
    if name in into:
        before = into[name]
        into[name] = [*before, value] if isinstance(before, list) else [before, value]
    else:
        into[name] = value


FORMAT = Format(read, "XML", ("an XML document",), (".xml",))
