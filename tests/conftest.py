"""One folder for what a whole test run shares (the loaded demo), made by the first process and removed at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

from mahakam.services import photo
from support.hashing import hash_quickly
from support.postgres import PostgresServer

# The gate judges a change by the change: its examples are drawn from each test's own text. New ones are sought
# by `make search`, which draws at random; what it finds becomes a test of its own. Neither asserts a time: the first
# draw of a fresh clone alone takes seconds on a busy machine.
_PATIENT: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("gate", derandomize=True, **_PATIENT)
settings.register_profile("search", max_examples=1_000, print_blob=True, **_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

# A client waits for an answer as long as a busy machine takes, where a test does not say how long.
for _part in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _part, 120.0)


hash_quickly()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a third of the time the tests wait, for servers, disks and browsers."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ["MAHAKAM_TEST_RUN"] = tempfile.mkdtemp(prefix="mahakam-tests-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What ``python -m tools.reliability`` reads in the report of a run."""
    for item in items:
        for mark in item.iter_markers("fault"):
            what, kept = mark.args
            item.user_properties += [("what", what), ("kept", kept), ("times", mark.kwargs.get("times", 1))]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop("MAHAKAM_TEST_RUN"), ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this process of the test run, started when it is first asked for."""
    server = PostgresServer()
    yield server
    server.close()


def _fresh(request: pytest.FixtureRequest, kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.new_database()
    yield url
    server.give_back(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh store, of each kind in turn; "" is SQLite in the data folder."""
    yield from _fresh(request, request.param)


@pytest.fixture
def story_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The same, but SQLite alone, except for tests marked with :data:`support.stores.on_both_stores`."""
    yield from _fresh(request, getattr(request, "param", "sqlite"))


@pytest.fixture(autouse=True)
def _photos_are_drawn_at_once() -> None:
    """What an earlier test sent is no crowd in this one's way."""
    photo.forget_pace()
