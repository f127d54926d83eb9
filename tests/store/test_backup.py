"""A backup taken while others write is one moment of each tenant; put back it is the same; damage is found."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mahakam.cli
from mahakam.ngsild import represent
from mahakam.ngsild.selection import Selection
from mahakam.store.backup.restore import restore
from mahakam.store.backup.seal import PIECE, Seal
from mahakam.store.backup.vault import Vault
from mahakam.store.errors import StoreError
from mahakam.store.opening import open_store

from .test_transfer import ENTITIES, fill, state

KEY = b"correct horse battery staple"
FILES = {
    "files/ab/" + "a" * 64: b"x" * 100,
    "photos/cd/one.jpg": os.urandom(3 * PIECE + 5),
    "accounts.json": b"{}",
}


@dataclass
class Result:
    exit_code: int
    output: str


def run(*arguments: str | Path, code: int = 0) -> Result:
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        ended = mahakam.cli.run([str(one) for one in arguments])
    assert ended == code, said.getvalue()
    return Result(ended, said.getvalue())


@pytest.fixture
def data(tmp_path: Path, store_url: str) -> Path:
    """A node's data: two tenants of either kind of store, and files beside them."""
    folder = tmp_path / "data"
    store = open_store(store_url, folder)
    fill(store.tenant())
    store.create_tenant("city").write(lambda work: work.save_record("a", "b", {"c": 1}))
    store.close()
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "notifier.lock").touch()
    (folder / "turns").mkdir()
    (folder / "turns" / "smd.rain").touch()
    return folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(KEY + b"\n")
    return path


def options(url: str) -> list[str]:
    return ["--store", url] if url else []


@pytest.mark.parametrize("encrypted", [False, True])
def test_restored_it_is_the_same(
    data: Path, store_url: str, tmp_path: Path, key: Path, encrypted: bool
) -> None:
    kept = ["--key-file", str(key)] if encrypted else []
    taken = run("backup", "--data", data, *options(store_url), "--to", tmp_path / "b", *kept)
    assert f"{ENTITIES:,} entities, {len(FILES)} files" in taken.output
    assert "all is well" in run("verify", "--from", tmp_path / "b", *kept).output
    # Into SQLite, whatever it came from.
    back = tmp_path / "back"
    run("restore", "--data", back, "--from", tmp_path / "b", *kept)
    before, after = open_store(store_url, data), open_store("", back)
    assert state(after.tenant()) == state(before.tenant())
    assert after.tenant("city").records("a") == {"b": {"c": 1}}
    after.close()
    before.close()
    assert {name: (back / name).read_bytes() for name in FILES} == FILES
    assert not (back / "notifier.lock").exists()
    assert not (back / "turns").exists()
    assert (
        "all is well" not in run("verify", "--data", back, code=1).output
    )  # its name is no digest of its bytes


def test_into_postgresql(tmp_path: Path, data: Path, store_url: str, postgres: Any) -> None:
    run("backup", "--data", data, *options(store_url), "--to", tmp_path / "b")
    url = postgres.new_database()
    try:
        vault = Vault(tmp_path / "b")
        restore(vault, vault.names()[0], tmp_path / "back", url)
        before, after = open_store(store_url, data), open_store(url, tmp_path / "back")
        assert state(after.tenant()) == state(before.tenant())
        after.close()
        before.close()
        again = run("restore", "--data", tmp_path / "other", "--store", url, "--from", tmp_path / "b")
        assert "all checksums agree" in again.output  # as one that broke off after the store
        store = open_store(url, tmp_path / "other")
        store.tenant().write(lambda work: work.save_record("a", "b", {}))
        store.close()
        refused = run(
            "restore", "--data", tmp_path / "third", "--store", url, "--from", tmp_path / "b", code=2
        )
        assert "needs an empty one" in refused.output
    finally:
        postgres.give_back(url)


def test_taken_while_others_write_it_is_one_moment(tmp_path: Path, store_url: str) -> None:
    """Every transaction moves one unit from an entity to another: any moment has the same sum."""
    data = tmp_path / "data"
    data.mkdir()
    store = open_store(store_url, data)
    amounts = dict.fromkeys(range(40), 100)

    def put(work: Any, number: int) -> None:
        value = {"type": "Property", "value": amounts[number]}
        one = {"id": f"urn:{number:02}", "type": "A", "amount": value}
        work.put(one, represent.body(one))

    store.tenant().write(lambda work: [put(work, number) for number in amounts])
    ended = threading.Event()

    def go() -> None:
        step = 0
        while not ended.is_set():
            one, other = step % 40, (step * 7 + 3) % 40
            if one != other:
                amounts[one] -= 1
                amounts[other] += 1
                store.tenant().write(lambda work, one=one, other=other: (put(work, one), put(work, other)))
            step += 1

    thread = threading.Thread(target=go)
    thread.start()
    try:
        for _ in range(3):
            run("backup", "--data", data, *options(store_url), "--to", tmp_path / "b")
    finally:
        ended.set()
        thread.join()
        store.close()
    for number, name in enumerate(Vault(tmp_path / "b").names()):
        back = tmp_path / f"back{number}"
        run("restore", "--data", back, "--from", tmp_path / "b", "--at", name)
        restored = open_store("", back)
        found = list(restored.tenant().scan(Selection()))
        restored.close()
        assert sum(one["amount"]["value"] for one in found) == 4000


