"""What was refused to whom leaves a line, and no line can be made by what somebody sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from mahakam.operations import log
from support.portal import Portal, two_cities

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("node")
    with Portal(folder / "data", two_cities(folder / "places")) as made:
        accounts.add_account(made.node.store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
        yield made


def refused(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    return [
        (one.getMessage(), one.facts)  # type: ignore[attr-defined]
        for one in caplog.records
        if one.name == "mahakam.refused"
    ]


def test_what_was_refused_to_somebody_known_is_in_the_log(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    siti = portal.browser("198.51.100.7")
    siti.fill("/signin", {"name": "siti", "password": PASSWORD})
    caplog.clear()
    assert siti.get("/queue?city=bay&secret=1").status_code == 403
    ((said, facts),) = refused(caplog)
    assert "GET /queue 403" in said
    assert "secret" not in said
    assert (facts["principal"], facts["kind"], facts["address"]) == ("siti", "person", "198.51.100.7")


def test_a_key_that_does_not_hold_and_a_forged_form_are_in_the_log(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = portal.browser("198.51.100.8")
    assert stranger.get("/metrics", Authorization="Bearer mhk_guess").status_code == 401
    wrote = stranger.post("/ngsi-ld/v1/entities", {}, Authorization="Bearer mhk_guess")
    assert wrote.status_code == 401
    form = {"name": "siti", "password": PASSWORD, "form": "forged"}
    assert stranger.post("/signin", form, Origin="https://evil.example").status_code == 403
    assert stranger.get("/").status_code == 200
    found = refused(caplog)
    assert [facts["status"] for _, facts in found] == [401, 401, 403]
    assert {facts["address"] for _, facts in found} == {"198.51.100.8"}
    assert "mhk_guess" not in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("kind", log.FORMATS)
def test_a_value_makes_no_line_and_times_are_utc(
    kind: log.Format, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        log.set_up(kind, "warning")
        for handler in root.handlers:
            handler.stream = (tmp_path / "log").open("w+", encoding="utf-8")  # type: ignore[attr-defined]
        logging.getLogger("mahakam.x").error(
            "no feed %s", "a\n2026-01-01 ERROR mahakam: forged\r\x1b[2J\u2028b"
        )
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("mahakam.x").exception("it broke")
        for handler in root.handlers:
            handler.flush()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    first, *others = (tmp_path / "log").read_text("utf-8").split("\n")
    assert "forged" in first
    assert not any(ord(sign) < 32 for sign in first)
    assert "broken" in "\n".join(others), "a traceback of ours keeps its lines"
    time = json.loads(first)["time"] if kind == "json" else first.split(" ")[0]
    assert time.endswith(("+00:00", "Z"))
