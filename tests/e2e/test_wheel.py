"""The built wheel, installed into an empty environment, serves the same, with no node on the machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from support.node import RunningNode

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", str(folder)], cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_ships_assets_languages_and_examples(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        r"web/static/.*\.css$",
        r"web/static/.*\.js$",
        r"web/static/.*\.woff2$",
        r"locales/id/.*\.po$",
        r"locales/languages\.yaml$",
        r"web/static/language-km-.*\.css$",
        r"web/fonts/Noto Sans Khmer-400\.ttf$",
        r"examples/kaltim/samarinda/city\.yaml$",
    ):
        assert any(re.search(wanted, name) for name in names), wanted
    assert not any("node_modules" in name for name in names)


def test_an_empty_environment_serves_the_same(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "env")], check=True)
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--python", str(tmp_path / "env"), str(wheel)], check=True
    )
    program = str(tmp_path / "env" / "bin" / "mahakam")
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAHAKAM_", "PYTHON"))
    } | {"PATH": "/nonexistent"}
    listed = subprocess.run(
        [
            program,
            "feed",
            "list",
            "--data",
            str(tmp_path / "data"),
            "--config",
            str(next((tmp_path / "env").glob("lib/*/site-packages/mahakam/examples"))),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "samarinda/" in listed.stdout
    monkeypatch.setenv("PATH", "/nonexistent")
    with RunningNode(
        tmp_path / "data",
        config=(next((tmp_path / "env").glob("lib/*/site-packages/mahakam/examples")),),
        program=program,
    ) as node:
        page = httpx.get(f"{node.url}/cities/samarinda", headers={"accept-language": "en"})
        assert page.status_code == 200
        assert "Samarinda" in page.text
        assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert assets
        for asset in assets:
            assert httpx.get(node.url + asset).status_code == 200, asset
