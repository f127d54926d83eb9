"""What a write does to a stored document, as pure functions (clause 5.5.8, 5.5.12, 5.6.2-5, 5.6.17-19).

Every function leaves its arguments as they are, keeps createdAt, sets modifiedAt of what changed to ``now``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from mahakam.ngsild.core import NULL
from mahakam.ngsild.entity import (
    ATTRIBUTE_MEMBERS,
    ENTITY_MEMBERS,
    VALUE_MEMBER,
    Document,
    Fragment,
    check_attribute,
    instances,
    is_null,
)
from mahakam.ngsild.geometry import is_geometry
from mahakam.ngsild.problem import bad_request, not_found

_VALUES = frozenset(VALUE_MEMBER.values())


@dataclass(slots=True)
class Change:
    """The document after the write; ``changed``: canonical names of the attributes (type, scope) it touched.

    ``not_updated``: canonical name → why it was left as it was (clause 5.2.18).
    """

    document: Document
    changed: set[str] = field(default_factory=set)
    not_updated: dict[str, str] = field(default_factory=dict)


def replace_entity(document: Document, new: Document, now: str) -> Change:
    """Clause 5.6.18: the entity as ``new`` (a parsed entity) has it; what did not change keeps its times."""
    result: Document = {}
    result.update((name, value) for name, value in new.items() if name in ENTITY_MEMBERS)
    result["id"] = document["id"]
    result["createdAt"] = document["createdAt"]
    result["modifiedAt"] = now
    for name in new:
        if name in ENTITY_MEMBERS:
            continue
        old = list(instances(document[name])) if name in document else []
        _set(result, name, [_kept(one, old, now) for one in instances(new[name])])
    names = _attributes(document) | _attributes(new) | {"type", "scope", "expiresAt"}
    return Change(result, {name for name in names if document.get(name) != result.get(name)})


def _kept(new: dict[str, Any], stored: list[dict[str, Any]], now: str) -> dict[str, Any]:
    at = _find(stored, new.get("datasetId"))
    if at is None:
        return {**new, "createdAt": now, "modifiedAt": now}
    old = stored[at]
    times: dict[str, Any] = {name: old[name] for name in ("createdAt", "modifiedAt") if name in old}
    same: dict[str, Any] = {**new, **times}
    return old if same == old else {**new, "createdAt": old.get("createdAt", now), "modifiedAt": now}


def merge(
    document: Document, fragment: Fragment, now: str, *, observed_at: str = "", lang: str = ""
) -> Change:
    """Clause 5.6.17, 5.5.12: merge to any depth; an NGSI-LD Null removes.

    ``observed_at`` dates every changed attribute that is dated already and whose fragment says no time;
    ``lang``: plain texts of the fragment change this language of a LanguageProperty.
    """
    change = Change(dict(document))
    result = change.document
    _merge_members(change, fragment)
    for name, value in fragment.items():
        if name in ENTITY_MEMBERS:
            continue
        if not isinstance(value, list) and is_null(value) and "datasetId" not in value:
            _drop_default(change, name)
            continue
        stored = list(instances(result[name])) if name in result else []
        before = list(stored)
        for part in instances(value):
            _merge_instance(stored, part, name, now, observed_at, lang)
        if stored != before:
            change.changed.add(name)
            _set(result, name, stored)
    return _done(change, now)


def append(document: Document, fragment: Fragment, now: str, *, overwrite: bool = True) -> Change:
    """Clause 5.6.3: add attributes; those that exist are replaced, or left (noOverwrite)."""
    change = Change(dict(document))
    result = change.document
    _merge_members(change, fragment, overwrite=overwrite)
    for name, value in fragment.items():
        if name in ENTITY_MEMBERS:
            continue
        stored = list(instances(result[name])) if name in result else []
        for part in instances(value):
            at = _find(stored, part.get("datasetId"))
            if at is None:
                if is_null(part):
                    change.not_updated[name] = "there is no such attribute to remove"
                else:
                    stored.append(_new(part, name, now))
                    change.changed.add(name)
            elif not overwrite:
                change.not_updated[name] = "the attribute exists, and noOverwrite was asked for"
            else:
                _replace_at(stored, at, part, name, now)
                change.changed.add(name)
        _set(result, name, stored)
    return _done(change, now)


def update(document: Document, fragment: Fragment, now: str) -> Change:
    """Clause 5.6.2: replace attributes that exist, add the others; a scope is replaced, but not added."""
    if "scope" in fragment and "scope" not in document:
        rest = {name: value for name, value in fragment.items() if name != "scope"}
        change = append(document, rest, now)
        change.not_updated["scope"] = "the entity has no scope; appending attributes adds one"
        return change
    return append(document, fragment, now)


def partial_attribute(document: Document, name: str, fragment: dict[str, Any], now: str) -> Change:
    """Clause 5.6.4: change some members of one attribute instance.

    Raises Problem ResourceNotFound if there is no such instance, BadRequestData for another attribute type.
    """
    stored, at = _locate(document, name, fragment.get("datasetId"))
    old = stored[at]
    kind = fragment.get("type", old["type"])
    if kind != old["type"]:
        raise bad_request(
            "The attribute is not valid",
            f"{name} is a {old['type']}; a partial update cannot make it a {kind}",
        )
    if is_null(fragment):
        return delete_attribute(document, name, now, dataset_id=fragment.get("datasetId"))
    part = _fitted(fragment, old, "")
    _refuse_nulls(part, name)
    new = dict(old)
    for key, value in part.items():
        if key in ("type", "datasetId"):
            continue
        if value == NULL or (key not in ATTRIBUTE_MEMBERS and not isinstance(value, list) and is_null(value)):
            new.pop(key, None)
        else:
            new[key] = value
    new["modifiedAt"] = now
    stored[at] = _complete(new, name)
    return _with(document, name, stored, now)


def replace_attribute(document: Document, name: str, attribute: dict[str, Any], now: str) -> Change:
    """Clause 5.6.19: replace one attribute instance.

    Raises Problem ResourceNotFound if there is no such instance.
    """
    stored, at = _locate(document, name, attribute.get("datasetId"))
    _replace_at(stored, at, attribute, name, now)
    return _with(document, name, stored, now)


def delete_attribute(
    document: Document, name: str, now: str, *, dataset_id: str | None = None, delete_all: bool = False
) -> Change:
    """Clause 5.6.5: remove the default instance, the one with ``dataset_id``, or all of them.

    Raises Problem ResourceNotFound if there is nothing to remove.
    """
    if delete_all and name in document and name not in ENTITY_MEMBERS:
        return _with(document, name, [], now)
    if name == "scope" and "scope" in document:
        result = {key: value for key, value in document.items() if key != "scope"}
        return _done(Change(result, {"scope"}), now)
    stored, at = _locate(document, name, dataset_id)
    del stored[at]
    return _with(document, name, stored, now)


def _attributes(document: Document) -> set[str]:
    return {name for name in document if name not in ENTITY_MEMBERS}


def _merge_members(change: Change, fragment: Fragment, *, overwrite: bool = True) -> None:
    """Types are added; the scope is replaced, or added to if nothing may be overwritten (clause 5.6.3)."""
    result = change.document
    _merge_expiry(change, fragment)
    if "type" in fragment:
        have, more = _listed(result["type"]), _listed(fragment["type"])
        added = [name for name in more if name not in have]
        if added:
            result["type"] = [*have, *added]
            change.changed.add("type")
    if "scope" in fragment and fragment["scope"] != result.get("scope"):
        if "scope" in result and not overwrite:
            have, more = _listed(result["scope"]), _listed(fragment["scope"])
            if set(more) - set(have):
                result["scope"] = list(dict.fromkeys([*have, *more]))
                change.changed.add("scope")
        elif fragment["scope"] == NULL:
            if result.pop("scope", None) is not None:
                change.changed.add("scope")
        else:
            result["scope"] = fragment["scope"]
            change.changed.add("scope")


def _merge_expiry(change: Change, fragment: Fragment) -> None:
    expires = fragment.get("expiresAt")
    result = change.document
    if expires is None or expires == result.get("expiresAt"):
        return
    if expires != NULL:
        result["expiresAt"] = expires
    elif result.pop("expiresAt", None) is None:
        return
    change.changed.add("expiresAt")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _merge_instance(
    stored: list[dict[str, Any]], part: dict[str, Any], name: str, now: str, observed_at: str, lang: str
) -> None:
    at = _find(stored, part.get("datasetId"))
    if at is None:
        if not is_null(part):
            stored.append(_new(part, name, now))
        return
    if is_null(part):
        del stored[at]
        return
    old = stored[at]
    new = _merged(old, _fitted(part, old, lang))
    if observed_at and "observedAt" in old and "observedAt" not in part and new != old:
        new["observedAt"] = observed_at
    if new != old:
        new["modifiedAt"] = now
        stored[at] = _complete(new, name)


def _merged(old: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """One attribute (or sub-attribute) merged."""
    new = dict(old)
    if part.get("type", old["type"]) != old["type"]:
        new = {key: value for key, value in old.items() if key not in _VALUES and key != "unitCode"}
        new["type"] = part["type"]
    for key, value in part.items():
        if key == "type" or key == "datasetId":
            continue
        if key in ATTRIBUTE_MEMBERS:
            if value == NULL:
                new.pop(key, None)
            elif key in ("value", "languageMap", "json") and not is_geometry(value):
                new[key] = _merge_value(new.get(key), value)
            else:
                new[key] = value
        elif not isinstance(value, list) and is_null(value):
            new.pop(key, None)
        else:
            before = new.get(key)
            if isinstance(before, dict) and isinstance(value, dict):
                new[key] = _merged(before, _fitted(value, before, ""))
            else:
                new[key] = value
    return new


def _merge_value(old: Any, value: Any) -> Any:
    """RFC 7396 with the NGSI-LD Null in the place of null."""
    if not isinstance(value, dict):
        return value
    result = dict(old) if isinstance(old, dict) else {}
    for key, part in value.items():
        if part == NULL:
            result.pop(key, None)
        else:
            result[key] = _merge_value(result.get(key), part)
    return result


def _fitted(part: dict[str, Any], old: dict[str, Any], lang: str) -> dict[str, Any]:
    """A fragment that says no type, or gives a plain value, in the terms of the stored attribute's type."""
    kind = old["type"]
    own = VALUE_MEMBER[kind]
    if "type" in part or own == "value" or "value" not in part:
        return part
    value = part["value"]
    if kind == "LanguageProperty" and isinstance(value, str):
        value = {lang or "@none": value}
    elif kind == "ListRelationship" and isinstance(value, list):
        value = [{"object": one} if isinstance(one, str) else one for one in value]
    return {own: value, **{key: one for key, one in part.items() if key != "value"}}


