"""``python -m bench.mqtt``: messages that a Mosquitto kept, through one run of a feed on one core."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import results
from bench.check import data
from bench.mqtt import place
from bench.process import Run, run

TARGET = 10_000
"""Messages a second, validated and stored on one core in batches (issue 5)."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--qos", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="record nothing")
    arguments = parser.parse_args()
    found = [_round(arguments.messages, arguments.qos) for _ in range(arguments.rounds)]
    best = min(found, key=lambda one: one.cpu)
    number = arguments.messages
    row = {
        "what": f"{number:,} messages of QoS {arguments.qos}: received, spooled, nine rules, stored or held",
        "messages a CPU second": round(number / best.cpu),
        "messages/s": round(number / best.wall),
        "target": TARGET,
        "cpu s": round(best.cpu, 2),
        "µs a message": round(best.cpu / number * 1e6),
        "peak MiB": round(best.memory),
        "rounds, messages a CPU second": f"{number / max(r.cpu for r in found):,.0f} to {number / best.cpu:,.0f}",
    }
    print(row)
    note = (
        "A Mosquitto has kept the messages, each a JSON object of eleven members. One run of a feed, a process of "
        "its own bound to one core, start-up included, receives them all, acknowledges each once it is on the disk, "
        "checks them against the nine rules of bench.check, and stores an entity each with lineage and history, or "
        "holds it with its reasons: those with a planted defect and no others. Mosquitto's own CPU is not counted. "
        f"Load average {os.getloadavg()[0]:.1f}."
    )
    if not arguments.dry:
        results.record("mqtt", "python -m bench.mqtt", [row], note=note)
    return 0


def _round(messages: int, qos: int) -> Run:
    with tempfile.TemporaryDirectory(prefix="bench-mqtt-") as name, _mosquitto(Path(name)) as port:
        folder = Path(name)
        path, truth = data.generate(folder, messages)
        planted = len({row for row, *_ in json.loads(truth.read_text())})
        place.make(folder, port, messages, qos)
        _run(folder, state="unchanged")  # it opens the session, under which the broker keeps what comes
        place.publish(port, place.messages(path), qos)
        place.wait(folder, port, messages, qos, 2)
        return _run(folder, state="held", read=messages, stored=messages - planted, held=planted)


def _run(folder: Path, **expected: Any) -> Run:
    command = ["taskset", "-c", "0", sys.executable, "-m", "bench.mqtt.one", str(folder)]
    measured = run(command, folder / "out")
    if measured.code:
        raise SystemExit("the run failed")
    got = json.loads(measured.output)
    if wrong := {key: (got[key], value) for key, value in expected.items() if got[key] != value}:
        raise SystemExit(f"not what was planted (got, wanted): {wrong}; {got}")
    return measured


@contextmanager
def _mosquitto(folder: Path) -> Iterator[int]:
    """A Mosquitto that keeps any number of messages; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        "queue_qos0_messages true\n"
    )
    process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", settings], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > end or process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
