"""A Debian package of Mahakam: ``python -m tools.deb [FOLDER]`` (``make deb``), for the Python that it is run with.

The wheel and all packages that uv.lock names lie in /opt/mahakam; units and settings are those of ``mahakam install``.
Purging it leaves what people have put in: /var/lib/mahakam, the backups, the places in /etc/mahakam.
"""

from __future__ import annotations

import compileall
import gzip
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import mahakam
from mahakam.operations.units import Plan, environment, units
from tools import sbom

ROOT = Path(__file__).parents[1]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_NEXT = f"{sys.version_info.major}.{sys.version_info.minor + 1}"
_UV = Path(sys.executable).with_name("uv")
_GLIBC = "manylinux_2_36"
"""That of Debian 12."""
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
PLAN = Plan(
    Path("/opt/mahakam/bin/mahakam"), "mahakam", Path("/var/lib/mahakam"), Path("/etc/mahakam"), "127.0.0.1", 8000,
    Path("/var/backups/mahakam"),
)  # fmt: skip
MAINTAINER = f"{os.environ.get('DEBFULLNAME', 'Mahakam')} <{os.environ.get('DEBEMAIL', 'mahakam@localhost')}>"
CONTROL = """\
Package: mahakam
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: python3 (>= {python}), python3 (<< {next}~), ca-certificates, libc6 (>= 2.36), passwd, tzdata
Recommends: systemd
Suggests: postgresql, postgresql-postgis
Section: web
Priority: optional
Description: node of a smart city and of a network of cities
 Takes in what a city's agencies measure and count, as files, feeds and NGSI-LD,
 checks each value against a data contract, and serves it to residents, to
 applications and to other cities. It runs with SQLite, or with PostgreSQL.
 .
 The node is not started by the installation: see
 /usr/share/doc/mahakam/operations.md.
"""
POSTINST = """\
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    if ! getent passwd mahakam >/dev/null; then
        useradd --system --user-group --home-dir /var/lib/mahakam --no-create-home --shell /usr/sbin/nologin mahakam
    fi
    for folder in /var/lib/mahakam /var/backups/mahakam; do
        [ -d "$folder" ] || install -d -m 0750 -o mahakam -g mahakam "$folder"
    done
    chown root:mahakam /etc/mahakam /etc/mahakam/mahakam.env
    chmod 0750 /etc/mahakam
    chmod 0640 /etc/mahakam/mahakam.env
    if [ -d /run/systemd/system ]; then
        systemctl --system daemon-reload >/dev/null || true
        if [ -n "$2" ]; then
            deb-systemd-invoke try-restart mahakam.service mahakam-feeds.service >/dev/null || true
        fi
    fi
    if [ -z "$2" ]; then
        echo "Put your places into /etc/mahakam, look through /etc/mahakam/mahakam.env, then make an administrator and"
        echo "start the node, as /usr/share/doc/mahakam/operations.md says."
    fi
fi
"""
PRERM = """\
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop mahakam.service mahakam-feeds.service mahakam-backup.timer >/dev/null || true
fi
"""
POSTRM = """\
#!/bin/sh
set -e
if [ "$1" = purge ]; then
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper purge mahakam.service mahakam-feeds.service mahakam-backup.timer >/dev/null || true
    fi
    for folder in /var/lib/mahakam /var/backups/mahakam; do
        [ ! -d "$folder" ] || echo "$folder is left as it is; delete it if nobody needs what is in it."
    done
fi
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mahakam
Comment: the packages below /opt/mahakam/lib have licences of their own, which lie
 beside each in its .dist-info; mahakam.cdx.json in this folder lists them all.

Files: *
Copyright: 2026 the authors of Mahakam
License: Apache-2.0
 On Debian systems, the full text of the Apache License, Version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
"""


def architecture() -> str:
    """As Debian names this machine's. Raises SystemExit for one that there are no wheels for."""
    found = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if found not in _MACHINES:
        raise SystemExit(f"packages are built on {' and '.join(_MACHINES)}, not on {found}")
    return found


