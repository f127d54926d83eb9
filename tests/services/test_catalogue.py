"""The catalogue of services: strict reading, parents, and a forgiving search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.config import ConfigError, load_places
from mahakam.services.catalogue import Service, catalogue, read_service
from mahakam.services.search import search


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


def test_an_empty_search_gives_all_in_order() -> None:
    assert search(SERVICES, "  ") == SERVICES


@given(st.text(max_size=300))
def test_search_takes_any_text(query: str) -> None:
    assert {s.code for s in search(SERVICES, query)} <= {s.code for s in SERVICES}