def test_what_is_known_is_not_kept_twice_and_old_ones_go(data: Path, store_url: str, tmp_path: Path) -> None:
    to = tmp_path / "b"
    first = run("backup", "--data", data, *options(store_url), "--to", to)
    assert "(0.0 MB new)" not in first.output
    (data / "photos/cd/two.jpg").write_bytes(FILES["photos/cd/one.jpg"])
    before = set(contents(to))
    run("backup", "--data", data, *options(store_url), "--to", to)
    assert len({*contents(to)} - before) == 1  # the store, which has an entry of the first backup
    (data / "photos/cd/one.jpg").write_bytes(b"another")
    run("backup", "--data", data, *options(store_url), "--to", to)
    names = Vault(to).names()
    assert len(names) == 3
    run("restore", "--data", tmp_path / "old", "--from", to, "--at", names[0])
    assert (tmp_path / "old/photos/cd/one.jpg").read_bytes() == FILES["photos/cd/one.jpg"]
    run("backup", "--data", data, *options(store_url), "--to", to, "--keep", "1")
    assert len(Vault(to).names()) == 1
    assert "all is well" in run("verify", "--from", to).output
    run("restore", "--data", tmp_path / "new", "--from", to)
    assert (tmp_path / "new/photos/cd/one.jpg").read_bytes() == b"another"


def contents(folder: Path) -> list[Path]:
    return sorted((folder / "objects").glob("??/*"))


@pytest.mark.fault("a damaged backup", "the damage is found, and never restored")
@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("harm", ["a bit", "cut off", "gone", "swapped"])
def test_damage_is_found_and_never_restored(tmp_path: Path, key: Path, encrypted: bool, harm: str) -> None:
    data, to = tmp_path / "data", tmp_path / "b"
    kept = ["--key-file", str(key)] if encrypted else []
    store = open_store("", data)
    fill(store.tenant())
    store.close()
    (data / "note.txt").write_text("kept")
    run("backup", "--data", data, "--to", to, *kept)
    for number, path in enumerate(contents(to)):
        before = path.read_bytes()
        other = contents(to)[number - 1].read_bytes()
        if harm == "a bit":
            middle = len(before) // 2
            path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        elif harm == "cut off":
            path.write_bytes(before[:-3])
        elif harm == "gone":
            path.unlink()
        else:
            path.write_bytes(other)
        found = run("verify", "--from", to, *kept, code=1)
        assert path.name in found.output
        assert "Traceback" not in found.output
        refused = run("restore", "--data", tmp_path / "back", "--from", to, *kept, code=2)
        assert path.name in refused.output
        assert not (tmp_path / "back").exists()
        path.write_bytes(before)
    run("restore", "--data", tmp_path / "back", "--from", to, *kept)


def test_nothing_of_it_can_be_read_without_the_key(tmp_path: Path, key: Path) -> None:
    data, to = tmp_path / "data", tmp_path / "b"
    store = open_store("", data)
    store.tenant().write(lambda work: work.save_record("a", "siti", {"c": "rahasia"}))
    store.close()
    (data / "siti.txt").write_text("rahasia " * 1000)
    run("backup", "--data", data, "--to", to, "--key-file", key)
    written = b"".join(path.read_bytes() for path in to.rglob("*") if path.is_file())
    names = " ".join(path.name for path in to.rglob("*"))
    assert b"rahasia" not in written
    assert b"siti" not in written
    assert "siti" not in names
    assert "--key-file" in run("restore", "--data", tmp_path / "back", "--from", to, code=2).output
    wrong = tmp_path / "wrong"
    wrong.write_text("another key, as long")
    assert "not the one" in run("verify", "--from", to, "--key-file", wrong, code=2).output
    wrong.write_text("short")
    assert "16" in run("backup", "--data", data, "--to", tmp_path / "c", "--key-file", wrong, code=2).output


