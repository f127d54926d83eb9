"""Questions between cities: the original stays, translations stand beside it with their people, the asker accepts."""

from __future__ import annotations

import pytest

from mahakam.faults import Changed, Refused
from mahakam.network import question as steps
from mahakam.network.question import Question, Said, Translation
from mahakam.network.recommendation import Author

AT = "2026-11-27T01:00:00+00:00"
THAI = Author("somchai", "Somchai", "city_officer", "bangkok")
SITI = Author("siti", "Siti", "city_officer", "samarinda")
FIRM = Author("firm", "Firm", "partner", "bangkok")


def asked() -> Question:
    return steps.ask("Q-2026-001", Said("th", "ฝน", "ฝนตกเท่าไร", AT, THAI), ())


def english(text: str, by: Author = SITI) -> Translation:
    return Translation("en", "Rain", text, AT, by)


def test_a_translation_stands_beside_the_original_and_a_later_one_takes_its_place() -> None:
    one = steps.translate(asked(), 0, english("How much rain?"), 0)
    with pytest.raises(Changed):  # somebody else put one beside it meanwhile
        steps.translate(one, 0, english("How much does it rain?", THAI), 0)
    one = steps.translate(one, 0, english("How much does it rain?", THAI), 1)
    assert (one.said.text, one.said.language) == ("ฝนตกเท่าไร", "th")
    assert {code: (each.text, each.by.name) for code, each in one.said.standing().items()} == {
        "en": ("How much does it rain?", "Somchai")
    }
    assert len(one.said.translations) == 2, "both are kept"
    assert one.languages() == ("th", "en")
    assert (steps.lacking(one, "id"), steps.lacking(one, "en"), steps.lacking(one, "xx")) == (
        True,
        False,
        False,
    )


def test_an_answer_is_translated_too_and_accepted_by_the_asker_alone() -> None:
    one = steps.answer(asked(), Said("id", "", "Dua ribu mm", AT, SITI))
    one = steps.translate(one, 1, Translation("en", "", "Two metres", AT, FIRM), 0)
    assert one.answers[0].standing()["en"].text == "Two metres"
    for by in (SITI, FIRM):  # an organisation that is called as the city is, is not the city
        with pytest.raises(Changed):
            steps.accept(one, 1, by, AT)
    successor = Author("nok", "Nok", "city_officer", "bangkok")
    accepted = steps.accept(one, 1, successor, AT)
    assert (accepted.state, accepted.accepted) == ("accepted", 1)
    assert steps.accept(accepted, 0, THAI, AT).state == "answered"
    for number in (2, -1):
        with pytest.raises(Changed):
            steps.accept(one, number, THAI, AT)


def test_what_was_withdrawn_goes_on_no_more() -> None:
    one = steps.withdraw(asked(), "Asked twice", THAI, AT)
    assert (one.state, one.events[-1].text) == ("withdrawn", "Asked twice")
    with pytest.raises(Changed):
        steps.answer(one, Said("en", "", "Yes", AT, SITI))
    with pytest.raises(Changed):
        steps.translate(one, 0, english("Rain"), 0)


@pytest.mark.parametrize(
    ("new", "fields"),
    [
        (Translation("th", "ฝน", "ฝน", AT, SITI), ["to"]),
        (Translation("tlh", "Rain", "Rain", AT, SITI), ["to"]),
        (Translation("en", "", " ", AT, SITI), ["to-title", "to-text"]),
    ],
)
def test_a_translation_that_is_none_is_refused(new: Translation, fields: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        steps.translate(asked(), 0, new, 0)
    assert [one.field for one in refused.value.faults] == fields


def test_a_question_needs_its_language_and_words() -> None:
    with pytest.raises(Refused) as refused:
        steps.ask("Q", Said("", "", "x" * 4001, AT, THAI), ())
    assert {one.field for one in refused.value.faults} == {"language", "title", "text"}
