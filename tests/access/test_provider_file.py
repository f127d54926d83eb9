"""signin.yaml: what it says, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from mahakam.access.provider.configured import Provider, read_provider
from mahakam.config import ConfigError, load_places
from support.openid import signin_yaml
from support.portal import two_cities

GOOD = signin_yaml("https://login.example.id/realms/asn")


def read(root: Path, text: str) -> Provider | None:
    places = two_cities(root / "places")
    (places / "signin.yaml").write_text(text)
    return read_provider([places], load_places([places]), "s3cret")


def test_a_file_says_who_vouches_and_for_what(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found is not None
    assert (found.issuer, found.client, found.account) == (
        "https://login.example.id/realms/asn", "mahakam", "preferred_username",
    )  # fmt: skip
    assert found.name == {"en": "Provincial account", "id": "Akun provinsi"}
    assert "s3cret" not in repr(found)
    for claims, roles in (
        ({"groups": ["walidata", "dishub"]}, ("steward",)),
        ({"groups": "dishub"}, ("officer",)),
        ({"groups": [["dishub"]]}, None),
        ({"groups": {"dishub": True}}, None),
        ({}, None),
    ):
        line = found.line_of(claims)
        assert (line.roles if line else None) == roles, claims


def test_values_of_a_claim_are_compared_as_they_are_written(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD.replace("{groups: dishub}", "{level: 3, active: true}"))
    assert found is not None
    assert found.line_of({"level": 3, "active": True})
    assert found.line_of({"level": "3", "active": "true"})
    assert not found.line_of({"level": 3})
    assert not found.line_of({"level": 3, "active": False})


def test_no_file_is_no_provider(tmp_path: Path) -> None:
    places = two_cities(tmp_path)
    assert read_provider([places], load_places([places])) is None


BAD = {
    "http": (GOOD.replace("https://login", "http://login"), "issuer: .*not encrypted"),
    "no issuer": (GOOD.replace("issuer:", "isuer:"), "isuer is unknown; there are issuer, client"),
    "no client": (GOOD.replace("client: mahakam\n", ""), "client: a text was expected"),
    "no roles": (GOOD.partition("roles:")[0], "roles: a list was expected"),
    "a role that there is not": (GOOD.replace("role: officer", "role: mayor"), r"roles\[2\].role: 'mayor' is no role"),
    "a place that there is not": (GOOD.replace("[town]", "[atlantis]"), r"\[2\].places: there is no place 'atlantis'"),
    "no place": (GOOD.replace("    places: [town]\n", ""), r"roles\[2\].places: a list was expected"),
    "everybody an officer": (GOOD.replace("  - when: {groups: dishub}\n    role", "  - role"), r"may be resident only"),
    "everybody an admin and a resident": (
        GOOD + "  - {role: [resident, admin], places: ['*']}\n", r"roles\[3\]: without when",
    ),
    "an empty value": (GOOD.replace("groups: dishub", "groups: []"), r"roles\[2\].when.groups: a value"),
    "link by name": (GOOD + "link: name\n", "link: email, or nothing"),
    "a second step by faith": (GOOD + "second_step: {sub: [x]}\n", "second_step: amr or acr"),
    "scopes as a text": (GOOD + "scopes: openid\n", "scopes: a list was expected"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_used_says_what_and_where(tmp_path: Path, case: str) -> None:
    text, said = BAD[case]
    with pytest.raises(ConfigError, match=said) as error:
        read(tmp_path, text)
    assert error.value.path.name == "signin.yaml"


def test_a_node_has_one_provider(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    more = tmp_path / "more"
    more.mkdir()
    for folder in (places, more):
        (folder / "signin.yaml").write_text(GOOD)
    with pytest.raises(ConfigError, match="one provider"):
        read_provider([places, more], load_places([places]))
