"""The entities of a type in another NGSI-LD broker, as simplified records (ETSI GS CIM 009, 4.5.4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mahakam.feeds.origins import Ask, Origin, http

PAGE = 500


def fetch(ask: Ask) -> list[Path]:
    """All entities that the query selects. Raises SourceError as the HTTP origin does."""
    options = ask.options
    query = {"type": options["type"], "options": "keyValues", "limit": options.get("page", PAGE)}
    query |= {
        name: options[name] for name in ("q", "attrs", "georel", "geometry", "coordinates") if name in options
    }
    headers = {"accept": "application/json", **(options.get("headers") or {})}
    if tenant := options.get("tenant"):
        headers["NGSILD-Tenant"] = str(tenant)
    given = {
        "url": f"{str(options['url']).rstrip('/')}/ngsi-ld/v1/entities", "query": query, "headers": headers,
        "wait": options.get("wait", 1), "paging": {"parameter": "offset"},
    }  # fmt: skip
    return http.fetch(replace(ask, options=given, records=None))


ORIGIN = Origin(
    fetch,
    "entities of another NGSI-LD broker",
    {
        "url": "needed: the broker's address, without /ngsi-ld/v1",
        "type": "needed: the entity type",
        "q": "a condition in NGSI-LD's query language",
        "attrs": "attributes, with commas between",
        "georel": "with geometry and coordinates: where, as near;maxDistance==1000",
        "geometry": "Point, Polygon, …",
        "coordinates": "as JSON",
        "tenant": "the tenant",
        "headers": "headers, as Link for a context or {Authorization: 'Bearer ${TOKEN}'}",
        "page": f"entities to a request (default {PAGE})",
        "wait": "seconds before a failed request is tried again, doubled each time (default 1)",
    },
)
