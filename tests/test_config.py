"""Which places a configuration leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from mahakam.config import ConfigError, Settings, load_places


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A folder with a network and, below it, a city."""
    folder = tmp_path / "delta"
    (folder / "upstream").mkdir(parents=True)
    (folder / "network.yaml").write_text("name: Delta\n")
    (folder / "upstream" / "city.yaml").write_text("name: Upstream\nparent: delta\n")
    return folder


def test_a_folder_is_searched_and_a_file_is_that_place_alone(network: Path) -> None:
    assert list(load_places([network])) == ["delta", "upstream"]
    assert list(load_places([network / "network.yaml"])) == ["delta"]
    alone = load_places([network / "upstream" / "city.yaml"])
    assert list(alone) == ["upstream"]
    assert alone["upstream"].folder == network / "upstream"


def test_a_file_beside_the_folder_that_holds_it_is_no_second_place(network: Path) -> None:
    assert list(load_places([network / "network.yaml", network])) == ["delta", "upstream"]


def test_a_file_of_another_name_is_said(network: Path) -> None:
    other = network / "notes.yaml"
    other.write_text("name: Notes\n")
    with pytest.raises(ConfigError, match=r"notes\.yaml: .* named city\.yaml, province\.yaml, network\.yaml"):
        load_places([other])


def test_rights_and_the_provider_are_looked_for_beside_the_file(network: Path) -> None:
    settings = Settings(Path("data"), (network / "network.yaml", network))
    assert settings.folders == (network, network)
