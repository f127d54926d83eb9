"""Lists of readers: what a policy file and a contract may say of one attribute, and who reads it then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mahakam.access.policy import Principal
from mahakam.access.rights import Rights
from mahakam.app import open_node
from mahakam.config import ConfigError, Settings, load_places
from mahakam.operations.doctor import examine

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: clinics
version: 1.0.0
status: active
schema:
  - name: Clinic
    properties:
      - {{name: name, logicalType: string}}
      - name: visitors
        logicalType: integer
        classification: {kind}
        customProperties: [{{property: readers, value: {readers}}}]
"""
Made = Callable[..., Rights]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(kind: str = "internal", readers: str = '["officer@health"]', rights: str = "") -> Rights:
        town = tmp_path / "town"
        (town / "contracts").mkdir(parents=True, exist_ok=True)
        (town / "city.yaml").write_text("name: Town\n")
        (town / "contracts" / "clinic.yaml").write_text(CONTRACT.format(kind=kind, readers=readers))
        if rights:
            (tmp_path / "rights.yaml").write_text(rights)
        return Rights(load_places((tmp_path,)), (tmp_path,))

    return make


def reads(rights: Rights, role: str, attribute: str = "visitors", name: str = "one") -> bool:
    role, _, agency = role.partition("@")
    kind = "key" if role in ("reader", "writer") else "person"
    who = Principal(name, (role,), ("town",), kind, (f"town/{agency}",) if agency else ())
    sight = rights.sight(who)
    hidden = sight.hidden({"type": "Clinic", "scope": "/town"})
    assert (attribute not in hidden) == sight.reads("Clinic", attribute, rights.places["town"])
    return attribute not in hidden


def test_a_contracts_list_is_who_reads_it_and_nobody_else(made: Made) -> None:
    rights = made()
    assert reads(rights, "officer@health")
    for role in ("officer", "officer@roads", "steward", "admin", "reader"):
        assert not reads(rights, role), role
    assert "visitors" in rights.open.hidden({"type": "Clinic", "scope": "/town"})
    assert reads(rights, "resident", "name")


def test_a_list_opens_what_is_personal_to_those_it_names_and_keeps_it_personal(made: Made) -> None:
    rights = made("personal", "[steward, head]")
    assert reads(rights, "head")
    assert not reads(rights, "admin")
    assert rights.class_of("Clinic", "visitors", rights.places["town"]) == "personal"
    assert "visitors" in rights.personal.hidden({"type": "Clinic", "scope": "/town"})
    assert rights.reads_personal(Principal("one", ("head",), ("town",)))


def test_the_policy_files_list_stands_above_the_contracts(made: Made) -> None:
    rights = made(rights="types: {Clinic: {visitors: [reader, 'account:dewi']}}\n")
    assert reads(rights, "reader")
    assert reads(rights, "resident", name="dewi")
    assert not reads(rights, "resident", name="budi")
    assert not reads(rights, "officer@health")


def test_a_class_of_the_policy_file_narrows_a_contracts_list(made: Made) -> None:
    rights = made(readers="[steward, head]", rights="types: {Clinic: {visitors: personal}}\n")
    assert reads(rights, "steward")
    assert not reads(rights, "head")


def test_an_empty_list_is_nobody(made: Made) -> None:
    rights = made(readers="[]")
    assert not reads(rights, "admin")


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ("types: {Clinic: {visitors: [officers]}}\n", "'officers' is no role"),
        ("types: {Clinic: {visitors: {class: secret, read: [steward]}}}\n", "expected internal or personal"),
        ("types: {Clinic: {visitors: {read: steward}}}\n", "expected internal or personal"),
        ("types: {Clinic: 5}\n", "expected internal or personal"),
    ],
)
def test_a_line_that_cannot_be_used_stops_the_node(made: Made, rights: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(rights=rights)


def test_a_role_that_there_is_not_in_a_contract_reads_nothing_and_the_doctor_says_so(
    made: Made, tmp_path: Path
) -> None:
    rights = made(readers="[officers]")
    assert not reads(rights, "officer")
    node = open_node(Settings(data=tmp_path / "data", config=(tmp_path,)))
    found = dict(examine(node))["places"]
    node.close()
    assert any("readers of visitors: 'officers' is no role" in one.what for one in found)
