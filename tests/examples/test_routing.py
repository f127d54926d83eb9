"""The example city's routing and workbench can be used, and speak only of services that there are."""

from __future__ import annotations

import pytest

from mahakam.config import LANGUAGES, examples_folder, load_places
from mahakam.services.catalogue import catalogue
from mahakam.services.routing import routing_of
from mahakam.services.workbench import workbench_of

PLACES = load_places([examples_folder() / "kaltim"])
CITIES = [place for place in PLACES.values() if place.kind == "city"]


def test_every_service_of_the_example_has_its_agency() -> None:
    samarinda = PLACES["samarinda"]
    routing = routing_of(samarinda, PLACES)
    assert routing is not None
    services = set(catalogue(samarinda, PLACES))
    named = {service for rule in routing.rules for service in rule.services}
    assert named <= services
    assert services - named == {"something-else"}, "what fits no rule is looked at by people"


@pytest.mark.parametrize("place", CITIES, ids=lambda place: place.id)
def test_the_words_that_are_ready_are_in_every_language(place: object) -> None:
    bench = workbench_of(place, PLACES)  # type: ignore[arg-type]
    assert bench.templates
    for template in bench.templates:
        assert set(LANGUAGES) <= set(template.name) & set(template.text)
    assert set(bench.checklists or {}) <= set(catalogue(place, PLACES))  # type: ignore[arg-type]
