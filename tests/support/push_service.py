"""A push service and a browser behind it: takes messages over HTTP, checks who sent them, and reads them.

The decryption is written down from RFC 8188 and RFC 8291, not taken from the library that encrypts.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def decrypt(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """RFC 8188, 2.1 (header: salt, record size, key id) and RFC 8291, 3.3 and 3.4."""
    salt, size, sender = body[:16], int.from_bytes(body[16:20], "big"), body[21 : 21 + body[20]]
    sealed = body[21 + body[20] :]
    assert len(sealed) <= size, "one record"
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    info = b"WebPush: info\0" + point(private.public_key()) + sender
    key = HKDF(hashes.SHA256(), 32, auth, info).derive(shared)
    content = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(key)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(key)
    plain = AESGCM(content).decrypt(nonce, sealed, None).rstrip(b"\0")
    assert plain[-1:] == b"\2", "the delimiter of the last record"
    return plain[:-1]


def verified(authorization: str) -> tuple[dict[str, Any], str]:
    """The claims of a VAPID header (RFC 8292, 3) and the key that signed them; raises InvalidSignature."""
    scheme, _space, rest = authorization.partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signature = parts["t"].split(".")
    assert json.loads(decoded(head))["alg"] == "ES256"
    raw = decoded(signature)
    dss = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(parts["k"]))
    key.verify(dss, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    return json.loads(decoded(claims)), parts["k"]


@dataclass
class Taken:
    """A message as it came: whose, its headers, and what it says."""

    headers: dict[str, str]
    body: bytes
    said: dict[str, str] = field(default_factory=dict)


class PushService:
    """Listens on a free port of 127.0.0.1; ``status`` is what it answers."""

    def __init__(self) -> None:
        self.status = 201
        self.taken: list[Taken] = []
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken = Taken({name.lower(): value for name, value in self.headers.items()}, body)
                if outer.status == 201:
                    taken.said = json.loads(decrypt(body, outer.private, outer.auth))
                outer.taken.append(taken)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_more: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def subscription(self, name: str = "one") -> dict[str, str]:
        return {
            "endpoint": f"{self.origin}/push/{name}",
            "p256dh": encoded(point(self.private.public_key())),
            "auth": encoded(self.auth),
        }

    def __enter__(self) -> PushService:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
