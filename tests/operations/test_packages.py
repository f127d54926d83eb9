"""The Debian package, the image and the Compose file: what they say; really installed if asked (``-m packaging``)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from tools import deb

from mahakam.operations.units import environment, units
from support.node import ROOT, free_port
from support.notify import until
from support.portal import two_cities

CONTAINERFILE = (ROOT / "Containerfile").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")


def said(*words: object, code: int = 0) -> str:
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with nothing but a program that says its name."""
    folder = tmp_path_factory.mktemp("small")
    program = folder / "files/bin/mahakam"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho mahakam\n")
    program.chmod(0o755)
    return deb.package(folder / "files", folder, "1.2.3")


def test_the_package_holds_the_units_and_settings_of_install(small: Path, tmp_path: Path) -> None:
    said("dpkg-deb", "-R", small, tmp_path)
    for name, text in units(deb.PLAN).items():
        assert (tmp_path / "lib/systemd/system" / name).read_text() == text
    settings = tmp_path / "etc/mahakam/mahakam.env"
    assert settings.read_text() == environment(deb.PLAN)
    assert settings.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "DEBIAN/conffiles").read_text() == "/etc/mahakam/mahakam.env\n"
    assert (tmp_path / "usr/share/doc/mahakam/operations.md").is_file()
    bill = json.loads((tmp_path / "usr/share/doc/mahakam/mahakam.cdx.json").read_text())
    assert {"granian", "duckdb"} <= {one["name"] for one in bill["components"]}
    assert not (tmp_path / "var").exists(), "what is not of the package is not deleted with it"
    for script in ("postinst", "prerm", "postrm"):
        said("sh", "-n", tmp_path / "DEBIAN" / script)


def test_the_package_says_what_it_needs(small: Path) -> None:
    assert said("dpkg-deb", "-f", small, "Version").strip() == "1.2.3"
    depends = said("dpkg-deb", "-f", small, "Depends")
    assert f"python3 (>= {deb.PYTHON})" in depends
    assert re.search(r"python3 \(<< 3\.\d+~\)", depends)
    listed = said("dpkg-deb", "-c", small)
    assert {line.split()[1] for line in listed.splitlines()} == {"root/root"}


def test_the_image_runs_as_nobody_in_particular() -> None:
    final = CONTAINERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER mahakam$", final, re.M)
    assert re.search(r"^HEALTHCHECK .*/ready", final, re.M)
    assert not re.search(r"PASSWORD|SECRET|TOKEN|--open", CONTAINERFILE)
    for line in CONTAINERFILE.splitlines():
        if line.startswith("FROM"):
            assert re.match(r"FROM docker\.io/library/debian:\w+-slim", line), "a named release, not latest"
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert kept[0] == "*", "what goes into the image is named; no data, no secret gets there by chance"


