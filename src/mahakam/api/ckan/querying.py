"""``package_search``: the part of Solr's language that harvesters use (``q``, ``fq``, facets, sort) over entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mahakam.api.ckan.asked import Asked
from mahakam.api.ckan.errors import ActionError
from mahakam.api.ckan.packages import (
    FORMATS,
    group,
    licence_id,
    organization,
    package,
    package_id,
    slug,
    tags,
)
from mahakam.feeds.catalogue.entry import Entry
from mahakam.feeds.catalogue.search import search

MOST = 1000
"""Packages in one answer, as in CKAN."""
_LONGEST = 2000
_TERM = re.compile(r"""([+-]?)(\w+):(?:"([^"]*)"|\(([^()]*)\)|(\S+))""")
_JOINT = re.compile(r"\b(?:AND|OR|NOT)\b|[()\"+]")

FIELDS: Mapping[str, Callable[[Entry], Sequence[str]]] = {
    "name": lambda one: [one.name],
    "id": lambda one: [package_id(one)],
    "organization": lambda one: [slug(one.producer)],
    "owner_org": lambda one: [organization([one])["id"]],
    "groups": lambda one: [slug(one.feed.theme)] if one.feed.theme else [],
    "tags": tags,
    "license_id": lambda one: [licence_id(one)],
    "res_format": lambda one: list(FORMATS.values()) if one.rows is not None else [],
    "place": lambda one: [one.place.id],
    "extras_place": lambda one: [one.place.id],
    "title": lambda one: list(one.feed.title.values()),
    "notes": lambda one: list(one.description.values()),
    "author": lambda one: [one.producer],
    "dataset_type": lambda _one: ["dataset"],
    "type": lambda _one: ["dataset"],
    "state": lambda _one: ["active"],
    "capacity": lambda _one: ["public"],
    "private": lambda _one: ["false"],
}
"""What ``fq`` and ``q`` may name."""
_WORDED = ("title", "notes", "author")
_SORTS: Mapping[str, Callable[[Entry], Any]] = {
    "name": lambda one: one.name,
    "title_string": lambda one: next(iter(one.feed.title.values())).lower(),
    "metadata_modified": lambda one: one.modified,
    "metadata_created": lambda one: one.modified,
}


def package_search(found: Sequence[Entry], asked: Asked) -> dict[str, Any]:
    """The answer of ``package_search``. Raises ActionError for what cannot be read."""
    chosen = list(found)
    for text in (asked.text("fq"), *asked.listed("fq_list")):
        rest = _narrow(chosen, text)
        if rest:
            raise _unreadable("fq", text)
    query = asked.text("q", "*:*")
    words = _narrow(chosen, "" if query.strip() in ("*:*", "*") else query)
    chosen = search(chosen, words)
    order = asked.text("sort") or "score desc, metadata_modified desc"
    _sort(chosen, order)
    start = asked.number("start", 0, 10**9)
    rows = asked.number("rows", 10, MOST)
    facets = _facets(chosen, asked.listed("facet.field"), asked.number("facet.limit", 50, 1000))
    return {
        "count": len(chosen),
        "sort": order,
        "facets": {name: dict(values) for name, values in facets.items()},
        "search_facets": {
            name: {"title": name, "items": [_item(name, value, n, chosen) for value, n in values]}
            for name, values in facets.items()
        },
        "results": [package(one, asked.root) for one in chosen[start : start + rows]],
    }


def _unreadable(name: str, text: str) -> ActionError:
    message = (
        f"{name}: {text[:200]!r} is not understood; write field:value, the fields are {', '.join(FIELDS)}"
    )
    return ActionError("Search Query Error", message=message)


def _narrow(chosen: list[Entry], text: str) -> str:
    """Leave only what the terms ``field:value`` of a text select; what remains of it are words."""
    if len(text) > _LONGEST:
        raise _unreadable("query", text)
    for sign, name, *values in _TERM.findall(text):
        value = next((value for value in values if value), "")
        if name not in FIELDS:
            raise _unreadable("query", f"{name}:{value}")
        options = [part.strip('"') for part in re.split(r"\s+OR\s+|\s+", value)] if values[1] else [value]
        chosen[:] = [one for one in chosen if _has(one, name, options) is not (sign == "-")]
    return " ".join(_JOINT.sub(" ", _TERM.sub(" ", text)).split())


def _has(one: Entry, name: str, options: Sequence[str]) -> bool:
    held = [text.lower() for text in FIELDS[name](one)]
    for option in options:
        wanted = option.lower()
        if wanted in ("*", "[* to *]"):
            return bool(held)
        if wanted.endswith("*") and any(text.startswith(wanted[:-1]) for text in held):
            return True
        if wanted in held or (name in _WORDED and any(wanted in text for text in held)):
            return True
    return False


def _sort(chosen: list[Entry], order: str) -> None:
    """In place; ``score`` is the order that they have."""
    for part in reversed(order.split(",")):
        name, _, direction = part.strip().partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc") or name not in (*_SORTS, "score"):
            known = ", ".join(("score", *_SORTS))
            raise ActionError("Search Query Error", message=f"sort: {part.strip()!r}; the fields are {known}")
    first, _, direction = order.split(",")[0].strip().partition(" ")
    if first in _SORTS:
        chosen.sort(key=_SORTS[first], reverse=direction.strip().lower() == "desc")


def _facets(chosen: Sequence[Entry], names: Sequence[str], limit: int) -> dict[str, list[tuple[str, int]]]:
    made = {}
    for name in names:
        if name not in FIELDS:
            raise _unreadable("facet.field", name)
        counted = Counter(value for one in chosen for value in FIELDS[name](one))
        made[name] = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[: limit or None]
    return made


def _item(name: str, value: str, n: int, chosen: Sequence[Entry]) -> dict[str, Any]:
    shown = value
    if name == "organization":
        shown = next(one.producer for one in chosen if slug(one.producer) == value)
    elif name == "groups":
        shown = next(group([one])["title"] for one in chosen if slug(one.feed.theme) == value)
    return {"name": value, "display_name": shown, "count": n}
