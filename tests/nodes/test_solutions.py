"""A city's solutions reach the hub as copies, are shown there, follow their files, and go."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx

from nodes.conftest import Make, Site, until
from support.node import ROOT

TYPE = "Solution"


def test_solutions_are_sent_shown_and_go(hub: Site, make: Make, tmp_path: Path) -> None:
    config = tmp_path / "kaltim"
    shutil.copytree(ROOT / "examples" / "kaltim", config, ignore=shutil.ignore_patterns("data"))
    city = make("kaltim", config=(config,))
    # Without --share: what is offered first, of which there are only solutions yet.
    city.run("join", hub.invite("kaltim"), "--config", str(config))
    until(lambda: len(hub.here(TYPE)) >= 2, "solutions")
    files = sorted(config.glob("*/solutions/*.yaml"))
    one = files[0]
    page = httpx.get(f"{hub.url}/network/solutions", headers={"accept-language": "en"}, timeout=120).text
    assert f'href="{city.url}/network/solutions/{one.parents[1].name}/{one.stem}"' in page
    assert "On nodes of their own" in page
    own = httpx.get(f"{city.url}/network/solutions", timeout=120).text
    assert "On nodes of their own" not in own, "a city's own stand above"
    id = f"urn:ngsi-ld:Solution:{one.parents[1].name}:{one.stem}"
    assert id in hub.here(TYPE)
    one.unlink()
    until(lambda: id not in hub.here(TYPE), "it goes with its file")
    city.run("revoke", hub.id)
    until(lambda: not hub.here(TYPE), "all go with the share")
