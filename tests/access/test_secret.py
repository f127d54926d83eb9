"""The node's signing secret is changed while it runs: sessions end, links go on as long as is said, nothing is lost."""

from __future__ import annotations

import hashlib
import hmac
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mahakam.access import accounts, secrets
from mahakam.services import consent, followers, owner
from mahakam.store.opening import open_store
from support.node import MAHAKAM, RunningNode
from support.portal import TOWN, hidden, two_cities, words_of

PASSWORD = "correct horse battery"
NUMBER = "TOWN-2026-000001"


def test_a_change_keeps_links_marks_and_followers(store_url: str, tmp_path: Path) -> None:
    opened = open_store(store_url, tmp_path)
    store = opened.tenant()
    before, mark = secrets.signing_secret(store), consent.hash_of(store, "ani@example.id")
    key = owner.key_of(store, NUMBER)
    ani = followers.add(store, NUMBER, "ani@example.id", "id", owner=True)
    assert ani
    found = secrets.change(store, 30)
    assert found.signing.value != before
    assert secrets.signing_secret(store) == found.signing.value
    assert owner.key_of(store, NUMBER) != key
    assert owner.owns(store, NUMBER, key)
    assert owner.owns(store, NUMBER, owner.key_of(store, NUMBER))
    assert not owner.owns(store, "TOWN-2026-000002", key)
    assert consent.hash_of(store, "ani@example.id") == mark
    assert followers.find(store, NUMBER, ani.token) == ani
    again = followers.add(store, NUMBER, " Ani@example.id", "id")
    assert again == ani, "who follows already follows once"
    assert len(followers.of(store, NUMBER)) == 1
    (entry,) = opened.tenant().audit_entries(action=secrets.CHANGE)
    assert before not in entry.detail
    secrets.change(store, 0)
    assert not owner.owns(store, NUMBER, key), "0 days: of earlier ones neither"
    assert len(secrets.secrets_of(store).taken) == 1
    assert before not in str(store.records(secrets.KIND)[secrets.SIGNING])
    for days in (-1, secrets.LONGEST_DAYS + 1):
        with pytest.raises(ValueError, match="0 to 3660 days"):
            secrets.change(store, days)
    opened.close()


def test_a_link_ends_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_store("", tmp_path)
    store = opened.tenant()
    key = owner.key_of(store, NUMBER)
    secrets.change(store, 30)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 29 * 86400)
    assert owner.owns(store, NUMBER, key)
    monkeypatch.setattr(time, "time", lambda: now + 30 * 86400 + 1)
    assert not owner.owns(store, NUMBER, key)
    opened.close()


def test_a_restore_of_an_older_backup_goes_on_with_the_newest_secrets(tmp_path: Path) -> None:
    data, vault, new = tmp_path / "data", tmp_path / "vault", tmp_path / "new"

    def run(*words: str | Path) -> str:
        done = subprocess.run([MAHAKAM, *map(str, words)], capture_output=True, text=True, check=True)
        return done.stdout

    def keys(folder: Path) -> tuple[str, str]:
        opened = open_store("", folder)
        found = owner.key_of(opened.tenant(), NUMBER), consent.hash_of(opened.tenant(), "ani@example.id")
        opened.close()
        return found

    open_store("", data).close()
    before = run("backup", "--data", data, "--to", vault).partition(":")[0]
    old = keys(data)
    run("secret", "change", "--data", data, "--links-days", "0")
    run("backup", "--data", data, "--to", vault)
    run("restore", "--data", new, "--from", vault, "--at", before)
    assert keys(new) == keys(data)
    assert keys(new) != old


