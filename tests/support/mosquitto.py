"""A real Mosquitto on free ports of 127.0.0.1: open, with a password, with TLS, and with TLS of both sides."""

from __future__ import annotations

import datetime
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from support.node import ROOT, free_port

USER, PASSWORD = "balai", "kota-42"


class Mosquitto:
    """``port`` takes anybody, ``guarded`` only ``USER`` with ``PASSWORD``, ``secure`` speaks TLS (``authority``),
    ``mutual`` too and asks for a certificate, as ``client.pem`` with ``client.key`` in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        self.port, self.guarded, self.secure, self.mutual = (free_port() for _ in range(4))
        self.folder = folder
        self.authority = folder / "ca.pem"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Mosquitto:
        program = installed("mosquitto", "/usr/sbin/mosquitto", "mosquitto")
        passwords, settings = self._folder / "passwords", self._folder / "mosquitto.conf"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True)
        make_certificates(self._folder)
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
listener {self.mutual} 127.0.0.1
allow_anonymous true
certfile {self._folder}/server.pem
keyfile {self._folder}/server.key
cafile {self._folder}/ca.pem
require_certificate true
""")
        self._process = subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
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


def installed(program: str, at: str, package: str) -> str:
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


def make_certificates(folder: Path) -> None:
    """An authority and what it vouches for: ``ca.pem``, ``server.pem`` of localhost, ``client.pem``; with keys."""
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    own = _certificate(name, name, authority, authority).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    (folder / "ca.pem").write_bytes(own.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    for kind, usage in (
        ("server", ExtendedKeyUsageOID.SERVER_AUTH),
        ("client", ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        made = (
            _certificate(subject, name, key, authority)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(authority, hashes.SHA256())
        )
        (folder / f"{kind}.pem").write_bytes(made.public_bytes(Encoding.PEM))
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{kind}.key").write_bytes(secret)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    authority: ec.EllipticCurvePrivateKey,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
    )
