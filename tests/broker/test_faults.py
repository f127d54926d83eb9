"""What goes wrong, counted: processes killed in the midst of writes, a receiver that is down, two writers at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.notifier import Notifier, Patience
from mahakam.store.opening import open_store
from support.node import free_port
from support.notify import QUICK, Receiver, entity, set_to, subscription, until

WRITES, KILLS = 10_000, 20
AT_ONCE = 16
"""Writes under way at once."""
WRITERS = """
import asyncio, os, sys
from pathlib import Path
from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.notifier import Notifier
from mahakam.ngsild.draft import Draft
from mahakam.store.opening import open_store
from support.broker_faults import named
from support.notify import QUICK

def write(start):
    broker = Broker(open_store(sys.argv[2], Path(sys.argv[1])), NoContracts(), {})
    Notifier(broker.subscriptions, private_addresses=True, patience=QUICK).start()
    numbers = iter(range(start, int(sys.argv[3])))

    async def lane():
        for number in numbers:
            await broker.acreate(Draft.of(named(number)))
            os.write(1, f"{number}\\n".encode())

    async def main():
        await asyncio.gather(*(lane() for _ in range(int(sys.argv[4]))))

    asyncio.run(main())

for line in sys.stdin:
    pid = os.fork()
    if not pid:
        write(int(line))
        os._exit(0)
    os.write(1, f"pid {pid}\\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(1, f"ended {os.waitstatus_to_exitcode(status)}\\n".encode())
"""
"""A process that has imported all, and makes one that writes for each number that it reads."""
ADDER = """
import sys
from pathlib import Path
from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.store.opening import open_store
from support.notify import set_to

store = open_store(sys.argv[2], Path(sys.argv[1]))
broker = Broker(store, NoContracts(), {})
own = sys.argv[3]

def add(document, at):
    return set_to(document["n"]["value"] + 1)(document, at)

for number in range(int(sys.argv[4])):
    broker.change("urn:x:1", add)
    broker.change("urn:x:1", set_to(number, own))
store.close()
"""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    paths = {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | paths,
    )


class Writers:
    """Writes that are killed, one process after the other."""

    def __init__(self, folder: Path, url: str) -> None:
        self._process = child(WRITERS, str(folder), url, str(WRITES), str(AT_ONCE))

    def write(self, start: int, enough: int) -> list[int]:
        """What was acknowledged of the writes from a number on, to a process killed after so many; 0: never."""
        source, lines = self._process.stdin, self._process.stdout
        assert source is not None
        assert lines is not None
        source.write(f"{start}\n")
        source.flush()
        pid, seen = 0, []
        for line in lines:
            word, _, number = line.strip().rpartition(" ")
            if word == "ended":
                assert int(number) == (-signal.SIGKILL if enough else 0)
                return seen
            if word == "pid":
                pid = int(number)
            else:
                seen.append(int(number))
            if enough and pid and len(seen) >= enough:
                os.kill(pid, signal.SIGKILL)
                enough, pid = -1, 0
        raise AssertionError("the writers ended")

    def close(self) -> None:
        self._process.communicate(timeout=120)


@pytest.mark.fault(
    "a process that writes, kill -9", "no acknowledged write, and nothing that it owes", times=20
)
def test_ten_thousand_writes_through_twenty_kills(tmp_path: Path, store_url: str, receiver: Receiver) -> None:
    """No acknowledged write is lost, nor a notification that one of them owes; none is there without its write."""
    store = open_store(store_url, tmp_path)
    broker = Broker(store, NoContracts(), {})
    broker.subscriptions.create(subscription(receiver.uri))
    acknowledged: set[int] = set()
    start = 0
    chance = random.Random(9)
    writers = Writers(tmp_path, store_url)
    for turn in range(KILLS + 1):
        left = WRITES - start
        enough = chance.randrange(1, 2 * left // (KILLS + 1 - turn)) if turn < KILLS else 0
        acknowledged.update(writers.write(start, enough))
        # What was under way may have been committed, or not: the next process goes on after it.
        start = max(acknowledged) + AT_ONCE + 1
    writers.close()
    there = {int(one["id"].rpartition(":")[2]) for one in broker.query(limit=WRITES)}
    assert acknowledged <= there
    assert len(acknowledged) > WRITES - KILLS * 2 * AT_ONCE
    assert len(there) - len(acknowledged) <= KILLS * AT_ONCE
    owed = {f"urn:x:{number}" for number in acknowledged if number % 10 == 0}
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
    notifier.start()
    until(lambda: not store.tenant().owing())
    notifier.stop()
    heard = {one["data"][0]["id"] for one in receiver.got}
    assert owed <= heard
    assert {int(id.rpartition(":")[2]) for id in heard} <= there
    assert broker.subscriptions.dead_letters() == []
    store.close()


def test_a_receiver_that_was_down_gets_all_in_order(tmp_path: Path, store_url: str) -> None:
    """300 changes of 10 entities while nobody listens, then 100 more."""
    store = open_store(store_url, tmp_path)
    broker = Broker(store, NoContracts(), {})
    port = free_port()
    broker.subscriptions.create(subscription(f"http://127.0.0.1:{port}/"))
    patient = Patience(tries=1000, refusals=1000, first=0.01, most=0.1, pause=0.05)
    notifier = Notifier(broker.subscriptions, private_addresses=True, patience=patient)
    notifier.start()
    for number in range(10):
        broker.create(entity(number, 0))
    for value in range(1, 30):
        for number in range(10):
            broker.change(f"urn:x:{number}", set_to(value))
    until(lambda: broker.subscriptions.status("urn:s:1").get("timesFailed", 0) > 3)
    with Receiver(port) as receiver:
        for value in range(30, 40):
            for number in range(10):
                broker.change(f"urn:x:{number}", set_to(value))
        until(lambda: len(receiver.got) == 400)
        until(lambda: not store.tenant().owing())
        for number in range(10):
            values = [
                one["data"][0]["n"] for one in receiver.got if one["data"][0]["id"] == f"urn:x:{number}"
            ]
            assert values == list(range(40))
    notifier.stop()
    assert broker.subscriptions.dead_letters() == []
    assert broker.subscriptions.status("urn:s:1")["lastSuccess"]
    store.close()


def test_two_processes_and_a_thread_change_one_entity(tmp_path: Path, store_url: str) -> None:
    """Each adds 1 to a number 100 times, and sets an attribute of its own: no update is lost."""
    store = open_store(store_url, tmp_path)
    broker = Broker(store, NoContracts(), {})
    broker.create(entity(1, 0))
    writers = [child(ADDER, str(tmp_path), store_url, name, "100") for name in ("a", "b")]
    for number in range(100):
        broker.change("urn:x:1", lambda document, at: set_to(document["n"]["value"] + 1)(document, at))
        broker.change("urn:x:1", set_to(number, "c"))
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    found = broker.get("urn:x:1")
    assert found is not None
    assert found["n"]["value"] == 300
    assert [found[name]["value"] for name in "abc"] == [99, 99, 99]
    store.close()


def test_one_subscriber_that_never_answers_delays_nobody(
    tmp_path: Path, store_url: str, receiver: Receiver
) -> None:
    """Fifty subscribers hang until they are given up; the one that listens hears long before that."""
    store = open_store(store_url, tmp_path)
    broker = Broker(store, NoContracts(), {})
    with Receiver() as silent:
        silent.slow = 20
        for number in range(50):
            broker.subscriptions.create(subscription(silent.uri, id=f"urn:s:silent{number}"))
        broker.subscriptions.create(subscription(receiver.uri))
        notifier = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
        notifier.start()
        late: list[float] = []
        for number in range(20):
            at = time.monotonic()
            broker.create(entity(number))
            until(lambda number=number: len(receiver.got) > number)
            late.append(time.monotonic() - at)
        threading.Thread(target=notifier.stop).start()
    assert sorted(late)[len(late) // 2] < 10
    assert len(receiver.got) == 20
    store.close()