def _new(part: dict[str, Any], name: str, now: str) -> dict[str, Any]:
    new = _complete(dict(part), name)
    new["createdAt"] = now
    new["modifiedAt"] = now
    return new


def _replace_at(stored: list[dict[str, Any]], at: int, part: dict[str, Any], name: str, now: str) -> None:
    if is_null(part):
        del stored[at]
        return
    new = _complete(dict(part), name)
    new["createdAt"] = stored[at].get("createdAt", now)
    new["modifiedAt"] = now
    stored[at] = new


def _complete(instance: dict[str, Any], name: str) -> dict[str, Any]:
    """An instance that may be stored: with type and value, without NGSI-LD Nulls; checked like a new one."""
    whole = _whole(instance, name)
    check_attribute(whole, name)
    return whole


def _whole(instance: dict[str, Any], name: str) -> dict[str, Any]:
    if "type" not in instance:
        instance = {"type": "GeoProperty" if is_geometry(instance.get("value")) else "Property", **instance}
    own = VALUE_MEMBER[instance["type"]]
    if own not in instance:
        raise bad_request("The attribute is not valid", f"{name}: a {instance['type']} needs its {own}")
    for key, value in list(instance.items()):
        if value == NULL:
            if key == own:
                raise bad_request(
                    "The attribute is not valid",
                    f"{name}: the {own} of a {instance['type']} cannot be removed",
                )
            del instance[key]
        elif key in ATTRIBUTE_MEMBERS:
            if key in ("value", "languageMap", "json") and isinstance(value, dict):
                instance[key] = _without_nulls(value)
        elif isinstance(value, dict):
            if is_null(value):
                del instance[key]
            else:
                instance[key] = _whole(dict(value), f"{name}.{key}")
        elif isinstance(value, list):
            instance[key] = [_whole(dict(one), f"{name}.{key}") for one in value if not is_null(one)]
    return instance