def test_compose_waits_for_the_database_and_opens_nothing() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    assert services["node"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["node"]["ports"] == ["127.0.0.1:${MAHAKAM_PORT:-8000}:8000"]
    assert not services["database"].get("ports")
    assert services["feeds"]["ports"] == []
    for name in ("node", "feeds"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    secrets = re.findall(r"PASSWORD: (.*)", COMPOSE)
    assert secrets
    assert all(one.startswith("${MAHAKAM_DB_PASSWORD:?") for one in secrets), "no password stands in the file"


# Really


class Machine:
    """A Debian in a folder, entered with chroot; it shares the network of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: object, user: str = "root", code: int = 0) -> str:
        return said("chroot", f"--userspec={user}", self.folder, *words, code=code)

    def dpkg(self, *words: object) -> str:
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--force-unsafe-io", *words)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    said(ROOT / "tools/system-packages", "debootstrap", "lintian", "docker-compose")
    folder = tmp_path_factory.mktemp("machine")
    folder.chmod(0o755)
    for above in folder.parents[:3]:
        above.chmod(above.stat().st_mode | 0o011)
    said("debootstrap", "--variant=minbase", "bookworm", folder)
    (folder / "etc/resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
    for settings in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
        shutil.copy(settings, folder / "etc/apt/apt.conf.d")
    yield Machine(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.packaging
@pytest.mark.skipif(os.geteuid() != 0, reason="a package is installed by root")
def test_the_package_is_installed_upgraded_and_purged(machine: Machine, small: Path, tmp_path: Path) -> None:
    """The steps of the image are those that install it; then it serves as its user, is upgraded, and taken away."""
    files, root = tmp_path / "files", machine.folder
    deb.payload(files)
    shutil.copy(deb.package(files, tmp_path), root / "tmp")
    final = CONTAINERFILE.split("\nFROM ")[-1]
    for step in re.findall(r"^RUN (.+(?:\n .+)*)", final, re.M):
        machine.run("sh", "-ec", step.replace("\\\n", " "))
    assert "mahakam, version" in machine.run("mahakam", "--version")
    assert "drwxr-x--- mahakam mahakam" in machine.run("stat", "-c", "%A %U %G", "/var/lib/mahakam")
    assert "-rw-r----- root mahakam" in machine.run("stat", "-c", "%A %U %G", "/etc/mahakam/mahakam.env")
    assert "nologin" in machine.run("getent", "passwd", "mahakam")
    two_cities(root / "etc/mahakam/places")
    port = free_port()
    settings = dict(re.findall(r"(MAHAKAM_\w+)=(\S+)", re.findall(r"^ENV (.+)$", final, re.M)[0]))
    settings |= {"MAHAKAM_PORT": str(port), "MAHAKAM_HOST": "127.0.0.1", "MAHAKAM_AUDIT": "on"}
    program = [*json.loads(re.findall(r"^ENTRYPOINT (.+)$", final, re.M)[0]),
               *json.loads(re.findall(r"^CMD (.+)$", final, re.M)[0])]  # fmt: skip
    given = [f"{name}={value}" for name, value in settings.items()]
    process = subprocess.Popen(
        ["chroot", "--userspec=mahakam:mahakam", root, "env", *given, *program],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: _is_ready(port))
        probe = json.loads(re.findall(r"^HEALTHCHECK .*?CMD (.+)$", final, re.M)[0])
        machine.run(*[word.replace("8000", str(port)) for word in probe], user="mahakam:mahakam")
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    assert process.returncode == 0
    store = root / "var/lib/mahakam/mahakam.sqlite"
    assert store.stat().st_size > 0

    with (root / "etc/mahakam/mahakam.env").open("a") as file:
        file.write("MAHAKAM_URL=https://layanan.example.id\n")
    shutil.copy(small, root / "tmp")
    machine.dpkg("-i", f"/tmp/{small.name}")
    assert "1.2.3" in machine.run("dpkg-query", "-W", "mahakam")
    assert "layanan.example.id" in (root / "etc/mahakam/mahakam.env").read_text()
    assert "-rw-r----- root mahakam" in machine.run("stat", "-c", "%A %U %G", "/etc/mahakam/mahakam.env")
    machine.dpkg("-r", "mahakam")
    assert not (root / "opt/mahakam").exists()
    assert (root / "etc/mahakam/mahakam.env").exists()
    assert "is left as it is" in machine.dpkg("-P", "mahakam")
    assert not (root / "etc/mahakam/mahakam.env").exists()
    assert (root / "etc/mahakam/places").is_dir()
    assert store.stat().st_size > 0


@pytest.mark.packaging
@pytest.mark.skipif(os.geteuid() != 0, reason="it installs Debian packages")
def test_lintian_and_compose_find_no_fault(small: Path) -> None:
    said(ROOT / "tools/system-packages", "lintian", "docker-compose")
    # What brings an interpreter's packages of its own lies in /opt (FHS 3.13); who builds it has an address (DEBEMAIL).
    ours = "dir-or-file-in-opt,bogus-mail-host,bogus-mail-host-in-debian-changelog"
    said("lintian", "--fail-on=error", f"--suppress-tags={ours}", "--allow-root", small)
    said("env", "MAHAKAM_DB_PASSWORD=x", "docker-compose", "-f", ROOT / "compose.yaml", "config", "--quiet")
    refused = said(
        "env", "-u", "MAHAKAM_DB_PASSWORD", "docker-compose", "-f", ROOT / "compose.yaml", "config", code=1
    )
    assert "a password for the database" in refused


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
    except httpx.TransportError:
        return False
