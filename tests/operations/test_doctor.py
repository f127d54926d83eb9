"""``mahakam doctor`` on real installations, each broken in one way: it says what, where, and how to mend it."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mahakam.access.accounts import add_account
from mahakam.access.keys import add_key
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.operations import due
from mahakam.operations.doctor import CHECKS
from mahakam.services import breach
from mahakam.services.outbox import DEAD, KIND
from mahakam.store.backup.taken import note_taken
from support.feeds import GOOD, Town
from support.mail import Mailbox
from support.node import MAHAKAM, free_port
from support.notify import subscription

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A node that has all it should have, but for mail."""
    made = Town(tmp_path)
    made.stops()
    made.run()
    (made.folder / "feeds/shapes.yaml").unlink()
    add_account(made.node.store.tenant(), "budi", "four words make one", ("admin",), ("*",))
    made.node.close()
    made.data.chmod(0o700)
    return made


def examined(town: Town, *options: str, **settings: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by the place where they are (of two there, the first)."""
    environment = os.environ | {"MAHAKAM_URL": "https://town.example", "MAHAKAM_SECOND_STEP": "admin"}
    environment |= {f"MAHAKAM_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [MAHAKAM, "doctor", "--json", "--data", str(town.data), "--config", str(town.config), *options],
        capture_output=True, text=True, env=environment, check=False, timeout=120,
    )  # fmt: skip
    assert done.stderr == ""
    findings = json.loads(done.stdout)
    assert all(one["what"] and one["mend"] for one in findings)
    return done.returncode, {one["where"]: one for one in reversed(findings)}


def mail_of(box: Mailbox) -> dict[str, str]:
    return {"smtp": box.url, "mail_from": "Town <noreply@town.example>"}


def test_a_sound_node_has_nothing_wrong(town: Town) -> None:
    with Mailbox() as box:
        assert examined(town, "--deep", **mail_of(box)) == (0, {})


def test_what_was_never_set_up_is_said(town: Town) -> None:
    node = Node(Settings(data=town.data))
    store = node.store.tenant()
    store.write(lambda transaction: transaction.save_record(DEAD, "1", {"to": "x"}))
    node.close()
    town.data.chmod(0o755)
    code, found = examined(town, url="http://town.example", demo="1", smtp="", second_step="steward")
    assert found["MAHAKAM_SECOND_STEP"]["what"] == "a password alone signs in: admin"
    assert code == 1
    assert found["MAHAKAM_URL"]["level"] == "error"
    assert "chmod o-rwx" in found[str(town.data)]["mend"]
    assert set(found) == {
        "MAHAKAM_URL", "MAHAKAM_DEMO", "MAHAKAM_SECOND_STEP", "MAHAKAM_SMTP", "mail", str(town.data),
    }  # fmt: skip
    assert "mahakam mail replay" in found["mail"]["mend"]


def test_a_node_without_an_administrator(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.node.close()
    code, found = examined(town)
    assert (code, found["accounts"]["what"]) == (1, "nobody is an administrator")


def test_a_mail_server_that_does_not_answer(town: Town) -> None:
    settings = {"smtp": f"smtp://127.0.0.1:{free_port()}", "mail_from": "a@town.example"}
    code, found = examined(town, **settings)
    assert code == 1
    assert "takes no mail" in found["MAHAKAM_SMTP"]["what"]


@pytest.mark.parametrize(
    ("file", "text", "where"),
    [
        ("contracts/stop.yaml", "apiVersion: [", "stop.yaml"),
        ("indicators/days.yaml", "name: {en: Days}\nformula: 3\n", "days.yaml"),
        ("services/hole.yaml", "nothing: known\n", "hole.yaml"),
        ("feeds/stops.yaml", "source: {}\n", "town/stops"),
    ],
)
def test_a_file_of_a_place_that_cannot_be_used(town: Town, file: str, text: str, where: str) -> None:
    (town.folder / file).parent.mkdir(exist_ok=True)
    town.write(file, text)
    code, found = examined(town)
    assert code == 1
    (one,) = [finding for place, finding in found.items() if place.endswith(where)]
    assert one["level"] == "error"


def test_what_the_node_was_told_to_ask_and_may_not(town: Town) -> None:
    node = Node(Settings(data=town.data, config=(town.config,), private_addresses=True))
    node.broker.subscriptions.create(subscription("https://app.example/told"))
    node.close()
    feed = (town.folder / "feeds/stops.yaml").read_text()
    town.write(
        "feeds/stops.yaml",
        feed.replace("{file: data/stops.csv}", "{http: {url: 'https://${MAHAKAM_WHERE}/a'}}"),
    )
    servers = "servers:\n- {name: other, url: 'https://other.example/open311'}\n"
    town.write("exchange.yaml", servers)
    with Mailbox() as box:
        code, found = examined(town, where="feed.test", hosts="x.example", **mail_of(box))
        named = {one["what"].partition(" ")[0] for one in found.values() if one["check"] == "hosts"}
        assert (code, named) == (1, {"app.example", "other.example", "feed.test"})
        assert found["subscription urn:s:1"]["level"] == "error"
        listed = "*.example, feed.test"
        assert not any(
            one["check"] == "hosts"
            for one in examined(town, where="feed.test", hosts=listed, **mail_of(box))[1].values()
        )
        assert not any(one["check"] == "hosts" for one in examined(town, **mail_of(box))[1].values())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("proxies", "abc"), ("fewest", "x"), ("audit", "maybe"), ("history", "zz"), ("second_step", "king"),
        ("deliver", "x"), ("traces", "foo"), ("nats", "foo"), ("log_level", "loud"),
    ],
)  # fmt: skip
def test_a_setting_with_which_the_node_would_not_start(town: Town, name: str, text: str) -> None:
    code, found = examined(town, **{name: text})
    assert (code, set(found)) == (1, {f"MAHAKAM_{name.upper()}"})
    (one,) = found.values()
    assert (one["check"], one["level"]) == ("settings", "error")


@pytest.mark.parametrize(("name", "text"), [("PORT", "abc"), ("WORKERS", "-1"), ("HOSTS", "https://x")])
def test_a_setting_without_which_nothing_begins_is_said_in_a_line(town: Town, name: str, text: str) -> None:
    done = subprocess.run(
        [MAHAKAM, "doctor", "--data", str(town.data)], capture_output=True, text=True, check=False,
        env=os.environ | {f"MAHAKAM_{name}": text},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert f"MAHAKAM_{name}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_feeds_that_failed_or_hold_rows(town: Town) -> None:
    town.reopen()
    town.stops(GOOD + "B1;;laut;banyak;200;-0.4\n")
    assert town.run().held == 1
    town.node.close()
    code, found = examined(town)
    assert (code, found["town/stops"]["what"]) == (1, "1 rows are held")
    town.reopen()
    (town.folder / "data/stops.csv").unlink()
    assert town.run().state == "failed"
    town.node.close()
    _, found = examined(town)
    assert found["town/stops"]["level"] == "error"
    assert "stops.csv" in found["town/stops"]["what"]


def test_a_damaged_store_is_found_by_reading_all_of_it(town: Town) -> None:
    path = town.data / "mahakam.sqlite"
    with sqlite3.connect(path) as connection:
        pages = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = 'lineage' ORDER BY pageno"
        ).fetchall()
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek((pages[-1][0] - 1) * size)
        file.write(b"\xde\xad" * (size // 2))
    code, found = examined(town, "--deep")
    assert code == 1
    damaged = [one for one in found.values() if one["check"] in ("integrity", "store")]
    assert damaged
    assert "backup" in damaged[0]["mend"]


def test_a_folder_that_is_not_there_is_not_made(town: Town, tmp_path: Path) -> None:
    town.data = tmp_path / "elsewhere"
    code, found = examined(town)
    assert code == 1
    assert found[str(town.data)]["level"] == "error"
    assert not town.data.exists()


@pytest.mark.parametrize("name", [check.name for check in CHECKS])
def test_every_check_is_documented(name: str) -> None:
    assert f"| `{name}` |" in (DOCS / "operations.md").read_text("utf-8")


def at(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


def test_what_is_due_and_was_not_done(town: Town) -> None:
    node = Node(Settings(data=town.data, config=(town.config,)))
    store = node.store.tenant()
    words = dict.fromkeys(breach.WORDS, "A list with names went to a wrong address")
    over = breach.record(store, "town", at(4).isoformat(), words, "budi")
    soon = breach.record(store, "town", at(2.5).isoformat(), words, "budi")
    in_time = breach.record(store, "town", at(0.5).isoformat(), words, "budi")
    _secret, ending = add_key(store, "rain gauges", days=5)
    _secret, lasting = add_key(store, "bus stops", days=300)
    note_taken(store, at(9))
    old = time.time() - 7200
    letter = {"to": "x@example.id", "due": old, "tries": 1}
    store.write(lambda transaction: transaction.save_record(KIND, "1", letter))
    store.write(
        lambda transaction: transaction.owe("urn:ngsi-ld:Subscription:1", "urn:ngsi-ld:Tree:1", b"{}")
    )
    (number,) = [one.number for one in store.owed("urn:ngsi-ld:Subscription:1")]
    store.write(lambda transaction: transaction.postpone(number, old, "refused"))
    node.close()
    with Mailbox() as box:
        code, found = examined(town, **mail_of(box))
    assert code == 1
    assert found[over.id]["level"] == "error"
    assert "ran out 24 hours ago" in found[over.id]["what"]
    assert "persons, authority" in found[over.id]["what"]
    assert found[soon.id]["level"] == "warning"
    assert in_time.id not in found
    assert found[f"rain gauges ({ending.id})"]["what"] == "the API key ends in 5 days"
    assert not any(lasting.id in where for where in found)
    assert found[str(town.data)]["what"] == "the last one was taken 9 days ago"
    assert "due for 2 hours" in found["mail"]["what"]
    assert "due for 2 hours" in found["notifications"]["what"]


def test_a_backup_of_last_night_is_enough(town: Town, tmp_path: Path) -> None:
    taken = subprocess.run(
        [MAHAKAM, "backup", "--data", str(town.data), "--to", str(tmp_path / "backups")],
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert taken.returncode == 0, taken.stderr
    node = Node(Settings(data=town.data, config=(town.config,)))
    assert list(due.backups(node)) == []
    note_taken(node.store.tenant(), at(3))
    assert [one.level for one in due.backups(node)] == ["warning"]
    node.close()


def test_a_node_that_is_a_week_old_and_has_no_backup(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(Settings(data=town.data, config=(town.config,)))
    assert list(due.backups(node)) == []
    monkeypatch.setattr(due, "TOO_OLD", dt.timedelta(0))
    monkeypatch.setattr(due, "STALE", dt.timedelta(0))
    (found,) = due.backups(node)
    assert "none was taken" in found.what
    node.close()
