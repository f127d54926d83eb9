"""The numbers of docs/security-inventory.md are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mahakam.access import second_step, throttle
from mahakam.api.ngsild import call, entities
from mahakam.api.nodes import endpoints as nodes
from mahakam.api.oauth2 import endpoints
from mahakam.api.open311 import intake
from mahakam.feeds.catalogue import asking
from mahakam.feeds.sources import model
from mahakam.ngsild import pattern, qlanguage
from mahakam.nodes import intake as copies
from mahakam.services import asked_documents, photo, request
from mahakam.web.pages import follow, provider, push, quarantine_grid, report, upload, verify

PAGE = (Path(__file__).parents[2] / "docs" / "security-inventory.md").read_text("utf-8")
TURNS = {
    "wrong passwords for one name": (throttle.LIMITS["both"], throttle.WINDOW),
    "wrong passwords": (throttle.LIMITS["address"], throttle.WINDOW),
    "codes of the second step, by account": (second_step.TURNS, second_step.WINDOW),
    "sign-ins begun at a provider": (provider.TURNS, provider.WINDOW),
    "tokens, by client": (endpoints.TURNS, endpoints.WINDOW),
    "reports": (report.REPORTS, report.WINDOW),
    "reports of an application (Open311), by key": (intake.POSTS, intake.WINDOW),
    "comments": (follow.COMMENTS, follow.following.WINDOW),
    "push subscriptions": (push.ASKS, push.WINDOW),
    "looks at an invitation, and tries to join with it": (nodes.TRIES, nodes.WINDOW),
    "looks at papers to verify": (verify.LOOKS, verify.WINDOW),
}


@pytest.mark.parametrize("what", TURNS)
def test_turns_are_as_many_as_is_said(what: str) -> None:
    most, seconds = TURNS[what]
    assert f"| {what} | {most:,} | {seconds // 60} min |" in PAGE


@pytest.mark.parametrize(
    "said",
    [
        f"{asking.SECONDS} s, {asking.MEMORY} MB, a million rows, {asking.BYTES // 10**6} MB of answer",
        f"503 after {asking.PATIENCE} s",
        f"{entities.MAX_LIMIT:,} entities a page, {qlanguage.MAX_TERMS} terms, {qlanguage.MAX_NESTING} levels",
        f"a pattern of {pattern.MAX_PATTERN} characters",
        f"{call.MAX_BATCH:,} entities, 50 MB",
        f"{photo.LARGEST_BYTES >> 20} MB each, {request.MOST_PHOTOS} of them | {photo.LARGEST_SIDE:,} pixels",
        f"{asked_documents.MOST_MEGABYTES} MB each, {asked_documents.MOST_DOCUMENTS} of them",
        f"{upload.LARGEST >> 20} MB | {model.MAX_UNPACKED >> 30} GB",
        f"{model.MAX_CELLS // 10**6} million cells",
        f"{nodes.MOST >> 20} MB, {copies.MOST:,} entities",
        f"XLSX | {quarantine_grid.LARGEST_SHEET >> 20} MB",
    ],
)
def test_limits_are_as_is_said(said: str) -> None:
    assert said in PAGE


def test_what_it_names_in_the_code_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)`", PAGE)
    assert named
    for name in named:
        assert (Path(__file__).parents[2] / "src" / "mahakam" / name).is_file(), name
