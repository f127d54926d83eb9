"""Copies over NATS: the subject on which a node publishes to its hub, and the secret that it signs them with.

The server lets a node's user publish to its own subject and to no other; the signature holds where the server is set up
wrongly, and puts no key into the stream.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mahakam.broker import signing
from mahakam.broker.endpoint import endpoint_problem
from mahakam.nodes.faults import NodeError
from mahakam.store.protocol import EntityStore, Transaction

STREAM = "mahakam-nodes"
SUBJECTS = "mahakam.nodes"
KIND = "node-nats"
"""Records of the secrets with which nodes sign what they publish: node → ``secret``."""


def subject_of(node: str) -> str:
    return f"{SUBJECTS}.{node}"


def checked(url: str, node: str) -> str:
    """The address on which a node publishes, of the server's address with user and password. Raises NodeError."""
    parts = urlsplit(url)
    if parts.scheme not in ("nats", "tls") or parts.path.strip("/") or parts.query or parts.fragment:
        raise NodeError(
            f"the NATS server as the node reaches it was expected: tls://{node}:PASSWORD@nats.hub.example:4222"
        )
    found = f"{url.rstrip('/')}/{subject_of(node)}"
    if problem := endpoint_problem(found, private_addresses=True):
        raise NodeError(problem)
    return found


def given(transaction: Transaction, node: str, address: str) -> dict[str, Any]:
    """What a node that joins is told of it; nothing where its invitation names no NATS server."""
    if not address:
        forget(transaction, node)
        return {}
    secret = signing.PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    transaction.save_record(KIND, node, {"secret": secret})
    return {"nats": {"uri": address, "secret": secret}}


def forget(transaction: Transaction, node: str) -> None:
    """It is no member any more, or one without NATS."""
    transaction.save_record(KIND, node, None)


def accepted(said: Mapping[str, Any], *, private_addresses: bool) -> dict[str, str]:
    """What a hub's answer to joining says of NATS, as far as this node can use it; without it copies go over HTTP."""
    nats = said.get("nats")
    if not isinstance(nats, Mapping):
        return {}
    uri, secret = str(nats.get("uri", "")), str(nats.get("secret", ""))
    if not uri.startswith(("nats://", "tls://")) or not secret.startswith(signing.PREFIX):
        return {}
    if endpoint_problem(uri, private_addresses=private_addresses):
        return {}
    return {"nats": uri, "nats_secret": secret}


def signer(store: EntityStore, subject: str, headers: Mapping[str, str], body: bytes) -> str:
    """The node whose message this is, by its subject and its signature. Raises NodeError (401)."""
    node = subject.removeprefix(f"{SUBJECTS}.")
    said = {name.lower(): value for name, value in headers.items()}
    record = store.record(KIND, node)
    at = said.get("webhook-timestamp", "")
    # It may have lain in the stream for days: its age says nothing.
    if record is None or not at.isdecimal() or not signing.holds(record["secret"], said, body, float(at)):
        raise NodeError(f"{subject}: not signed by a node of this hub", status=401, kind="Unauthorized")
    return node