@given(st.binary(max_size=40), st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_what_is_sealed_is_opened_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    seal = _SEAL
    closed = b"".join(seal.closed([content]))
    parts, at = [], 0
    for cut in cuts:
        parts.append(closed[at : at + cut])
        at += cut
    parts.append(closed[at:])
    assert b"".join(seal.opened(iter(parts))) == content
    with pytest.raises(StoreError):
        b"".join(seal.opened(iter([closed[:-1]])))


_SEAL = Seal(KEY, b"s" * 16)


def test_pieces_cannot_be_left_out_or_moved() -> None:
    pieces = [bytes([number]) * PIECE for number in range(3)]
    salt, *closed = _SEAL.closed(pieces)
    assert b"".join(_SEAL.opened(iter([salt, *closed]))) == b"".join(pieces)
    for changed in (closed[:-1], closed[1:], [closed[1], closed[0], closed[2]], [closed[0], closed[2]]):
        with pytest.raises(StoreError):
            b"".join(_SEAL.opened(iter([salt, *changed])))


@pytest.mark.fault("a backup, kill -9 at any time", "the next one is whole")
@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 0.5, 0.8])
def test_killed_at_any_time_the_next_one_is_whole(tmp_path: Path, after: float) -> None:
    data, to = tmp_path / "data", tmp_path / "b"
    store = open_store("", data)
    fill(store.tenant())
    store.close()
    for number in range(30):
        (data / f"{number}.bin").write_bytes(os.urandom(200_000))
    command = [str(Path(sys.executable).with_name("mahakam")), "backup", "--data", str(data), "--to", str(to)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not to.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run("backup", "--data", data, "--to", to)
    assert "all is well" in run("verify", "--from", to).output
    run("restore", "--data", tmp_path / "back", "--from", to)
    assert (tmp_path / "back" / "29.bin").read_bytes() == (data / "29.bin").read_bytes()


@pytest.mark.fault("a damaged page of the store", "it is found, and all is there again from a backup")
def test_a_damaged_page_of_the_store_is_found_and_mended(tmp_path: Path) -> None:
    data, to = tmp_path / "data", tmp_path / "b"
    store = open_store("", data)
    fill(store.tenant())
    before = state(store.tenant())
    store.close()
    assert "all is well" in run("verify", "--data", data).output
    run("backup", "--data", data, "--to", to)
    file = data / "mahakam.sqlite"
    with file.open("r+b") as out:
        out.seek(file.stat().st_size // 2 // 8192 * 8192)
        out.write(os.urandom(8192))
    found = run("verify", "--data", data, code=1)
    assert "mahakam.sqlite" in found.output
    data.rename(tmp_path / "damaged")
    run("restore", "--data", data, "--from", to)
    store = open_store("", data)
    assert state(store.tenant()) == before
    store.close()
    assert "all is well" in run("verify", "--data", data).output


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    open_store("", data).close()
    assert "no such folder" in run("backup", "--data", tmp_path / "x", "--to", tmp_path / "b", code=2).output
    assert "lies inside" in run("backup", "--data", data, "--to", data / "b", code=2).output
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    assert "is not empty" in run("backup", "--data", data, "--to", tmp_path / "full", code=2).output
    assert (
        "holds no backups"
        in run("restore", "--data", tmp_path / "r", "--from", tmp_path / "full", code=2).output
    )
    run("backup", "--data", data, "--to", tmp_path / "b")
    assert (
        "is not empty" in run("restore", "--data", tmp_path / "full", "--from", tmp_path / "b", code=2).output
    )
    unknown = run("restore", "--data", tmp_path / "r", "--from", tmp_path / "b", "--at", "2020", code=2)
    assert "there are: 20" in unknown.output
    assert run("verify", code=2).output
    head = tmp_path / "b" / "mahakam-backup.json"
    head.write_text('{"format": 2}')
    assert "this Mahakam knows 1" in run("verify", "--from", tmp_path / "b", code=2).output


def test_a_list_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    data, to = tmp_path / "data", tmp_path / "b"
    open_store("", data).close()
    (data / "a.txt").write_text("a")
    run("backup", "--data", data, "--to", to)
    vault = Vault(to)
    listed = vault.listed(vault.names()[0])
    for name in ("../evil.txt", "/tmp/evil.txt", "a/../../evil.txt"):
        vault.save("9999", {**listed, "files": {name: listed["files"]["a.txt"]}})
        assert "outside" in run("restore", "--data", tmp_path / "back", "--from", to, code=2).output
        shutil.rmtree(tmp_path / "back", ignore_errors=True)


def test_a_new_folder_costs_more_and_an_old_one_is_still_read(tmp_path: Path) -> None:
    def facts(folder: Path) -> dict[str, Any]:
        return dict(json.loads((folder / "mahakam-backup.json").read_text("utf-8")))

    def write(folder: Path, said: dict[str, Any]) -> None:
        (folder / "mahakam-backup.json").write_text(json.dumps(said), "utf-8")

    Vault(tmp_path / "new", KEY, make=True)
    assert facts(tmp_path / "new")["scrypt"] == 17
    old = tmp_path / "old"
    old.mkdir()
    salt = b"s" * 16
    write(old, {"format": 1, "salt": salt.hex(), "proof": Seal(KEY, salt, 15).proof})
    kept = Vault(old, KEY).keep([b"a list"])
    assert Vault(old, KEY).keep([b"a list"]).known
    assert kept.bytes == 6
    for cost in (1, 64, "17"):
        write(old, facts(old) | {"scrypt": cost})
        with pytest.raises(StoreError, match="scrypt"):
            Vault(old, KEY)
