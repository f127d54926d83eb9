"""Entries of the catalogue as CKAN's packages, resources, organizations, groups and tags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import orjson

from mahakam.feeds.catalogue import licences
from mahakam.feeds.catalogue.answers import MEDIA
from mahakam.feeds.catalogue.entry import Entry, quality_measures
from mahakam.feeds.schedule import period_of
from mahakam.feeds.standard import termed
from mahakam.feeds.year.calendar import EU

FORMATS = {"csv": "CSV", "json": "JSON", "parquet": "Parquet", "xlsx": "XLSX"}


@lru_cache(4096)
def identity(*parts: str) -> str:
    """An id as CKAN has them, the same for the same thing in every answer."""
    return str(uuid5(NAMESPACE_URL, "urn:mahakam:" + ":".join(parts)))


@lru_cache(4096)
def slug(text: str) -> str:
    """A name as CKAN has them: lower-case letters, digits and dashes, 2 to 100 characters."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9_]+", "-", plain.lower()).strip("-")[:100].ljust(2, "_")


def package_id(one: Entry) -> str:
    return identity("dataset", one.place.id, one.feed.name)


def resource_id(one: Entry, ending: str) -> str:
    return identity("resource", one.place.id, one.feed.name, ending)


def tags(one: Entry) -> list[str]:
    """What it is about: the entity type, the theme, the place."""
    return [tag for tag in (one.contract.entity, one.feed.theme, one.place.id) if tag]


def licence_id(one: Entry) -> str:
    found = licences.known(one.feed.licence)
    return found.id if found else ("other-open" if one.feed.licence else "notspecified")


def package(one: Entry, root: str) -> dict[str, Any]:
    """``package_show``'s answer for an entry."""
    licence = licences.known(one.feed.licence)
    resources = (
        [_resource(one, ending, at, root) for at, ending in enumerate(MEDIA)] if one.rows is not None else []
    )
    extras: dict[str, Any] = {
        "place": one.place.id,
        "place_code": one.place.facts.get("code"),
        "produsen_data": one.producer,
        "walidata": one.place.facts.get("data_steward"),
        "standar_data": f"{one.contract.title}, {one.contract.version}",
        "kode_referensi": ", ".join(one.code_lists),
        "frequency": period_of(one.feed) or (EU[one.released.frequency] if one.released else ""),
        **_examined(one),
        "licence_as_stated": one.feed.licence,
        "table": one.table,
        **{f"quality_{name}": value for name, value in quality_measures(one).items()},
    }
    named = tags(one)
    return {
        "id": package_id(one),
        "name": one.name,
        "title": _words(one.feed.title),
        "title_translated": dict(one.feed.title),
        "notes": _words(one.description),
        "type": "dataset",
        "state": "active",
        "private": False,
        "url": one.feed.origin,
        "author": one.producer,
        "maintainer": str(one.place.facts.get("data_steward") or ""),
        "license_id": licence_id(one),
        "license_title": licence.title if licence else one.feed.licence,
        "license_url": licence.url if licence else "",
        "isopen": licence.open if licence else False,
        "metadata_created": _naive(one.modified),
        "metadata_modified": _naive(one.modified),
        "owner_org": identity("agency", one.producer),
        "organization": organization([one]),
        "groups": [group([one])] if one.feed.theme else [],
        "tags": [tag(name) for name in named],
        "num_tags": len(named),
        "extras": [
            {"key": key, "value": str(value)} for key, value in extras.items() if value not in (None, "")
        ],
        "resources": resources,
        "num_resources": len(resources),
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }


def _examined(one: Entry) -> dict[str, str]:
    """The data standard and statistical metadata under the regulations' words, and what was examined and published."""
    declared = one.statistics
    found = {f"standar_{term}": text for term, text in termed("standard", declared.standard).items()}
    found |= {f"kegiatan_{term}": text for term, text in termed("activity", declared.activity).items()}
    for part, name, several in (
        ("variables", "variabel", declared.variables),
        ("indicators", "indikator", declared.indicators),
    ):
        if several:
            found[name] = orjson.dumps([termed(part, words) for words in several]).decode()
    if one.released:
        found |= {
            "data_prioritas": one.released.priority,
            "akses": one.released.access,
            "rilis": one.released.period,
            "disetujui": one.released.approved,
            "diterbitkan": one.released.published,
        }
    return found


def _resource(one: Entry, ending: str, position: int, root: str) -> dict[str, Any]:
    return {
        "id": resource_id(one, ending),
        "package_id": package_id(one),
        "name": f"{_words(one.feed.title)} ({FORMATS[ending]})",
        "description": _words(one.description),
        "format": FORMATS[ending],
        "mimetype": MEDIA[ending].partition(";")[0],
        "url": f"{root}{quote(one.path)}.{ending}",
        "url_type": None,
        "position": position,
        "state": "active",
        "datastore_active": ending == "csv",
        "last_modified": _naive(one.modified),
        "metadata_modified": _naive(one.modified),
        "created": _naive(one.modified),
    }


def organization(ones: Iterable[Entry]) -> dict[str, Any]:
    """The agency of these entries."""
    known = list(ones)
    name = known[0].producer
    return {
        "id": identity("agency", name),
        "name": slug(name),
        "title": name,
        "display_name": name,
        "description": "",
        "type": "organization",
        "is_organization": True,
        "approval_status": "approved",
        "state": "active",
        "image_url": "",
        "package_count": len(known),
    }


def group(ones: Iterable[Entry]) -> dict[str, Any]:
    """The theme of these entries."""
    known = list(ones)
    theme = known[0].feed.theme
    return {
        "id": identity("theme", theme),
        "name": slug(theme),
        "title": theme.capitalize(),
        "display_name": theme.capitalize(),
        "description": "",
        "type": "group",
        "is_organization": False,
        "state": "active",
        "image_display_url": "",
        "package_count": len(known),
    }


def tag(name: str) -> dict[str, Any]:
    return {
        "id": identity("tag", name),
        "name": name,
        "display_name": name,
        "state": "active",
        "vocabulary_id": None,
    }


def _words(text: Any) -> str:
    """English where there is English: CKAN has one language for a title."""
    return str(text.get("en") or next(iter(text.values()), ""))


def _naive(moment: str) -> str:
    """A moment as CKAN writes it: UTC, without an offset."""
    return moment.removesuffix("Z").partition("+")[0]
