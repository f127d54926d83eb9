"""Service discovery: where the endpoints are, in which formats, how to get a key (open311.org, Service_Discovery)."""

from __future__ import annotations

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response

from mahakam.api.open311.formats import Listed, answer, format_of
from mahakam.api.open311.node import jurisdictions, parts_of

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"


def show(request: Request) -> Response:
    format = format_of(request)
    node = parts_of(request)
    cities = jurisdictions(node)
    changed = max((_changed(place.folder.stat().st_mtime) for place in cities.values()), default=_changed(0))
    base = str(request.base_url).rstrip("/")
    endpoint = {
        "specification": SPECIFICATION,
        "url": f"{base}/open311",
        "changeset": changed,
        "type": "test" if node.settings.demo or node.settings.open else "production",
        "formats": Listed("format", ["text/xml", "application/json"]),
    }
    contacts = [str(place.facts["contact"]) for place in cities.values() if place.facts.get("contact")]
    found = {
        "changeset": changed,
        "contact": "; ".join(dict.fromkeys(contacts)) or f"{base}/about",
        "key_service": f"Ask the administrator (mahakam key add NAME --scope write); see {base}/developers",
        "endpoints": Listed("endpoint", [endpoint]),
    }
    return answer(format, "discovery", "", found)


def _changed(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
