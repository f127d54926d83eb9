"""The actions that this node answers, by CKAN's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mahakam.api.ckan.asked import Asked
from mahakam.api.ckan.datastore import datastore_search
from mahakam.api.ckan.errors import NotFound
from mahakam.api.ckan.packages import (
    group,
    identity,
    organization,
    package,
    package_id,
    resource_id,
    slug,
    tag,
    tags,
)
from mahakam.api.ckan.querying import package_search
from mahakam.feeds.catalogue import licences
from mahakam.feeds.catalogue.answers import MEDIA
from mahakam.feeds.catalogue.entry import Entry, entries
from mahakam.feeds.catalogue.tables import shown_columns, shown_table
from mahakam.feeds.parts import Parts

API = "2.11"
"""The version of CKAN whose answers these are."""
_MOST = 1000
Action = Callable[[Parts, Asked], Any]


def _every(parts: Parts, asked: Asked) -> list[Entry]:
    return sorted(entries(parts.store, parts.places, asked.sight), key=lambda one: one.name)


def _status(parts: Parts, asked: Asked) -> Any:
    title = next((next(iter(place.name.values())) for place in parts.places.values()), "Mahakam")
    return {
        "ckan_version": API, "site_title": title, "site_description": "", "site_url": asked.root,
        "error_emails_to": None, "locale_default": "en", "extensions": ["datastore"],
    }  # fmt: skip


def _page(found: list[Any], asked: Asked) -> list[Any]:
    start = asked.number("offset", 0, 10**9)
    return found[start : start + asked.number("limit", 10**9, 10**9)]


def _package_list(parts: Parts, asked: Asked) -> Any:
    return _page([one.name for one in _every(parts, asked)], asked)


def _with_resources(parts: Parts, asked: Asked) -> Any:
    return [package(one, asked.root) for one in _page(_every(parts, asked), asked)[:_MOST]]


def _package_search(parts: Parts, asked: Asked) -> Any:
    return package_search(_every(parts, asked), asked)


def _package_show(parts: Parts, asked: Asked) -> Any:
    wanted = asked.needed("id", "name_or_id")
    found = next((one for one in _every(parts, asked) if wanted in (one.name, package_id(one))), None)
    if found is None:
        raise NotFound
    return package(found, asked.root)


def _of_resource(parts: Parts, asked: Asked, wanted: str) -> tuple[Entry, str]:
    for one in _every(parts, asked):
        for ending in MEDIA if one.rows is not None else ():
            if resource_id(one, ending) == wanted:
                return one, ending
    raise NotFound("Resource was not found.")


def _resource_show(parts: Parts, asked: Asked) -> Any:
    one, ending = _of_resource(parts, asked, asked.needed("id"))
    made = package(one, asked.root)["resources"]
    return next(each for each in made if each["id"] == resource_id(one, ending))


def _datastore_search(parts: Parts, asked: Asked) -> Any:
    wanted = asked.needed("resource_id", "id")
    one, ending = _of_resource(parts, asked, wanted)
    path = shown_table(parts, one) if ending == "csv" else None
    if path is None:
        raise NotFound(f'Resource "{wanted}" was not found in the DataStore.')
    asked.disclose(one)
    return datastore_search(path, shown_columns(one), asked)


def _gathered(found: Iterable[Entry], key: Callable[[Entry], str]) -> dict[str, list[Entry]]:
    made: dict[str, list[Entry]] = {}
    for one in found:
        if name := key(one):
            made.setdefault(name, []).append(one)
    return dict(sorted(made.items()))


def _lists(
    kind: Callable[[Iterable[Entry]], dict[str, Any]], key: Callable[[Entry], str]
) -> tuple[Action, Action]:
    """The two actions, list and show, of what gathers entries."""

    def listed(parts: Parts, asked: Asked) -> Any:
        found = [kind(ones) for ones in _gathered(_every(parts, asked), key).values()]
        shown = found if asked.flag("all_fields") else [one["name"] for one in found]
        return _page(shown, asked)

    def show(parts: Parts, asked: Asked) -> Any:
        wanted = asked.needed("id")
        for ones in _gathered(_every(parts, asked), key).values():
            made = kind(ones)
            if wanted in (made["id"], made["name"]):
                if asked.flag("include_datasets"):
                    made["packages"] = [package(one, asked.root) for one in ones[:_MOST]]
                return {**made, "users": [], "extras": [], "tags": [], "groups": []}
        raise NotFound

    return listed, show


def _tag_list(parts: Parts, asked: Asked) -> Any:
    wanted = asked.text("query") or asked.text("q")
    names = sorted({name for one in _every(parts, asked) for name in tags(one)}, key=str.lower)
    found = [name for name in names if wanted.lower() in name.lower()]
    return [tag(name) for name in found] if asked.flag("all_fields") else found


def _tag_show(parts: Parts, asked: Asked) -> Any:
    wanted = asked.needed("id")
    for one in _every(parts, asked):
        for name in tags(one):
            if wanted in (name, identity("tag", name)):
                return tag(name)
    raise NotFound


def _licences(_parts: Parts, _asked: Asked) -> Any:
    return [
        {
            "id": one.id,
            "title": one.title,
            "url": one.url,
            "od_conformance": "approved" if one.open else "not reviewed",
        }
        for one in licences.KNOWN
    ]


def _help(_parts: Parts, asked: Asked) -> Any:
    name = asked.needed("name")
    if name not in ACTIONS:
        raise NotFound(f"Action name not known: {name[:80]}")
    return f"{name}, as in https://docs.ckan.org/en/{API}/api/"


_organization_list, _organization_show = _lists(organization, lambda one: slug(one.producer))
_group_list, _group_show = _lists(group, lambda one: slug(one.feed.theme) if one.feed.theme else "")

ACTIONS: Mapping[str, Action] = {
    "status_show": _status,
    "site_read": lambda _parts, _asked: True,
    "package_list": _package_list,
    "current_package_list_with_resources": _with_resources,
    "package_search": _package_search,
    "package_show": _package_show,
    "resource_show": _resource_show,
    "datastore_search": _datastore_search,
    "organization_list": _organization_list,
    "organization_show": _organization_show,
    "group_list": _group_list,
    "group_show": _group_show,
    "tag_list": _tag_list,
    "tag_show": _tag_show,
    "license_list": _licences,
    "help_show": _help,
}
