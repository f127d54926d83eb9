"""The catalogue of services: strict reading, parents, and a forgiving search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.config import ConfigError, load_places
from mahakam.services.catalogue import Service, catalogue, full_standard, read_service
from mahakam.services.search import place_in, search
from mahakam.services.standard import DELIVERY
from support.demo_part import EXAMPLES


def _place(root: Path, kind: str, id: str, parent: str = "") -> Path:
    folder = root / id
    (folder / "services").mkdir(parents=True)
    (folder / f"{kind}.yaml").write_text(f"name: {id}\n" + (f"parent: {parent}\n" if parent else ""))
    return folder / "services"


def _service(
    code: str, name: dict[str, str], *keywords: str, group: str = "", description: str = ""
) -> Service:
    return Service(code, "c", name, {"en": group}, {"en": description}, "", keywords)


SERVICES = [
    _service("pothole", {"en": "Pothole", "id": "Jalan berlubang"}, "aspal", group="Roads"),
    _service("street-light", {"en": "Street light out", "id": "Lampu jalan mati"}, "penerangan", "gelap"),
    _service("cafe", {"en": "Café terrace", "id": "Teras kafe"}),
    _service("rubbish", {"en": "Rubbish not collected", "id": "Sampah tidak diangkut"}, "waste", "garbage"),
]


def test_a_city_has_its_own_services_and_its_provinces(tmp_path: Path) -> None:
    above, below = _place(tmp_path, "province", "prov"), _place(tmp_path, "city", "town", "prov")
    (above / "licence.yaml").write_text("name: Licence\n")
    (above / "road.yaml").write_text("name: Provincial road\n")
    (below / "road.yaml").write_text("name: {en: Road, id: Jalan}\nkeywords: [aspal]\n")
    places = load_places([tmp_path])
    found = catalogue(places["town"], places)
    assert {code: (service.place, service.name["en"]) for code, service in found.items()} == {
        "licence": ("prov", "Licence"),
        "road": ("town", "Road"),
    }
    assert list(catalogue(places["prov"], places)) == ["licence", "road"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: X\nkeyword: [a]\n", "did you mean 'keywords'"),
        ("name: X\nzzz: 1\n", "unknown field 'zzz'"),
        ("group: Roads\n", "needs a name"),
        ("name: X\nkeywords: jalan\n", "keywords is a list"),
        ("name: [a]\n", "name is a text"),
        ("name: X\nstandard: {price: 1}\n", "unknown component 'price'"),
        ("name: X\nstandard: [a]\n", "standard is a mapping"),
        ("name: X\nstandard: {cost: []}\n", "standard.cost is a text or a list of texts"),
        ("name: X\noffice: {hours: []}\n", "office needs an address"),
        ("name: X\noffice: {address: A, hours: [Mondays]}\n", "Mo-Th 08:00-16:00"),
        ("name: X\noffice: {address: A, point: [1]}\n", "[longitude, latitude]"),
        ("name: X\noffice: {address: A, url: 'javascript:1'}\n", "begins with https://"),
        ("name: X\nevents: [party]\n", "events lists some of child"),
        ("name: X\nreach: -1\n", "reach is a number of metres"),
        ("- a\n", "must hold a mapping"),
        ("name: {a\n", "not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_service("x", "town", path)
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_name_that_is_no_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Street Light.yaml"
    path.write_text("name: X\n")
    with pytest.raises(ConfigError, match=r"street-light\.yaml"):
        read_service("Street Light", "town", path)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("pothole", "pothole"),
        ("POTHOLE", "pothole"),
        ("pothloe", "pothole"),
        ("lubang", "pothole"),
        ("jalan berlubamg", "pothole"),
        ("lampu", "street-light"),
        ("lamp", "street-light"),
        ("gelap", "street-light"),
        ("cafe", "cafe"),
        ("café", "cafe"),
        ("kafe", "cafe"),
        ("garbage", "rubbish"),
        ("sampa", "rubbish"),
        ("rubish", "rubbish"),
    ],
)
def test_search_forgives(query: str, first: str) -> None:
    assert [service.code for service in search(SERVICES, query)][:1] == [first]


def test_search_wants_every_word() -> None:
    assert [service.code for service in search(SERVICES, "jalan mati")] == ["street-light"]
    assert search(SERVICES, "jalan helicopter") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lampu samarinda", ("town", "lampu")),
        ("Lampu mati di SAMARNDA", ("town", "lampu mati di")),
        ("banjir sungai pinang dalam", ("town", "banjir")),
        ("bontang kuala sampah", ("bay", "sampah")),
        ("samarinda", ("town", "")),
        ("lampu sungai", ("", "lampu sungai")),
        ("lampu", ("", "lampu")),
        ("", ("", "")),
    ],
)
def test_a_place_is_told_from_what_is_looked_for(query: str, found: tuple[str, str]) -> None:
    names = {
        "town": ["Samarinda", "Sungai Pinang", "Sungai Pinang Dalam"],
        "bay": ["Bontang", "Bontang Kuala"],
    }
    assert place_in(query, names) == found


@given(st.text(max_size=300), st.lists(st.text(max_size=30), max_size=5))
def test_any_text_names_a_place_or_none(query: str, names: list[str]) -> None:
    place, rest = place_in(query, {"x": names})
    assert place in ("", "x")
    assert place or rest == query


def test_an_empty_search_gives_all_in_order() -> None:
    assert search(SERVICES, "  ") == SERVICES


@given(st.text(max_size=300))
def test_search_takes_any_text(query: str) -> None:
    assert {s.code for s in search(SERVICES, query)} <= {s.code for s in SERVICES}


@given(st.data())
def test_one_slip_in_a_long_word_is_forgiven(data: st.DataObject) -> None:
    """A letter wrong, left out, doubled, or two swapped: what thumbs do on a phone."""
    service = data.draw(st.sampled_from(SERVICES))
    words = [word for name in service.name.values() for word in name.lower().split() if len(word) >= 5]
    word = data.draw(st.sampled_from(words))
    at = data.draw(st.integers(0, len(word) - 2))
    wrong, twice = word[:at] + "x" + word[at + 1 :], word[:at] + word[at] + word[at:]
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    typed = data.draw(st.sampled_from([wrong, twice, swapped, word[:at] + word[at + 1 :]]))
    assert service in search(SERVICES, typed), typed


def test_the_example_catalogue_states_what_the_law_asks_for() -> None:
    """Law 25/2009 art. 21: the six components of delivery at least, in both languages, each marked as an example."""
    places = load_places([EXAMPLES / "kaltim"])
    for city in ("samarinda", "balikpapan", "bontang"):
        found = catalogue(places[city], places)
        assert len(found) >= 12
        for service in found.values():
            standard = full_standard(service, places[city], places)
            missing = set(DELIVERY) - set(standard)
            assert not missing, (service.code, missing)
            assert service.example
            assert all({"en", "id"} <= set(point) for points in standard.values() for point in points)
