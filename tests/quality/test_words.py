"""Rules and findings in words; the quality score."""

from __future__ import annotations

import pytest

from mahakam.quality import wording
from mahakam.quality.finding import Finding
from mahakam.quality.rule import RULES
from mahakam.quality.score import score


@pytest.mark.parametrize("rule", [*RULES, "structure", "expression"])
def test_every_rule_has_words_in_both_languages(rule: str) -> None:
    assert wording.title(rule, "en") != wording.title(rule, "id")
    assert wording.advice(rule, "en") != wording.advice(rule, "id")


def test_a_finding_as_a_sentence() -> None:
    finding = Finding(3, "pm10", "maximum", "888.0", "0 to 500").as_dict()
    assert wording.sentence(finding) == "The value is too large: pm10 is “888.0”, expected 0 to 500."
    assert (
        wording.sentence(finding, "id")
        == "Nilai terlalu besar: pm10 berisi “888.0”, seharusnya 0 sampai 500."
    )
    empty = Finding(
        3, "station", "required", None, "a value", message="Without a station nobody knows where."
    ).as_dict()
    assert (
        wording.sentence(empty) == "Without a station nobody knows where: station is empty, expected a value."
    )
    assert (
        wording.sentence(Finding(0, "pm10", "column", None, "a column 'pm10'").as_dict())
        == "The file has no column pm10."
    )


def test_control_characters_and_long_text_are_shown_safely() -> None:
    assert wording.quoted("a\x1b[31m\n") == "“a\\x1b[31m\\n”"
    assert len(wording.quoted("x" * 500)) < 90


def test_the_score_is_the_mean_share_of_rows_without_a_finding() -> None:
    got = score(200, {"accuracy": 0, "completeness": 50})
    assert (got.overall, got.dimensions) == (0.875, {"accuracy": 1.0, "completeness": 0.75})
    assert score(0, {"accuracy": 0}).overall is None
    assert score(10, {}).overall is None
    assert score(1_000_000, {"accuracy": 1}).as_dict()["overall"] == 0.9999
