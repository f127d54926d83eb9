"""The representations of a document: normalized, concise, simplified, GeoJSON (clause 4.5.2-4, 4.5.16)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

import orjson

from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.entity import ATTRIBUTE_MEMBERS, SYSTEM, VALUE_MEMBER, Document
from mahakam.ngsild.geometry import is_geometry

Form = Literal["normalized", "concise", "simplified"]

_ENTITY = frozenset(("id", "type", "scope"))
_TIMES = SYSTEM - {"expiresAt"}
"""The broker keeps ``expiresAt`` beside the entity (``broker.transient``)."""
_NAMES = frozenset(("vocab", "objectType", "valueType", "entityTypeSealed"))
"""Members of an attribute whose values are words of the context."""
_PLAIN = frozenset((str, int, float, bool))


def body(document: Document) -> bytes:
    """The bytes that a read without options answers: normalized, core context, no system attributes."""
    return orjson.dumps(without_system(document) if _has_system(document) else document)


def _has_system(document: Document) -> bool:
    """Whether there may be a system attribute to leave out; a document new from a parser has none."""
    if not _TIMES.isdisjoint(document):
        return True
    for value in document.values():
        kind = type(value)
        if kind is dict:
            if "createdAt" in value or "modifiedAt" in value or "deletedAt" in value:
                return True
        elif kind is list:
            return True
    return False


def without_system(document: Document) -> dict[str, Any]:
    """The document without createdAt and modifiedAt, its own and its attributes'."""
    out: dict[str, Any] = {}
    for name, value in document.items():
        if name in _TIMES:
            continue
        if type(value) is dict:
            value = _timeless(value)
        elif type(value) is list and name not in _ENTITY:
            value = [_timeless(one) for one in value]
        out[name] = value
    return out


def _timeless(instance: dict[str, Any]) -> dict[str, Any]:
    """An attribute instance without system times: copied as a whole, which is faster than member by member."""
    if "createdAt" in instance or "modifiedAt" in instance or "deletedAt" in instance:
        instance = instance.copy()
        instance.pop("createdAt", None)
        instance.pop("modifiedAt", None)
        instance.pop("deletedAt", None)
    return instance


def render(
    document: Document,
    context: Context = CORE,
    *,
    form: Form = "normalized",
    sys_attrs: bool = False,
    attrs: Collection[str] = (),
    pick: Collection[str] = (),
    omit: Collection[str] = (),
    lang: str = "",
    datasets: Collection[str] = (),
) -> dict[str, Any]:
    """An entity as a request wants it; names in ``attrs``, ``pick`` and ``omit`` are canonical.

    ``attrs`` keeps id, type and scope besides; ``pick`` keeps just what it names (clause 4.21).
    ``lang`` is an RFC 4647 preference (``id,en;q=0.5``): language maps become plain texts (clause 4.15).
    ``datasets`` keeps just the instances with these datasetIds ("@none": the ones without).
    """
    out: dict[str, Any] = {}
    shape = _Shape(context, form, sys_attrs, lang)
    for name, value in document.items():
        if pick and name not in pick:
            continue
        if name in omit:
            continue
        if name == "id" or name == "scope":
            out[name] = value
        elif name == "type":
            out[name] = (
                context.compact(value)
                if isinstance(value, str)
                else [context.compact(part) for part in value]
            )
        elif name in SYSTEM:
            if sys_attrs:
                out[name] = value
        elif not attrs or name in attrs:
            if datasets:
                value = of_datasets(value, datasets)
                if value is None:
                    continue
            out[context.compact(name)] = shape.attribute(value)
    return out


def feature(
    document: Document,
    rendered: dict[str, Any],
    geometry_property: str = "location",
    dataset_id: str | None = None,
) -> dict[str, Any]:
    """A GeoJSON Feature of a rendered entity (clause 4.5.16.2); ``geometry_property`` is a canonical name."""
    found = document.get(geometry_property)
    if found is not None:
        found = of_dataset(found, dataset_id or "@none") if isinstance(found, list) or dataset_id else found
    value = found.get("value") if isinstance(found, dict) else None
    properties = {name: part for name, part in rendered.items() if name != "id"}
    return {
        "id": document["id"],
        "type": "Feature",
        "geometry": value if is_geometry(value) else None,
        "properties": properties,
    }


