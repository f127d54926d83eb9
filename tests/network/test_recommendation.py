"""A recommendation's steps: what is needed for each, what blocks, what is never lost."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.faults import Changed, Refused
from mahakam.network import recommendation as steps
from mahakam.network.differences import differences
from mahakam.network.recommendation import Action, Author, Claim, Evidence, Recommendation, Text

COUNTRIES = ("ID", "MY", "TH")
PAPER = Evidence("https://example.org/report.pdf", "Report", "", "2026-07-01")
TEXT = Text(
    {"en": "Count rain alike", "id": "Hitung hujan dengan cara sama"},
    {"en": "Cities measure differently."},
    (Claim({"en": "It rains."}, (PAPER,)),),
    (Action({"en": "Agree on one gauge."}, "Secretariat", "2027-01-31"),),
)
LATER = "2026-08-01T00:00:00Z"
SECRETARIAT = Author("sari", "Sari", "secretariat", "")


def by(country: str) -> Author:
    return Author(country.lower(), f"NR of {country}", "representative", country)


def decide(one: Recommendation, country: str, consents: bool, reason: str = "") -> Recommendation:
    seen = (one.version, one.round)
    return steps.decide(one, country, consents, reason, seen, COUNTRIES, by(country), "2026-07-20T03:00:00Z")


def before_the_countries(text: Text = TEXT) -> Recommendation:
    one = steps.draft("R-2026-001", text, "", by("ID"), "2026-07-01T00:00:00Z")
    one = steps.open_for_comment(one, by("ID"), "2026-07-02T00:00:00Z")
    return steps.put_to_decision(one, one.revision, SECRETARIAT, "2026-07-03T00:00:00Z")


def adopted() -> Recommendation:
    one = before_the_countries()
    for country in COUNTRIES:
        one = decide(one, country, True)
    return one


def test_every_country_must_consent() -> None:
    one = before_the_countries()
    for country in COUNTRIES[:-1]:
        one = decide(one, country, True)
    assert one.state == "decision"
    assert one.missing(COUNTRIES) == ["TH"]
    assert decide(one, "TH", True).state == "adopted"


def test_an_objection_blocks_and_is_kept_when_it_is_taken_back() -> None:
    one = before_the_countries()
    for country in COUNTRIES[:-1]:
        one = decide(one, country, True)
    one = decide(one, "TH", False, "The day is too early.")
    assert one.state == "decision"
    assert [position.country for position in one.objections] == ["TH"]
    one = decide(one, "TH", True)
    assert one.state == "adopted"
    assert [(p.country, p.consents, p.reason) for p in one.positions][2] == (
        "TH",
        False,
        "The day is too early.",
    )


def test_an_objection_needs_its_reason() -> None:
    with pytest.raises(Refused) as refused:
        decide(before_the_countries(), "MY", False, "  ")
    assert [(one.field, one.code) for one in refused.value.faults] == [("reason", "objection")]


def test_consent_is_to_a_version_not_to_what_comes_after_it() -> None:
    one = before_the_countries()
    for country in COUNTRIES[:-1]:
        one = decide(one, country, True)
    seen = (one.version, one.round)
    other = msgspec.structs.replace(TEXT, why={"en": "Something else."})
    one = steps.amend(one, other, "Thailand asked", one.revision, by("ID"), "2026-07-05T00:00:00Z")
    assert one.state == "comment", "it goes back"
    with pytest.raises(Changed):
        decide(one, "TH", True)
    one = steps.put_to_decision(one, one.revision, SECRETARIAT, "2026-07-06T00:00:00Z")
    assert one.missing(COUNTRIES) == sorted(COUNTRIES)
    with pytest.raises(Changed):
        steps.decide(one, "TH", True, "", seen, COUNTRIES, by("TH"), "2026-07-07T00:00:00Z")
    assert len([p for p in one.positions if p.round == 1]) == 2, "what was said before is kept"


def test_no_one_is_asked_about_a_claim_without_evidence() -> None:
    bare = msgspec.structs.replace(
        TEXT, claims=(Claim({"en": "It rains."}), Claim({"id": "Hujan."}, (PAPER,)))
    )
    one = steps.draft("R-2026-001", bare, "", by("ID"), "2026-07-01T00:00:00Z")
    with pytest.raises(Refused) as refused:
        steps.open_for_comment(one, by("ID"), "2026-07-02T00:00:00Z")
    assert {one.field for one in refused.value.faults} == {"claim-0-evidence", "claim-1-en"}


def test_an_amendment_over_another_is_refused() -> None:
    one = steps.draft("R-2026-001", TEXT, "", by("ID"), "2026-07-01T00:00:00Z")
    seen = one.revision
    first = msgspec.structs.replace(TEXT, why={"en": "One."})
    one = steps.amend(one, first, "", seen, by("ID"), "2026-07-02T00:00:00Z")
    with pytest.raises(Changed):
        steps.amend(one, TEXT, "", seen, SECRETARIAT, "2026-07-03T00:00:00Z")


def test_it_is_done_when_everything_is_and_done_needs_evidence() -> None:
    one = steps.send(adopted(), "The Coordinating Council", SECRETARIAT, "2026-08-01T00:00:00Z")
    with pytest.raises(Refused):
        steps.report(one, 0, "done", "Agreed.", (), by("ID"), "2026-09-01T00:00:00Z")
    done = steps.report(one, 0, "done", "Agreed.", (PAPER,), by("ID"), "2026-09-01T00:00:00Z")
    assert done.state == "done"
    again = steps.report(done, 0, "under_way", "Not quite.", (), by("MY"), "2026-10-01T00:00:00Z")
    assert again.state == "sent"
    assert len(again.progress) == 2


@pytest.mark.parametrize(
    "step",
    [
        lambda one: steps.amend(
            one, msgspec.structs.replace(TEXT, why={"en": "Other."}), "why", one.revision, by("ID"), LATER
        ),
        lambda one: steps.withdraw(one, "why", by("ID"), LATER),
        lambda one: decide(one, "ID", False, "No."),
        lambda one: steps.open_for_comment(one, by("ID"), LATER),
        lambda one: steps.comment(one, "But", by("ID"), LATER),
    ],
    ids=["amend", "withdraw", "decide", "open", "comment"],
)
def test_what_was_adopted_stays(step: Callable[[Recommendation], Recommendation]) -> None:
    one = adopted()
    with pytest.raises(Changed):
        step(one)


@given(st.lists(st.tuples(st.sampled_from(COUNTRIES), st.booleans()), max_size=12))
def test_whatever_is_said_adoption_is_the_consent_of_all(said: list[tuple[str, bool]]) -> None:
    one, last = before_the_countries(), dict[str, bool]()
    for country, consents in said:
        if one.state != "decision":
            break
        one = decide(one, country, consents, "" if consents else "No.")
        last[country] = consents
        assert (one.state == "adopted") is (len(last) == len(COUNTRIES) and all(last.values()))
    assert len(one.positions) <= len(said)
    assert msgspec.convert(msgspec.to_builtins(one), Recommendation) == one


@given(st.text(max_size=60), st.text(max_size=60))
def test_differences_put_together_are_both_texts(old: str, new: str) -> None:
    found = differences(old, new)
    assert "".join(text for what, text in found if what != "added") == old
    assert "".join(text for what, text in found if what != "removed") == new


def test_differences_are_whole_words() -> None:
    assert differences("until 2027 at most", "until 2028 at most") == [
        ("same", "until "),
        ("removed", "2027 "),
        ("added", "2028 "),
        ("same", "at most"),
    ]