def payload(to: Path) -> None:
    """/opt/mahakam: an environment of the system's Python with the wheel and what uv.lock names, compiled."""
    site = to / "lib" / f"python{PYTHON}" / "site-packages"
    platform = f"{_MACHINES[architecture()]}-{_GLIBC}"
    with tempfile.TemporaryDirectory() as scratch:
        locked = Path(scratch) / "locked.txt"
        _uv(
            "export",
            "--quiet",
            "--frozen",
            "--no-default-groups",
            "--no-emit-project",
            "--output-file",
            str(locked),
        )
        _uv("build", "--quiet", "--wheel", "--out-dir", scratch)
        where = ("--quiet", "--target", str(site), "--python-version", PYTHON, "--python-platform", platform)
        _uv("pip", "install", *where, "--require-hashes", "-r", str(locked))
        _uv("pip", "install", *where, "--no-deps", str(next(Path(scratch).glob("*.whl"))))
    shutil.rmtree(site / "bin", ignore_errors=True)
    shutil.rmtree(site / "share", ignore_errors=True)
    (site / ".lock").unlink(missing_ok=True)
    programs = to / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(f"/usr/bin/python{PYTHON}")
    (to / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON}\n"
    )
    program = programs / "mahakam"
    program.write_text("#!/opt/mahakam/bin/python\nfrom mahakam.cli import main\n\nmain()\n")
    program.chmod(0o755)
    compileall.compile_dir(
        site, quiet=2, stripdir=str(to), prependdir="/opt/mahakam", workers=0,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip


def package(files: Path, to: Path, version: str = mahakam.__version__) -> Path:
    """The package with ``files`` as /opt/mahakam, in the folder ``to``."""
    kind = architecture()
    with tempfile.TemporaryDirectory(dir=to) as scratch:
        root = Path(scratch) / "root"
        shutil.copytree(files, root / "opt/mahakam", symlinks=True, copy_function=os.link)
        (root / "usr/bin").mkdir(parents=True)
        (root / "usr/bin/mahakam").symlink_to("/opt/mahakam/bin/mahakam")
        for name, text in units(PLAN).items():
            _write(root / "lib/systemd/system" / name, text)
        _write(root / PLAN.environment_file.relative_to("/"), environment(PLAN), 0o640)
        _documents(root / "usr/share/doc/mahakam", version)
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) // 1024
        control = CONTROL.format(
            version=version, architecture=kind, maintainer=MAINTAINER, size=size, python=PYTHON, next=_NEXT
        )
        _write(root / "DEBIAN/control", control)
        _write(root / "DEBIAN/conffiles", f"{PLAN.environment_file}\n")
        for name, text in (("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)):
            _write(root / "DEBIAN" / name, text, 0o755)
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        made = to / f"mahakam_{version}_{kind}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", root, made], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    return made


def _documents(to: Path, version: str) -> None:
    _write(to / "copyright", COPYRIGHT)
    at = format_datetime(datetime.now(UTC))
    entry = f"mahakam ({version}) stable; urgency=medium\n\n  * Released.\n\n -- {MAINTAINER}  {at}\n"
    (to / "changelog.gz").write_bytes(gzip.compress(entry.encode(), 9, mtime=0))
    for page in sorted((ROOT / "docs").glob("*.md")):
        _write(to / page.name, page.read_text("utf-8"))
    sbom.main([str(to / "mahakam.cdx.json")])


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)


def _uv(*words: str) -> None:
    subprocess.run([_UV, *words], cwd=ROOT, check=True)


def main(arguments: list[str]) -> None:
    to = Path(arguments[0]) if arguments else ROOT / "dist"
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to) as scratch:
        files = Path(scratch) / "mahakam"
        payload(files)
        made = package(files, to)
    print(f"{made}: {made.stat().st_size / 1e6:.0f} MB, for Python {PYTHON}")


if __name__ == "__main__":
    main(sys.argv[1:])
