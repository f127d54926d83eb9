"""Themes of feeds in the EU's data-theme vocabulary, which DCAT-AP catalogues and their harvesters share."""

from __future__ import annotations

VOCABULARY = "http://publications.europa.eu/resource/authority/data-theme"

_CODES = {
    "environment": "ENVI", "transport": "TRAN", "housing": "SOCI", "safety": "JUST", "services": "GOVE",
    "government": "GOVE", "health": "HEAL", "education": "EDUC", "economy": "ECON", "energy": "ENER",
    "agriculture": "AGRI", "population": "SOCI", "regions": "REGI", "technology": "TECH", "culture": "EDUC",
}  # fmt: skip


def theme_address(theme: str) -> str:
    """The vocabulary's address for a theme; "" for a theme that it has no word for."""
    code = _CODES.get(theme.strip().lower())
    return f"{VOCABULARY}/{code}" if code else ""