def _refuse_nulls(part: dict[str, Any], name: str) -> None:
    """Only a merge reaches into a value (clause 5.5.4). Raises Problem BadRequestData."""
    for member in ("value", "json"):
        if isinstance(part.get(member), dict | list) and _holds_null(part[member]):
            raise bad_request(
                "The attribute is not valid",
                f"{name}.{member}: an NGSI-LD Null inside a value stands in merges only",
            )


def _holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_null, value.values()))
    if isinstance(value, list):
        return any(map(_holds_null, value))
    return bool(value == NULL)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part != NULL}
    return value


def purge_attributes(
    document: Document, now: str, *, keep: Collection[str] = (), drop: Collection[str] = ()
) -> Change:
    """Clause 5.6.21: without the attributes of ``drop``, or with those of ``keep`` alone."""
    gone = {name for name in _attributes(document) if name in drop or (keep and name not in keep)}
    return _done(Change({name: value for name, value in document.items() if name not in gone}, gone), now)


def _find(stored: list[dict[str, Any]], dataset_id: str | None) -> int | None:
    return next((at for at, one in enumerate(stored) if one.get("datasetId") == dataset_id), None)


def _locate(document: Document, name: str, dataset_id: str | None) -> tuple[list[dict[str, Any]], int]:
    if name not in document or name in ENTITY_MEMBERS:
        raise not_found(f"{document['id']} has no attribute {name}")
    stored = list(instances(document[name]))
    at = _find(stored, dataset_id)
    if at is None:
        which = f"with datasetId {dataset_id}" if dataset_id else "without a datasetId"
        raise not_found(f"{document['id']} has no instance of {name} {which}")
    return stored, at


def _drop_default(change: Change, name: str) -> None:
    """A Null for an attribute removes its default instance (clause 5.6.5); all, if there is but one."""
    if name not in change.document:
        return
    stored = list(instances(change.document[name]))
    at = _find(stored, None)
    if at is None:
        return
    del stored[at]
    change.changed.add(name)
    _set(change.document, name, stored)


def _set(result: Document, name: str, stored: list[dict[str, Any]]) -> None:
    if not stored:
        result.pop(name, None)
    else:
        result[name] = stored[0] if len(stored) == 1 else stored


def _with(document: Document, name: str, stored: list[dict[str, Any]], now: str) -> Change:
    result = dict(document)
    _set(result, name, stored)
    return _done(Change(result, {name}), now)


def _done(change: Change, now: str) -> Change:
    if change.changed:
        change.document["modifiedAt"] = now
    return change
