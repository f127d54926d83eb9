"""A newcomer's whole story by the guide: install, load the demo, back up, lose everything, restore, upgrade."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import httpx
import pytest
from PIL import Image

from support.node import ROOT, RunningNode
from support.portal import hidden, words_of

BEFORE = "277f294"
"""A version of the day before, whose stores have an older schema."""
WORDS = "Pohon tumbang di depan pasar"
UV = str(Path(sys.executable).with_name("uv"))
_STORED = (
    "/ngsi-ld/v1/types",
    "/ngsi-ld/v1/entities?type=AdministrativeArea&limit=100",
    "/network/projects.csv",
    "/cities/samarinda.csv",
)
"""What stays as it is, byte by byte, whatever happens to the node."""
_RECKONED = ("/quality.csv", "/catalogue.csv")
"""The same, as long as the version is the same: another one may weigh and describe in other ways."""


def run(*command: str, **variables: str) -> str:
    """What a command printed; it ends well, and none of this test's surroundings reach it."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAHAKAM", "PYTHON"))
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment | variables, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def wheel_of_before(folder: Path) -> Path:
    """The wheel that was built a version ago."""
    packed = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip("the repository's history is not here")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    for file, line in (
        ("pyproject.toml", 'version = "{}"'),
        ("src/mahakam/__init__.py", '__version__ = "{}"'),
    ):
        project, now = folder / file, line.format("0.1.0")
        assert now in project.read_text()
        project.write_text(project.read_text().replace(now, line.format("0.0.9")))
    shutil.copytree(
        ROOT / "src/mahakam/web/static", folder / "src/mahakam/web/static"
    )  # what npm brings, built
    return _wheel(folder, folder / "dist")


def _wheel(project: Path, to: Path) -> Path:
    run(UV, "build", "--quiet", "--wheel", "--out-dir", str(to), str(project))
    return next(to.glob("*.whl"))


def shown(node: RunningNode, *paths: str) -> dict[str, bytes]:
    with httpx.Client(base_url=node.url, timeout=60) as client:
        found = {path: client.get(path).raise_for_status().content for path in paths}
    return {path: content.replace(node.url.encode(), b"") for path, content in found.items()}


def photo() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((640, 480), 80).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def report(node: RunningNode, words: str) -> str:
    """The number of a report with a photo that a resident of Samarinda sends."""
    with httpx.Client(base_url=node.url, headers={"origin": node.url}, timeout=60) as client:
        fields = hidden(client.get("/report?city=samarinda").text) | {
            "service": "fallen-tree", "description": words, "anyway": "1", "idempotency": words,
            "longitude": "117.1536", "latitude": "-0.5022",
        }  # fmt: skip
        answer = client.post("/report", data=fields, files={"photo": ("p.jpg", photo(), "image/jpeg")})
        assert answer.status_code == 303, words_of(answer.text)
        return answer.headers["location"].removeprefix("/requests/").partition("?")[0]


def seen(node: RunningNode, number: str) -> tuple[str, bytes]:
    """What the public page of a report says, and its photo."""
    with httpx.Client(base_url=node.url, timeout=60) as client:
        page = client.get(f"/requests/{number}").raise_for_status().text
        (photo,) = set(re.findall(r"/photos/[0-9a-f]{64}\.jpg", page))
        return words_of(page), client.get(photo).raise_for_status().content


def test_a_newcomer_installs_loads_backs_up_loses_restores_and_upgrades(tmp_path: Path) -> None:
    environment, data, backups = tmp_path / "opt", tmp_path / "data", tmp_path / "backups"
    mahakam = str(environment / "bin/mahakam")
    install = (UV, "pip", "install", "--quiet", "--python", str(environment))

    def places() -> tuple[Path, ...]:
        return tuple(environment.glob("lib/*/site-packages/mahakam/examples"))

    run(UV, "venv", "--quiet", "--python", sys.executable, str(environment))

    run(*install, str(wheel_of_before(tmp_path / "before")))
    assert "0.0.9" in run(mahakam, "--version")
    assert "33 feeds" in run(mahakam, "demo", "--no-serve", "--data", str(data))
    with RunningNode(data, config=places(), demo=True, program=mahakam) as node:
        number = report(node, WORDS)
        before, (words, picture) = shown(node, *_STORED, *_RECKONED), seen(node, number)
        assert WORDS in words
        run(mahakam, "backup", "--data", str(data), "--to", str(backups))
        os.killpg(node.pid, signal.SIGKILL)
        shutil.rmtree(data)

    run(mahakam, "verify", "--from", str(backups))
    run(mahakam, "restore", "--data", str(data), "--from", str(backups))
    with RunningNode(data, config=places(), demo=True, program=mahakam) as node:
        assert shown(node, *_STORED, *_RECKONED) == before
        assert seen(node, number) == (words, picture)

    run(*install, str(_wheel(ROOT, tmp_path / "dist")))
    assert "0.1.0" in run(mahakam, "--version")
    run(mahakam, "verify", "--data", str(data))
    with RunningNode(data, config=places(), demo=True, program=mahakam) as node:
        found, kept = seen(node, number)
        assert WORDS in found
        assert kept == picture
        assert shown(node, *_STORED) == {path: before[path] for path in _STORED}
        another = report(node, "Pohon lain, sesudah pemutakhiran")
        assert another > number
        assert "Pohon lain" in seen(node, another)[0]
        run(mahakam, "audit", "verify", "--data", str(data))
