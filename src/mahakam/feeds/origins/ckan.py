"""A table of a CKAN portal's DataStore, by the id of its resource."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mahakam.feeds.origins import Ask, Origin, http

PAGE = 5_000


def fetch(ask: Ask) -> list[Path]:
    """All records of the resource. Raises SourceError as the HTTP origin does."""
    options = ask.options
    url = f"{str(options['url']).rstrip('/')}/api/3/action/datastore_search"
    query = {"resource_id": options["resource"], "limit": options.get("page", PAGE), "sort": "_id"}
    given = {
        "url": url, "query": query, "headers": options.get("headers"), "wait": options.get("wait", 1),
        "paging": {"parameter": "offset"},
    }  # fmt: skip
    return http.fetch(replace(ask, options=given, records="result.records"))


ORIGIN = Origin(
    fetch,
    "a table of a CKAN portal",
    {
        "url": "needed: the portal's address, as https://data.example.go.id",
        "resource": "needed: the id of the resource, which must be in the DataStore",
        "headers": "headers, as {Authorization: '${CKAN_KEY}'}",
        "page": f"records to a request (default {PAGE})",
        "wait": "seconds before a failed request is tried again, doubled each time (default 1)",
    },
)
