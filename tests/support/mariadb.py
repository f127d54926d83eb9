"""A MariaDB server of the tests' own: in a temporary folder, on a free port, with one account that may read."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pymysql
import pytest

from support.node import ROOT, free_port

READER, PASSWORD = "pembaca", "ra/ha@sia"
"""The password has what a URL must encode."""


class MariadbServer:
    """``url``: the account that reads, its password left out as ``${AGENCY_PASSWORD}``; ``run`` is for the owner."""

    def __init__(self) -> None:
        install, server = _program("mariadb-install-db"), _program("mariadbd")
        self.folder = Path(tempfile.mkdtemp(prefix="mahakam-mariadb-"))
        self.port = free_port()
        self._socket = self.folder / "socket"
        user = "mysql" if os.geteuid() == 0 else getpass.getuser()
        if os.geteuid() == 0:
            shutil.chown(self.folder, user, user)
        shared = ["--no-defaults", f"--datadir={self.folder / 'data'}", f"--user={user}"]
        subprocess.run(
            [install, *shared, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        self._process = subprocess.Popen(
            [server, *shared, f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self._socket}",
             "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--skip-name-resolve"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._wait()
        self.run("CREATE DATABASE dinas CHARACTER SET utf8mb4", database=None)
        self.run(f"CREATE USER {READER} IDENTIFIED BY '{PASSWORD}'")
        self.run(f"GRANT SELECT, INSERT, UPDATE, DELETE, DROP ON dinas.* TO {READER}")
        self.url = f"mysql://{READER}:${{AGENCY_PASSWORD}}@127.0.0.1:{self.port}/dinas"

    def run(self, *statements: str, database: str | None = "dinas") -> None:
        """Statements of the owner, each committed."""
        connection = pymysql.connect(
            unix_socket=str(self._socket), user="root", database=database, charset="utf8mb4", autocommit=True
        )
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def count(self, table: str) -> int:
        connection = pymysql.connect(unix_socket=str(self._socket), user="root", database="dinas")
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            return int(cursor.fetchall()[0][0])

    def _wait(self) -> None:
        end = time.monotonic() + 120
        while True:
            try:
                return self.run("SELECT 1", database=None)
            except pymysql.MySQLError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        self._process.kill()
        self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def _program(name: str) -> str:
    """The path of a program of Debian's mariadb-server; the tests fail where it cannot be installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if found is None:
        done = subprocess.run(
            [str(ROOT / "tools/system-packages"), "mariadb-server"],
            capture_output=True,
            text=True,
            check=False,
        )
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
        if found is None:
            pytest.fail(
                f"these tests need Debian's mariadb-server: {done.stdout}{done.stderr}", pytrace=False
            )
    return found
