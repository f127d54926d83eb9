"""The temporal representations of an entity: normalized and temporalValues (clause 4.5.7-9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mahakam.ngsild.context import Context
from mahakam.ngsild.entity import ATTRIBUTE_MEMBERS, VALUE_MEMBER
from mahakam.ngsild.represent import render
from mahakam.ngsild.temporal import Head, Moment

SERIES = {
    "Property": "values",
    "GeoProperty": "values",
    "Relationship": "objects",
    "LanguageProperty": "languageMaps",
    "VocabProperty": "vocabs",
    "JsonProperty": "jsons",
    "ListProperty": "valueLists",
    "ListRelationship": "objectLists",
}
"""Attribute type → the member that holds its values in the simplified representation (clause 4.5.9)."""

Draw = Callable[[str, Sequence[dict[str, Any]], Sequence[str]], dict[str, Any]]
"""(attribute type, its instances, their times) → what is shown of one dataset of an attribute."""


def normalized(
    head: Head, moments: Iterable[Moment], context: Context, *, timeproperty: str, sys_attrs: bool, lang: str
) -> dict[str, Any]:
    """Every attribute as a list of instances."""
    document: dict[str, Any] = {}
    for moment in moments:
        document.setdefault(moment.attribute, []).append(moment)
    out = render(dict(head), context, sys_attrs=sys_attrs)
    if "deletedAt" in head and timeproperty == "deletedAt":
        out["deletedAt"] = head["deletedAt"]
    hidden = () if sys_attrs else _hidden(timeproperty)
    for name, found in document.items():
        shown = _shown(found, context, lang)
        out[context.compact(name)] = [_without(one, hidden) for one in shown]
    return out


def _without(instance: dict[str, Any], hidden: Sequence[str]) -> dict[str, Any]:
    """An instance without some members, in its sub-attributes too."""
    if not hidden:
        return instance
    return {
        key: part if key in ATTRIBUTE_MEMBERS or type(part) is not dict else _without(part, hidden)
        for key, part in instance.items()
        if key not in hidden
    }


def _shown(moments: Sequence[Moment], context: Context, lang: str) -> list[dict[str, Any]]:
    """Instances with all their members, names compacted."""
    rendered = render({"any": [one.instance() for one in moments]}, context, sys_attrs=True, lang=lang)
    return rendered["any"]  # type: ignore[no-any-return]


def _hidden(timeproperty: str) -> tuple[str, ...]:
    return tuple(
        name for name in ("createdAt", "modifiedAt", "deletedAt", "expiresAt") if name != timeproperty
    )


def drawn(
    head: Head,
    moments: Iterable[Moment],
    context: Context,
    draw: Draw,
    *,
    timeproperty: str,
    sys_attrs: bool,
    lang: str,
) -> dict[str, Any]:
    """Every attribute as ``draw`` shows it, dataset by dataset; one dataset is no list.

    Where no period was asked for, what has no such time is among the moments too: it is shown with the time at which
    it was created, which is its place in the order of a page.
    """
    groups: dict[str, dict[tuple[str, str], list[tuple[dict[str, Any], str]]]] = {}
    for moment in moments:
        time = moment.time(timeproperty) or moment.created
        if not time:  # another node told none of its times
            continue
        shown = _shown([moment], context, lang)[0]
        kind = shown["type"]
        groups.setdefault(moment.attribute, {}).setdefault((moment.dataset, kind), []).append((shown, time))
    out = render(dict(head), context, sys_attrs=sys_attrs)
    for name, datasets in groups.items():
        several = []
        for (dataset, kind), found in datasets.items():
            one = {"type": kind, **draw(kind, [i for i, _ in found], [t for _, t in found])}
            several.append({**one, "datasetId": dataset} if dataset else one)
        out[context.compact(name)] = several[0] if len(several) == 1 else several
    return out


def series(kind: str, found: Sequence[dict[str, Any]], times: Sequence[str]) -> dict[str, Any]:
    """Clause 4.5.9: pairs of value and time."""
    member = VALUE_MEMBER[kind]
    return {
        SERIES[kind]: [[_simple(kind, one[member]), time] for one, time in zip(found, times, strict=True)]
    }


def _simple(kind: str, value: Any) -> Any:
    if kind == "ListRelationship":
        return [one["object"] for one in value]
    if kind in ("LanguageProperty", "VocabProperty", "JsonProperty"):
        return {VALUE_MEMBER[kind]: value}
    return value
