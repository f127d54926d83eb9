"""Which of its forms a path of the catalogue is asked for: a page, Turtle or JSON-LD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

Form = Literal["html", "ttl", "jsonld"]

MEDIA: Mapping[Form, str] = {
    "html": "text/html",
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
}
_FORMS: Mapping[str, Form] = {
    "text/html": "html", "application/xhtml+xml": "html", "text/turtle": "ttl", "application/x-turtle": "ttl",
    "application/ld+json": "jsonld", "application/json": "jsonld", "*/*": "html", "text/*": "html",
    "application/*": "jsonld",
}  # fmt: skip
_ENDINGS = (".ttl", ".jsonld", ".csv", ".json", ".parquet", ".xlsx")


def is_data(path: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request for this path is for the API, not for a page."""
    if path in ("/catalogue.csv", "/catalogue.json"):  # the table of the page
        return False
    return path.endswith(_ENDINGS) or preferred(_accept(headers)) != "html"


def preferred(accept: str) -> Form:
    """The form that an Accept header prefers (RFC 9110, 12.5.1); a page if it names none of them."""
    best: tuple[float, int] = (0.0, 0)
    chosen: Form = "html"
    for position, part in enumerate(accept.split(",")):
        media, *parameters = (text.strip().lower() for text in part.split(";"))
        form = _FORMS.get(media)
        weight = (_weight(parameters), -position)
        if form is not None and weight[0] > 0 and weight > best:
            best, chosen = weight, form
    return chosen


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def _accept(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name == b"accept")
