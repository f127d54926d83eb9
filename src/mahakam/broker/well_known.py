"""The @contexts of Smart Data Models that come with the package, so that nothing has to be fetched.

A subject (``Environment``, ``Weather``) has one for all its models, under the URL that the models' examples name.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

_HOME = "https://smartdatamodels.org/"
_URL = re.compile(
    r"https://(?:raw\.githubusercontent\.com/smart-data-models/dataModel\.(\w+)/(?:master|main)/"
    r"|smart-data-models\.github\.io/dataModel\.(\w+)/)context\.jsonld"
)


def well_known(url: str) -> dict[str, Any] | None:
    """The document behind a URL; None for one that does not come with the package."""
    match = _URL.fullmatch(url)
    return None if match is None else _document(match[1] or match[2])


def subjects() -> tuple[str, ...]:
    """The subjects whose context is here."""
    return tuple(_subjects())


@lru_cache(maxsize=8)
def _document(subject: str) -> dict[str, Any] | None:
    found = _subjects().get(subject)
    if found is None:
        return None
    own = {term: f"{_HOME}dataModel.{subject}/{term}" for term in found["own"]}
    common = {term: _HOME + term for term in found["common"]}
    return {"@context": own | common | found["others"]}


@lru_cache(maxsize=1)
def _subjects() -> dict[str, Any]:
    """Subject → the terms of its own, those that all subjects share, and others with their definitions."""
    with Path(__file__).with_name("smart_data_models.json").open(encoding="utf-8") as file:
        return json.load(file)["subjects"]  # type: ignore[no-any-return]
