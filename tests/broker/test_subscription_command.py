"""``mahakam subscription``: what is owed to whom, dead letters, and sending them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mahakam.broker.broker import Broker
from mahakam.broker.notifier import Notifier
from mahakam.cli.subscription import subscription as command
from mahakam.store.opening import open_store
from mahakam.store.protocol import Store
from support.notify import Receiver, entity, subscription, until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The SQLite files that the command finds in its data folder."""
    opened = open_store("", tmp_path)
    yield opened
    opened.close()


def _run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--data", str(tmp_path)], standalone_mode=False)


def test_dead_letters_are_listed_and_sent_again(
    tmp_path: Path, broker: Broker, notifier: Notifier, receiver: Receiver
) -> None:
    nothing = _run(tmp_path, "dead")
    assert (nothing.return_value, nothing.stdout) == (0, "")
    receiver.refuse = 6
    broker.subscriptions.create(subscription(receiver.uri))
    broker.create(entity(1))
    broker.create(entity(2))
    until(lambda: broker.subscriptions.store.count_dead() == 2)
    listed = json.loads(_run(tmp_path, "list", "--json").stdout)
    assert [(one["id"], one["dead"], one["timesFailed"]) for one in listed] == [("urn:s:1", 2, 6)]
    assert "2 given up; last failure:" in _run(tmp_path, "list").stdout
    shown = _run(tmp_path, "dead", "urn:s:1", "--limit", "1", "--body")
    assert shown.return_value == 1
    assert "urn:x:1" in shown.stdout
    assert '"subscriptionId":"urn:s:1"' in shown.stdout
    assert "2 in all" in shown.stderr
    facts = json.loads(_run(tmp_path, "dead", "--json", "--body").stdout)
    assert [one["body"]["data"][0]["id"] for one in facts] == ["urn:x:1", "urn:x:2"]
    one = _run(tmp_path, "replay", "--number", str(facts[1]["number"]))
    assert "1 will be sent again" in one.stderr
    until(lambda: [got["data"][0]["id"] for got in receiver.got] == ["urn:x:2"])
    assert "1 will be sent again" in _run(tmp_path, "replay", "urn:s:1").stderr
    until(lambda: len(receiver.got) == 2)
    assert _run(tmp_path, "dead").return_value == 0


def test_what_there_is_not_is_said(tmp_path: Path, broker: Broker) -> None:
    assert "there is no subscription" in _run(tmp_path, "list").stderr
    for arguments, words in (
        (("dead", "urn:s:9"), "there is no subscription urn:s:9"),
        (("replay", "urn:s:9"), "there is no subscription urn:s:9"),
        (("replay", "--number", "7"), "1 of these are no dead letters"),
        (("list", "--tenant", "nobody"), "there is no tenant 'nobody'"),
    ):
        error = _run(tmp_path, *arguments).exception
        assert words in str(getattr(error, "message", error))


def test_a_password_is_not_shown(tmp_path: Path, broker: Broker) -> None:
    broker.subscriptions.create(subscription("mqtt://ani:rahasia@broker.example/t"))
    text = _run(tmp_path, "list").stdout
    assert "ani:…@broker.example" in text
    assert "rahasia" not in text
