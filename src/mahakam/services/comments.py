"""What people say about a request in public; an agency may take a comment off the page."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mahakam.broker.broker import Broker
from mahakam.ngsild import patch
from mahakam.ngsild.entity import Document
from mahakam.ngsild.selection import Compare, Path, Selection, Types
from mahakam.services.request import Refused, clean, entity_id, utc_text, words_faults

TYPE = "ServiceRequestComment"
MOST = 500
"""Comments that a page shows."""
_PREFIX = f"urn:ngsi-ld:{TYPE}:"

By = Literal["resident", "public", "agency"]
"""Who reported it, somebody else, the agency."""


@dataclass(frozen=True, slots=True)
class Comment:
    """``name``: the last part of the entity's id; ``at``: ISO 8601 UTC."""

    name: str
    at: str
    by: By
    text: str


def add(
    broker: Broker, number: str, scope: str, by: By, text: str, now: dt.datetime | None = None
) -> Comment:
    """Say something about a request. Raises Refused for an empty or endless text."""
    text = clean(text)
    if found := words_faults("comment", text, 3):
        raise Refused(found)
    made = Comment(f"{number}-{secrets.token_hex(8)}", utc_text(now or dt.datetime.now(dt.UTC)), by, text)
    values = {"text": made.text, "by": by, "dateCreated": made.at, "status": "shown"}
    document: dict[str, Any] = {
        "id": _PREFIX + made.name,
        "type": TYPE,
        "scope": [scope],
        "refServiceRequest": {"type": "Relationship", "object": entity_id(number)},
    }
    document |= {name: {"type": "Property", "value": value} for name, value in values.items()}
    broker.create(document, author=by)
    return made


def of(broker: Broker, number: str) -> list[Comment]:
    """The comments on a request that are shown, the oldest first."""
    selection = Selection(
        types=Types(((TYPE,),)),
        condition=Compare(Path("refServiceRequest"), "==", (entity_id(number),)),
    )
    found = [_comment(document) for document in broker.query(selection, MOST)]
    return [comment for comment in found if comment is not None]


def hide(broker: Broker, number: str, name: str, author: str) -> bool:
    """Take a comment off the request's page. False if the request has no such comment."""
    document = broker.get(_PREFIX + name)
    if document is None or _value(document, "refServiceRequest", "object") != entity_id(number):
        return False

    def change(document: Document, at: str) -> patch.Change:
        return patch.merge(document, {"status": {"type": "Property", "value": "hidden"}}, at)

    broker.change(_PREFIX + name, change, author=author)
    return True


def _comment(document: Mapping[str, Any]) -> Comment | None:
    if _value(document, "status") == "hidden":
        return None
    by = _value(document, "by")
    return Comment(
        str(document["id"]).removeprefix(_PREFIX),
        str(_value(document, "dateCreated") or ""),
        by if by in ("resident", "agency") else "public",
        str(_value(document, "text") or ""),
    )


def _value(document: Mapping[str, Any], name: str, member: str = "value") -> Any:
    attribute = document.get(name)
    return attribute.get(member) if isinstance(attribute, Mapping) else None
