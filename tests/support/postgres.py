"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port, not run by root."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

USER, PASSWORD = "mahakam", "se-cret"
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "max_connections": "200",
    "shared_buffers": "'64MB'",
    "log_min_messages": "fatal",
    "timezone": "'UTC'",
}
_IN_MEMORY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _programs() -> Path:
    """The folder of initdb and pg_ctl, of the newest version that Debian has installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    assert program, "PostgreSQL is not installed: tools/system-packages postgresql postgresql-postgis"
    return Path(program).parent


class PostgresServer:
    """One server. ``durable``: it writes to the disk what it says it has written; else it is faster."""

    def __init__(self, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mahakam-postgres-"))
        self._bin = _programs()
        self._numbers = count(1)
        self._follower = self.folder / "follower"
        self._free: list[str] = []
        self._as_user = [] if os.geteuid() else ["runuser", "-u", "postgres", "--"]
        if self._as_user:
            shutil.chown(self.folder, "postgres", "postgres")
        self.data = self.folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        initdb = f"-D {self.data} -U {USER} --auth=trust --encoding=UTF8 --no-locale --no-sync"
        self.run("initdb", *initdb.split())
        self.configure(_SETTINGS | {"unix_socket_directories": f"'{self.folder}'", "port": str(self.port)})
        if not durable:
            self.configure(_IN_MEMORY)
        self.start()
        with self.connect("postgres") as connection:
            connection.execute("CREATE DATABASE with_postgis TEMPLATE template0")
        with self.connect("with_postgis") as connection:
            connection.execute("CREATE EXTENSION postgis")

    def configure(self, settings: dict[str, str]) -> None:
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> None:
        self.run("pg_ctl", "start", "-w", "-s", "-D", str(self.data), "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "stop", "-w", "-s", "-m", mode, "-D", str(self.data))

    def run(self, program: str, *arguments: str) -> None:
        """Raises AssertionError with what the program said. Output goes to a file: the server keeps it open."""
        with tempfile.TemporaryFile() as said:
            command = [*self._as_user, str(self._bin / program), *arguments]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", check=False
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode()

    def connect(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url_of(name), autocommit=True)

    def url_of(self, name: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(self._numbers)}"
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE with_postgis STRATEGY file_copy")
        return self.url_of(name)

    def give_back(self, url: str) -> None:
        """Empty a database, for the next test: quicker than a new one."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname ~ '^mahakam'"
            ).fetchall()
            for (schema,) in found:
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(str(schema))))
        self._free.append(url)

    def follower(self) -> str:
        """Start a server that follows this one; the URL of the database made last, on it."""
        self.run("pg_basebackup", "-D", str(self._follower), "-h", "127.0.0.1", "-p", str(self.port), "-U", USER,
                 "-R", "-c", "fast", "--no-sync")  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (self._follower / "postgresql.conf").open("a") as file:
            file.write(f"port = {port}\n")
        log = str(self.folder / "follower.log")
        self.run("pg_ctl", "start", "-w", "-s", "-D", str(self._follower), "-l", log)
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/test_{next(self._numbers) - 1}"

    def stop_follower(self) -> None:
        self.run("pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", str(self._follower))

    def synchronous_follower(self) -> str:
        """The same; from now on what is acknowledged is at both. The URL names both, whichever may be written to."""
        url = self.follower()
        with self.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            until = time.monotonic() + 120
            while not connection.execute(
                "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
            ).fetchall():
                assert time.monotonic() < until, "nobody follows"
                time.sleep(0.1)
        there, _, name = url.partition("@")[2].partition("/")
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port},{there}/{name}?target_session_attrs=read-write"

    def kill(self) -> None:
        """End the server without a word, as a machine does that loses its power."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        (self.data / "postmaster.pid").unlink()

    def promote_follower(self) -> None:
        self.run("pg_ctl", "promote", "-w", "-s", "-D", str(self._follower))

    def close(self) -> None:
        if (self._follower / "postmaster.pid").exists():
            self.stop_follower()
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
