"""The order in which feeds run: what a contract refers to is there before it; nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from mahakam.config import ConfigError, Place, load_places
from mahakam.feeds.order import in_order
from support.sources import EXAMPLES


def place(root: Path, name: str, feeds: Mapping[str, tuple[str, str]], parent: str = "") -> None:
    """A place with feeds: name → (the type it makes, the type that it refers to or "")."""
    folder = root / name
    (folder / "feeds").mkdir(parents=True)
    (folder / "contracts").mkdir()
    (folder / "city.yaml").write_text(
        yaml.safe_dump({"name": name, **({"parent": parent} if parent else {})})
    )
    for feed, (type, target) in feeds.items():
        code = {"name": "code", "logicalType": "string", "primaryKey": True, "required": True}
        refers = {
            "name": "other",
            "logicalType": "string",
            "relationships": [{"type": "foreignKey", "to": f"{target}.code"}],
        }
        contract = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": feed,
            "version": "1.0.0",
            "status": "active",
            "schema": [{"name": type, "properties": [code, *([refers] if target else [])]}],
        }
        (folder / f"contracts/{feed}.yaml").write_text(yaml.safe_dump(contract))
        made = {
            "source": "data/x.csv",
            "contract": feed,
            "map": {"code": "code"},
            "entity": {"id": f"urn:x:{type}:{{code}}"},
        }
        (folder / f"feeds/{feed}.yaml").write_text(yaml.safe_dump(made))


def places(root: Path) -> dict[str, Place]:
    return dict(load_places([root]))


def test_what_is_referred_to_comes_first(tmp_path: Path) -> None:
    place(
        tmp_path,
        "kota",
        {"a-stops": ("Stop", "District"), "b-trips": ("Trip", "Stop"), "z-districts": ("District", "")},
    )
    assert in_order(places(tmp_path)) == [("kota", "z-districts"), ("kota", "a-stops"), ("kota", "b-trips")]


def test_a_type_made_by_several_feeds_is_whole_before_it_is_referred_to(tmp_path: Path) -> None:
    place(tmp_path, "kota", {"a": ("Stop", "District"), "b": ("District", ""), "c": ("District", "")})
    found = in_order(places(tmp_path))
    assert found.index(("kota", "a")) == 2
    assert sorted(found) == [("kota", "a"), ("kota", "b"), ("kota", "c")]


def test_places_from_the_top_down_and_feeds_by_name(tmp_path: Path) -> None:
    place(tmp_path, "a-kota", {"y": ("Y", ""), "x": ("X", "")}, parent="z-provinsi")
    place(tmp_path, "z-provinsi", {"p": ("P", "")})
    assert in_order(places(tmp_path)) == [("z-provinsi", "p"), ("a-kota", "x"), ("a-kota", "y")]


def test_a_place_above_waits_for_what_it_refers_to_below(tmp_path: Path) -> None:
    place(tmp_path, "kota", {"stops": ("Stop", "")}, parent="provinsi")
    place(tmp_path, "provinsi", {"trips": ("Trip", "Stop")})
    assert in_order(places(tmp_path)) == [("kota", "stops"), ("provinsi", "trips")]


def test_a_type_that_refers_to_itself_is_no_cycle(tmp_path: Path) -> None:
    place(tmp_path, "kota", {"a": ("Stop", "Area"), "b": ("Area", "Area")})
    assert in_order(places(tmp_path)) == [("kota", "b"), ("kota", "a")]


def test_feeds_in_a_circle_keep_the_plain_order(tmp_path: Path) -> None:
    place(tmp_path, "kota", {"a": ("A", "B"), "b": ("B", "A"), "c": ("C", "")})
    assert in_order(places(tmp_path)) == [("kota", "a"), ("kota", "b"), ("kota", "c")]


def test_a_circle_costs_the_others_nothing(tmp_path: Path) -> None:
    circle = {"a": ("A", "B"), "b": ("B", "A")}
    place(tmp_path, "kota", {**circle, "c": ("C", "D"), "d": ("D", "")})
    found = in_order(places(tmp_path))
    assert len(found) == 4
    assert found.index(("kota", "d")) < found.index(("kota", "c"))


def test_a_broken_feed_or_contract_is_reported_and_still_listed(tmp_path: Path) -> None:
    place(tmp_path, "kota", {"a": ("A", "C"), "b": ("B", ""), "c": ("C", ""), "d": ("D", "")})
    (tmp_path / "kota/feeds/b.yaml").write_text("sorce: x\n")
    (tmp_path / "kota/contracts/d.yaml").write_text("kind: [")
    problems: list[ConfigError] = []
    found = in_order(places(tmp_path), problems)
    assert sorted(found) == [("kota", name) for name in "abcd"]
    assert found.index(("kota", "c")) < found.index(("kota", "a"))
    assert sorted(error.path.name for error in problems) == ["b.yaml", "d.yaml"]
    with pytest.raises(ConfigError, match="sorce"):
        in_order(places(tmp_path))


def test_a_feed_without_its_contract_is_still_listed(tmp_path: Path) -> None:
    place(tmp_path, "kota", {"a": ("A", "")})
    (tmp_path / "kota/contracts/a.yaml").unlink()
    assert in_order(places(tmp_path)) == [("kota", "a")]


def test_every_feed_of_the_examples_comes_once_and_after_what_it_needs() -> None:
    known = dict(load_places([EXAMPLES]))
    found = in_order(known)
    assert len(found) == len(set(found)) == len(list(EXAMPLES.rglob("feeds/*.yaml")))
    assert found.index(("samarinda", "districts")) < found.index(("samarinda", "villages"))
