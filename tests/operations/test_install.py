"""What ``mahakam install`` writes: read by systemd itself, and run as it says."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from support.node import MAHAKAM, free_port
from support.portal import two_cities


def install(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MAHAKAM, "install", *options], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    done = install("--root", str(tmp_path), "--backups", "/mnt/back ups")
    assert done.returncode == 0, done.stderr
    return tmp_path


def units(image: Path) -> dict[str, Path]:
    return {path.name: path for path in (image / "etc/systemd/system").iterdir()}


def test_systemd_reads_every_unit(image: Path) -> None:
    found = units(image)
    assert set(found) == {
        "mahakam.service", "mahakam-feeds.service", "mahakam-backup.service", "mahakam-backup.timer",
    }  # fmt: skip
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, found.values())],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "mahakam" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_units_may_do_little(image: Path) -> None:
    for name, path in units(image).items():
        if name.endswith(".service"):
            done = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(path)],
                capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, f"{name}: {done.stdout[-600:]}"


def test_settings_are_for_few_and_stay_as_they_are(image: Path) -> None:
    settings = image / "etc/mahakam/mahakam.env"
    assert settings.stat().st_mode & 0o777 == 0o640
    settings.write_text("MAHAKAM_PORT=9000\n")
    again = install("--root", str(image), "--backups", "/mnt/back ups")
    assert (again.returncode, settings.read_text()) == (0, "MAHAKAM_PORT=9000\n")
    assert again.stdout.count("kept") == 4
    assert "wrote" not in again.stdout


def test_what_the_unit_starts_serves(tmp_path: Path) -> None:
    data, config, port = tmp_path / "data", tmp_path / "places", free_port()
    two_cities(config)
    image = tmp_path / "image"
    done = install("--root", str(image), "--data", str(data), "--config", str(config), "--port", str(port))
    assert done.returncode == 0, done.stderr
    lines = (image / "etc/systemd/system/mahakam.service").read_text().splitlines()
    (command,) = [line.removeprefix("ExecStart=") for line in lines if line.startswith("ExecStart=")]
    settings = (image / config.relative_to("/") / "mahakam.env").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in settings if line and not line.startswith("#"))
    data.mkdir()
    process = subprocess.Popen(
        shlex.split(command), env=os.environ | environment, cwd=data, stderr=subprocess.PIPE, text=True
    )
    try:
        end = time.monotonic() + 120
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/ready")
                break
            except httpx.TransportError:
                assert time.monotonic() < end
                time.sleep(0.1)
        assert answer.json()["status"] == "ready"
        assert (data / "mahakam.sqlite").exists()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--root", "/tmp/x", "--start"), "--start goes without --root"),
        (("--root", "/tmp/x", "--data", "here"), "--data here"),
        (("--root", "/tmp/x", "--backups", "/var/lib/mahakam/backups"), "lies inside of"),
        (("--root", "/tmp/x", "--port", "70000"), "--port"),
    ],
)
def test_what_cannot_be_is_said(options: tuple[str, ...], says: str) -> None:
    done = install(*options)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
