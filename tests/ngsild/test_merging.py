"""One entity from what several say of it (clause 4.5.5)."""

from __future__ import annotations

from typing import Any

import pytest

from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.merging import combined, limited, received, without
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.rewording import reworded


def document(id: str = "urn:a:1", type: Any = "Weather", **attributes: Any) -> dict[str, Any]:
    return {"id": id, "type": type, **attributes}


def value(of: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": of, **more}


EARLY, LATE = "2026-01-01T10:00:00Z", "2026-01-01T10:00:00.5Z"


@pytest.mark.parametrize(
    ("one", "other", "wins"),
    [
        (value(1, observedAt=EARLY), value(2, observedAt=LATE), 2),
        (value(1, observedAt=LATE), value(2, observedAt=EARLY), 1),
        (value(1, modifiedAt=EARLY), value(2, modifiedAt=LATE), 2),
        (value(1, observedAt=EARLY, modifiedAt=EARLY), value(2, observedAt=EARLY, modifiedAt=LATE), 2),
        (value(1, observedAt=LATE, modifiedAt=EARLY), value(2, observedAt=EARLY, modifiedAt=LATE), 1),
        (value(1), value(2, observedAt=EARLY), 2),
        (value(1), value(2), 1),
    ],
)
def test_the_freshest_instance_stays(one: Any, other: Any, wins: int) -> None:
    found = combined([document(heat=one), document(heat=other)])
    assert found is not None
    assert found["heat"]["value"] == wins


def test_types_and_scopes_add_up_and_times_span() -> None:
    found = combined(
        [
            document(scope="/a", createdAt=LATE, modifiedAt=EARLY),
            document(type=["Weather", "Station"], scope=["/b"], createdAt=EARLY, modifiedAt=LATE),
        ]
    )
    assert found == document(
        type=["Weather", "Station"], scope=["/a", "/b"], createdAt=EARLY, modifiedAt=LATE
    )


def test_what_fills_gaps_replaces_nothing() -> None:
    found = combined([document(heat=value(1))], [document(heat=value(9, observedAt=LATE), rain=value(2))])
    assert found == document(heat=value(1), rain=value(2))
    assert combined([], [document(rain=value(2))]) == document(rain=value(2))
    assert combined([]) is None


def test_parts_of_a_document() -> None:
    whole = document(heat=value(1), rain=value(2))
    assert limited(whole, ["heat"]) == document(heat=value(1))
    assert limited(whole, []) == whole
    assert without(whole, ["heat"]) == document(rain=value(2))
    assert without(whole, []) == document()


def test_an_answer_keeps_the_times_that_it_names_and_no_others() -> None:
    payload = document(heat=[value(1, modifiedAt=LATE), value(2, datasetId="urn:d:1")], createdAt=EARLY)
    found = received(payload, CORE)
    assert (found["createdAt"], found.get("modifiedAt")) == (EARLY, None)
    assert [one.get("modifiedAt") for one in found["heat"]] == [LATE, None]
    with pytest.raises(Problem):
        received({"id": "urn:a:1"}, CORE)


def test_a_payload_in_other_words() -> None:
    old = Context("https://a.example/c", {"heat": "https://w.example/heat", "Rain": "https://w.example/Rain"})
    new = Context(
        "https://b.example/c", {"panas": "https://w.example/heat", "Hujan": "https://w.example/Rain"}
    )
    payload = document(
        type="Rain", heat=value({"heat": 1}, heat=value(3)), location={"type": "Point", "coordinates": [1, 2]}
    )
    assert reworded(payload, old, new) == document(
        type="Hujan",
        panas=value({"heat": 1}, panas=value(3)),
        location={"type": "Point", "coordinates": [1, 2]},
    )
    assert reworded(payload, old, CORE)["type"] == "https://w.example/Rain"
