"""``mahakam audit``: what people at a terminal see of the trail, and with which exit codes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import orjson
import pytest

from mahakam.cli import run
from mahakam.store.opening import open_store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    store = open_store("", folder)
    for number in range(3):
        one = {"id": f"urn:ngsi-ld:T:{number}", "type": "T"}
        store.tenant().write(
            lambda work, one=one: work.insert(one, orjson.dumps(one), "2026-01-01T00:00:00Z")
        )  # type: ignore[misc]
    store.close()
    return folder


def tamper(data: Path, statement: str) -> None:
    connection = sqlite3.connect(data / "mahakam.sqlite")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_verify_says_what_holds_and_what_does_not(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify", "--data", str(data)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 entries, each as it was written\n0:3:")
    tamper(data, "UPDATE audit SET object = 'urn:other' WHERE n = 2")
    assert run(["audit", "verify", "--data", str(data)]) == 1
    assert "lane 0, entry 2" in capsys.readouterr().out
    assert run(["verify", "--data", str(data)]) == 1
    assert "audit trail: lane 0, entry 2" in capsys.readouterr().out
    assert run(["audit", "verify", "--data", str(data / "nowhere")]) == 2
    assert run(["audit", "verify", "--data", str(data), "--head", "0:3"]) == 2
    assert run(["audit", "verify", "--data", str(data), "--tenant", "other"]) == 2


def test_a_head_and_an_export_kept_elsewhere(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "audit.jsonl"
    assert run(["audit", "head", "--data", str(data)]) == 0
    head = capsys.readouterr().out.strip()
    (tmp_path / "head").write_text(head + "\n")
    assert run(["audit", "export", "--data", str(data), "--to", str(export)]) == 0
    for kept in (head, str(tmp_path / "head"), str(export)):
        assert run(["audit", "verify", "--data", str(data), "--head", kept]) == 0
    assert run(["audit", "verify", "--from", str(export), "--head", head]) == 0
    tamper(data, "DELETE FROM audit WHERE n = 3")
    assert run(["audit", "verify", "--data", str(data)]) == 0  # by itself it cannot know
    for kept in (head, str(tmp_path / "head"), str(export)):
        capsys.readouterr()
        assert run(["audit", "verify", "--data", str(data), "--head", kept]) == 1
        assert "ends with entry 2" in capsys.readouterr().out
    export.write_bytes(export.read_bytes()[:-20])
    assert run(["audit", "verify", "--from", str(export)]) == 2
    assert run(["audit", "verify", "--data", str(data), "--head", str(export)]) == 2


def test_accounts_keys_backups_and_exports_have_their_entries(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough sentence\n"))
    assert run(["user", "add", "budi", "--role", "admin", "--password-stdin", "--data", str(data)]) == 0
    assert run(["key", "add", "rain gauges", "--scope", "write", "--data", str(data)]) == 0
    secret = capsys.readouterr().out.strip()
    assert run(["user", "remove", "budi", "--data", str(data)]) == 0
    assert run(["backup", "--data", str(data), "--to", str(tmp_path / "backups")]) == 0
    restored = tmp_path / "restored"
    assert run(["restore", "--data", str(restored), "--from", str(tmp_path / "backups")]) == 0
    capsys.readouterr()
    assert run(["audit", "show", "--data", str(data), "--json", "--limit", "4"]) == 0
    found = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["action"] for one in found] == ["backup", "account.delete", "key.save", "account.save"]
    assert {one["kind"] for one in found} == {"command"}
    assert all(one["principal"] for one in found)
    assert orjson.loads(found[-1]["detail"])["route"] == "mahakam user add"
    assert secret not in str(found)
    assert run(["audit", "show", "--data", str(restored), "--limit", "2"]) == 0
    newest, before = capsys.readouterr().out.splitlines()
    assert "restore" in newest
    assert "account.delete" in before
    assert run(["audit", "verify", "--data", str(restored)]) == 0
    capsys.readouterr()
    assert run(["audit", "show", "--data", str(data), "--object", "account/budi"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_an_empty_trail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_store("", tmp_path).close()
    assert run(["audit", "verify", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no entries yet\n"
    assert run(["audit", "head", "--data", str(tmp_path)]) == 2
    assert run(["audit", "show", "--data", str(tmp_path)]) == 0
