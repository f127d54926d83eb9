"""A real Mosquitto on free ports of 127.0.0.1: open, with a password, and with TLS; and what it receives."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import paho.mqtt.client as paho
import pytest

from support.node import ROOT, free_port

USER, PASSWORD = "balai", "kota-42"


class Mosquitto:
    """``port`` takes anybody, ``guarded`` only ``USER`` with ``PASSWORD``, ``secure`` speaks TLS (``authority``)."""

    def __init__(self, folder: Path) -> None:
        self.port, self.guarded, self.secure = free_port(), free_port(), free_port()
        self.authority = folder / "ca.pem"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Mosquitto:
        program = _installed("mosquitto", "/usr/sbin/mosquitto", "mosquitto")
        _installed("openssl", "/usr/bin/openssl", "openssl")
        passwords, settings = self._folder / "passwords", self._folder / "mosquitto.conf"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True)
        _certificate(self._folder)
        settings.write_text(f"""per_listener_settings true
user root
listener {self.port} 127.0.0.1
allow_anonymous true
listener {self.guarded} 127.0.0.1
allow_anonymous false
password_file {passwords}
listener {self.secure} 127.0.0.1
allow_anonymous true
certfile {self._folder}/server.pem
keyfile {self._folder}/server.key
""")
        self._process = subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            try:
                Listener(self, "ready").close()
                return self
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)


class Listener:
    """A client that keeps the messages of a topic: ``got``, with the quality of service of each."""

    def __init__(self, broker: Mosquitto, topic: str, version: int = paho.MQTTv5) -> None:
        self.got: list[dict[str, Any]] = []
        self.qualities: list[int] = []
        ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=version)
        self._client.on_message = self._keep
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._client.subscribe(topic, qos=2)
        assert ready.wait(10)

    def _keep(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.qualities.append(message.qos)
        self.got.append(json.loads(message.payload))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _installed(program: str, at: str, package: str) -> str:
    """The path of a program of a Debian package; the tests fail where it cannot be installed."""
    found = shutil.which(program) or (at if Path(at).exists() else None)
    if found is None:
        done = subprocess.run(
            [str(ROOT / "tools/system-packages"), package], capture_output=True, text=True, check=False
        )
        found = shutil.which(program) or (at if Path(at).exists() else None)
        if found is None:
            pytest.fail(f"these tests need Debian's {package}: {done.stdout}{done.stderr}", pytrace=False)
    return found


def _certificate(folder: Path) -> None:
    """A certificate of localhost, by an authority made for it: ``ca.pem``, ``server.pem``, ``server.key``."""
    run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run(
        [*run, "-subj", "/CN=tests", "-keyout", folder / "ca.key", "-out", folder / "ca.pem"],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [*run, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-addext", "basicConstraints=CA:FALSE", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
         "-keyout", folder / "server.key", "-out", folder / "server.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