def test_a_store_from_before_goes_on_with_what_it_had(tmp_path: Path) -> None:
    """One secret of earlier releases did both: it signs on, and marks for good."""
    opened = open_store("", tmp_path)
    store = opened.tenant()
    old = "an-old-secret-of-a-node"
    store.write(lambda made: made.save_record(secrets.KIND, secrets.SIGNING, {"value": old}))
    key = owner.key_of(store, NUMBER)
    assert len(key) == 20, "the links that residents hold"
    mark = hmac.new(old.encode(), b"consent:ani@example.id", hashlib.sha256).hexdigest()[:40]
    assert consent.hash_of(store, "ani@example.id") == mark
    secrets.change(store)
    assert consent.hash_of(store, "ani@example.id") == mark
    assert len(owner.key_of(store, NUMBER)) == 24
    assert owner.owns(store, NUMBER, key)
    opened.close()


def owner_key(data: Path, number: str) -> str:
    """What the next letter about the request says."""
    opened = open_store("", data)
    key = owner.key_of(opened.tenant(), number)
    opened.close()
    return key


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_the_command_changes_it_under_a_running_node(tmp_path: Path) -> None:
    data, places = tmp_path / "data", two_cities(tmp_path / "places")
    opened = open_store("", data)
    accounts.add_account(opened.tenant(), "siti", PASSWORD, ["steward"], ["town"])
    opened.close()

    def change(*words: str) -> str:
        done = subprocess.run(
            [MAHAKAM, "secret", *words, "--data", str(data)], capture_output=True, text=True, check=True
        )
        return done.stdout

    def send(visitor: httpx.Client, east: float = 0) -> str:
        shown = visitor.get("/report?city=town&lang=en").text
        fields = {
            "service": "pothole",
            "description": "Deep",
            "longitude": TOWN[0] + east,
            "latitude": TOWN[1],
        }
        sent = visitor.post("/report", data=hidden(shown) | fields, files={"photo": ("", b"")})
        assert sent.status_code == 303, words_of(sent.text)
        return str(sent.headers["location"])

    def all_know(page: str, status: int) -> bool:
        """Twenty new connections: each of the two workers has answered some."""
        return all(httpx.get(node.url + page).status_code == status for _ in range(20))

    with RunningNode(data, config=(places,), workers=2) as node, httpx.Client(base_url=node.url) as visitor:
        link = send(visitor)
        number, key = re.search(r"/requests/([^?]+)\?.*key=([^&]+)", link).groups()  # type: ignore[union-attr]
        form = hidden(visitor.get("/signin").text)
        signed = visitor.post("/signin", data=form | {"name": "siti", "password": PASSWORD})
        assert signed.status_code == 303
        assert visitor.get("/account").status_code == 200
        page = f"/requests/{number}/consent?key={key}"
        assert all_know(page, 200)
        assert "1 sessions ended" in change("change", "--links-days", "30")
        assert "opens links until" in change("info")
        _until(lambda: all(visitor.get("/account").status_code == 303 for _ in range(20)))
        assert all_know(page, 200)
        assert all_know(f"/requests/{number}/consent?key=x{key}", 404)
        newer = re.search(r"key=([^&]+)", send(visitor, 0.02))
        assert newer
        form = hidden(visitor.get("/signin").text)
        assert visitor.post("/signin", data=form | {"name": "siti", "password": PASSWORD}).status_code == 303
        change("change", "--links-days", "0")
        _until(lambda: all_know(page, 404))
        after = owner_key(data, number)
        assert after not in (key, newer[1])
        assert all_know(f"/requests/{number}/consent?key={after}", 200)
    assert "Traceback" not in node.log()


@pytest.mark.parametrize(
    "words", ["secret info", "secret change", "user list", "key list", "mail list", "subscription list"]
)
def test_a_store_that_is_none_is_said_in_a_line(words: str, tmp_path: Path) -> None:
    (tmp_path / "mahakam.sqlite").write_text(
        "this is no database, but a text as long as its head would be" * 9
    )
    done = subprocess.run(
        [MAHAKAM, *words.split(), "--data", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "is not a Mahakam store" in done.stderr
    assert "Traceback" not in done.stderr