def collection(features: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection (clause 4.5.16.3)."""
    return {"type": "FeatureCollection", "features": list(features)}


def of_dataset(attribute: Any, dataset_id: str) -> Any:
    """The instance of an attribute with this datasetId ("@none": the default instance), or None."""
    wanted = None if dataset_id == "@none" else dataset_id
    for instance in attribute if isinstance(attribute, list) else [attribute]:
        if instance.get("datasetId") == wanted:
            return instance
    return None


def of_datasets(attribute: Any, datasets: Collection[str]) -> Any:
    """What is left of an attribute that keeps the instances with these datasetIds; None if nothing is."""
    kept = [
        instance
        for instance in (attribute if isinstance(attribute, list) else [attribute])
        if instance.get("datasetId", "@none") in datasets
    ]
    return kept[0] if len(kept) == 1 else kept or None


class _Shape:
    """How the attributes of one answer are written."""

    __slots__ = ("context", "form", "lang", "sys_attrs")

    def __init__(self, context: Context, form: Form, sys_attrs: bool, lang: str) -> None:
        self.context = context
        self.form = form
        self.sys_attrs = sys_attrs
        self.lang = preferences(lang)

    def attribute(self, value: Any) -> Any:
        if self.form == "simplified":
            if isinstance(value, list):
                return {
                    "dataset": {one.get("datasetId", "@none"): self.simplified(one) for one in value},
                }
            return self.simplified(value)
        if isinstance(value, list):
            return [self.instance(one, short=False) for one in value]
        return self.instance(value)

    def instance(self, instance: dict[str, Any], *, short: bool = True) -> Any:
        """``short``: the concise form may be the plain value (not in a list: that reads as one value)."""
        kind = instance["type"]
        if kind == "LanguageProperty" and self.lang:
            instance = in_language(instance, self.lang)
            kind = "Property"
        concise = self.form == "concise"
        compact = self.context.compact
        out: dict[str, Any] = {}
        for key, part in instance.items():
            if key in ATTRIBUTE_MEMBERS:
                if key in SYSTEM:
                    if self.sys_attrs:
                        out[key] = part
                elif key == "type":
                    if not concise:
                        out[key] = part
                elif key in _NAMES:
                    out[key] = compact(part) if isinstance(part, str) else [compact(word) for word in part]
                else:
                    out[key] = part
            elif isinstance(part, list):
                out[compact(key)] = [self.instance(one, short=False) for one in part]
            else:
                out[compact(key)] = self.instance(part)
        if concise and short and len(out) == 1 and "value" in out:
            value = out["value"]
            if type(value) in _PLAIN or (kind == "GeoProperty" and is_geometry(value)):
                return value
            if type(value) is list and not any(isinstance(part, dict) for part in value):
                return value
        return out

    def simplified(self, instance: dict[str, Any]) -> Any:
        kind = instance["type"]
        if kind == "LanguageProperty":
            if self.lang:
                return in_language(instance, self.lang)["value"]
            return {"languageMap": instance["languageMap"]}
        if kind == "VocabProperty":
            word = instance["vocab"]
            compact = self.context.compact
            return {"vocab": compact(word) if isinstance(word, str) else [compact(one) for one in word]}
        if kind == "JsonProperty":
            return {"json": instance["json"]}
        if kind == "ListRelationship":
            return [one["object"] for one in instance["objectList"]]
        return instance[VALUE_MEMBER[kind]]


def preferences(lang: str) -> list[str]:
    """The language tags of an RFC 4647 preference list, the most wanted first."""
    if not lang:
        return []
    weighted: list[tuple[float, int, str]] = []
    for index, part in enumerate(lang.split(",")):
        tag, _, parameter = part.strip().partition(";")
        weight = 1.0
        if parameter.strip().startswith("q="):
            try:
                weight = float(parameter.strip()[2:])
            except ValueError:
                weight = 0.0
        if tag.strip():
            weighted.append((-weight, index, tag.strip()))
    return [tag for _, _, tag in sorted(weighted)]


def in_language(instance: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """A LanguageProperty as a Property in the best language that it has (clause 4.15)."""
    texts = instance["languageMap"]
    chosen = _best(list(texts), wanted)
    out: dict[str, Any] = {"type": "Property", "value": texts[chosen], "lang": chosen}
    out.update({key: part for key, part in instance.items() if key not in ("type", "languageMap")})
    return out


def _best(available: list[str], wanted: list[str]) -> str:
    lower = {tag.lower(): tag for tag in available}
    for want in wanted:
        tag = want.lower()
        if tag == "*":
            break
        while tag:
            if tag in lower:
                return lower[tag]
            tag = tag.rpartition("-")[0]
        longer = next((found for key, found in lower.items() if key.startswith(want.lower() + "-")), None)
        if longer is not None:
            return longer
    return lower.get("@none") or lower.get("en") or available[0]
