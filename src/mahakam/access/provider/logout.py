"""Somebody signed out at the provider (OpenID Connect Back-Channel Logout 1.0): their sessions here end, too."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError

from mahakam.access.accounts import IDENTITY
from mahakam.access.provider.asking import Asking
from mahakam.access.provider.flow import LEEWAY, signed_token
from mahakam.access.provider.linking import identity_key
from mahakam.access.provider.refused import Refused
from mahakam.access.sessions import end_provider_sessions
from mahakam.store.protocol import EntityStore, Transaction

KIND = "logout-taken"
"""Records of the tokens that were taken, until they would be refused for their age: none is taken twice."""
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST = 16 * 1024
"""Bytes of a token."""
OLDEST = 600
"""Seconds since it was made after which a token is not taken, whatever it says of its end itself."""
_TYPES = ("logout+jwt", "JWT")
_LONGEST_CLAIM = 255


def sign_out(store: EntityStore, asking: Asking, token: str) -> int:
    """End the sessions that a logout token names (2.4 to 2.6); how many there were.

    With ``sid``: those of that session at the provider, and those of the same subject that are known to be of none of
    its sessions. With ``sub`` alone: all of that subject. Raises Refused.
    """
    claims = _verified(asking, token)
    subject, sid = claims.get("sub", ""), claims.get("sid", "")
    _take(store, asking.provider.issuer, claims)
    known = store.record(IDENTITY, identity_key(asking.provider.issuer, subject)) if subject else None
    account = str(known["account"]) if known else ""
    return end_provider_sessions(store, account, sid)


def _verified(asking: Asking, raw: str) -> Mapping[str, Any]:
    if len(raw) > LONGEST:
        raise Refused("token", f"the logout token has more than {LONGEST:,} characters")
    try:
        token = signed_token(asking, raw)
    except (JoseError, ValueError, TypeError) as error:
        raise Refused("token", f"logout token: {type(error).__name__}: {str(error)[:200]}") from error
    claims = token.claims
    if fault := _fault(token.header, claims, asking.provider.issuer, asking.provider.client, time.time()):
        raise Refused("token", f"logout token: {fault}")
    return claims


def _fault(header: Mapping[str, Any], claims: Mapping[str, Any], issuer: str, client: str, now: float) -> str:
    """What of a token does not hold; "" for one that does."""
    audience = claims.get("aud")
    events = claims.get("events")
    made, until = claims.get("iat"), claims.get("exp", now)
    if header.get("typ", "JWT") not in _TYPES:
        return f"it is of the type {header.get('typ')!r:.40}"
    if claims.get("iss") != issuer:
        return f"it is of the issuer {claims.get('iss')!r:.200}"
    if client not in (audience if isinstance(audience, list) else [audience]):
        return "it is for another client"
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        return "it is of no such event"
    if "nonce" in claims:
        return "it has a nonce, as an ID token has"
    if any(not isinstance(one, int | float) or isinstance(one, bool) for one in (made, until)):
        return "its times are no numbers"
    if not now - OLDEST <= made <= now + LEEWAY or until < now - LEEWAY:  # type: ignore[operator]
        return "it is too old, or not made yet"
    for name in ("jti", "sub", "sid"):
        said = claims.get(name, "")
        if not isinstance(said, str) or len(said) > _LONGEST_CLAIM:
            return f"{name} is no text of at most {_LONGEST_CLAIM} characters"
    if not claims.get("jti"):
        return "it has no jti"
    return "" if claims.get("sub") or claims.get("sid") else "it names neither sub nor sid"


def _take(store: EntityStore, issuer: str, claims: Mapping[str, Any]) -> None:
    """Raises Refused for a token that was taken before."""
    key = hashlib.sha256(f"{issuer}\n{claims['jti']}".encode()).hexdigest()
    now = time.time()
    over = [old for old, record in store.records(KIND).items() if record["until"] <= now]

    def work(transaction: Transaction) -> bool:
        for old in over:
            transaction.save_record(KIND, old, None)
        if transaction.record(KIND, key) is not None:
            return False
        transaction.save_record(KIND, key, {"until": float(claims["iat"]) + OLDEST + LEEWAY})
        return True

    if not store.write(work):
        raise Refused("token", "logout token: it was taken before")
