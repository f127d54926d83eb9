"""One answer in XML and in JSON: GeoReport's JSON is its XML by the Spark convention, lists without their wrapper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson
from starlette.requests import Request
from starlette.responses import Response

Row = Mapping[str, Any]
"""Element name → text, number, boolean, None for an empty one, a Row, or a :class:`Listed`."""
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OPEN = {"Access-Control-Allow-Origin": "*"}


class Listed:
    """A list inside of a row: in XML each item is an element of this name, in JSON it is an array."""

    __slots__ = ("item", "rows")

    def __init__(self, item: str, rows: Sequence[Row | str]) -> None:
        self.item = item
        self.rows = rows


def format_of(request: Request) -> str:
    """``json`` or ``xml``, from the path's ending. Raises Refusal 404 for another."""
    from mahakam.api.open311.errors import Refusal

    format = str(request.path_params["format"])
    if format not in ("json", "xml"):
        raise Refusal(404, f"there is no format {format[:20]!r}; end the path with .json or .xml")
    return format


def answer(
    format: str,
    root: str,
    item: str,
    content: Sequence[Row] | Row,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Rows under a root element, or one row that is the root element."""
    if isinstance(content, Mapping):
        return _response(format, written(format, root, content), status, headers)
    return joined(format, root, [written(format, item, row) for row in content], status, headers)


def written(format: str, item: str, row: Row) -> bytes:
    """One row: an object in JSON, an element of this name in XML."""
    if format == "json":
        return orjson.dumps(_plain(row))
    element = Element(item)
    _fill(element, row)
    return tostring(element, encoding="unicode").encode()


def joined(
    format: str, root: str, rows: Sequence[bytes], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Rows that are :func:`written`, as one answer."""
    if format == "json":
        return _response(format, b"[" + b",".join(rows) + b"]", status, headers)
    name = root.encode()
    return _response(format, b"<%b>%b</%b>" % (name, b"".join(rows), name), status, headers)


def _response(format: str, body: bytes, status: int, headers: Mapping[str, str] | None) -> Response:
    if format == "xml":
        body = b'<?xml version="1.0" encoding="utf-8"?>\n' + body
    kind = "application/json; charset=utf-8" if format == "json" else "text/xml; charset=utf-8"
    return Response(body, status, {**_OPEN, **(headers or {})}, kind)


def _plain(row: Row | str) -> Any:
    if isinstance(row, str):
        return row
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, Listed):
        return [_plain(row) for row in value.rows]
    if isinstance(value, Mapping):
        return _plain(value)
    return None if value == "" else value


def _fill(element: Element, row: Row | str) -> None:
    if isinstance(row, str):
        element.text = _legal(row)
        return
    for name, value in row.items():
        child = SubElement(element, name)
        if isinstance(value, Listed):
            for one in value.rows:
                _fill(SubElement(child, value.item), one)
        elif isinstance(value, Mapping):
            _fill(child, value)
        elif value is not None:
            child.text = _legal(str(value).lower() if isinstance(value, bool) else str(value))


def _legal(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)
