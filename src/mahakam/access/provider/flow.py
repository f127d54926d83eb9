"""The authorization code flow (OpenID Connect Core 1.0, 3.1) with PKCE (RFC 7636), state and nonce.

A sign-in that was begun is one record, of which the store has hashes alone of what the browser shows; it is taken out
when the browser comes back, so that no answer of the provider is taken twice.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from mahakam.access.provider.asking import Asking
from mahakam.access.provider.refused import Refused
from mahakam.store.protocol import EntityStore, Transaction

KIND = "sign-in-turn"
LASTS = 10 * 60
"""Seconds that somebody may take at the provider's page."""
MOST = 10_000
"""Sign-ins that may be under way at once."""
LEEWAY = 60
"""Seconds by which the provider's clock may differ."""
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures with a key of the provider's alone: none that the client's secret could make."""


@dataclass(frozen=True, slots=True)
class Begun:
    """``url``: where the browser goes. ``cookie``: what it must show when it comes back."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the provider vouches for. ``target``: the page that the person wanted."""

    claims: Mapping[str, Any]
    target: str
    end_session: str

    @property
    def sid(self) -> str:
        """Which session at the provider it is (Back-Channel Logout 1.0, 2.1); "" if it does not say."""
        found = self.claims.get("sid")
        return found if isinstance(found, str) and len(found) <= 255 else ""


def begin(store: EntityStore, asking: Asking, redirect_uri: str, target: str, language: str) -> Begun:
    """Begin a sign-in. Raises Refused if the provider is away."""
    provider, metadata = asking.provider, asking.metadata()
    state, nonce, cookie = (secrets.token_urlsafe(32) for _ in range(3))
    verifier = secrets.token_urlsafe(48)
    now = time.time()
    under_way = store.records(KIND)
    over = [key for key, record in under_way.items() if record["until"] <= now]
    if len(under_way) - len(over) >= MOST:
        raise Refused("away", f"{MOST:,} sign-ins are under way already")
    record = {
        "browser": _digest(cookie), "nonce": nonce, "verifier": verifier, "target": target, "until": now + LASTS,
    }  # fmt: skip

    def work(transaction: Transaction) -> None:
        for key in over:
            transaction.save_record(KIND, key, None)
        transaction.save_record(KIND, _digest(state), record)

    store.write(work)
    url = prepare_grant_uri(
        metadata["authorization_endpoint"],
        provider.client,
        "code",
        redirect_uri=redirect_uri,
        scope=" ".join(provider.scopes),
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        ui_locales=language,
    )
    return Begun(url, cookie)


def finish(
    store: EntityStore, asking: Asking, redirect_uri: str, query: Mapping[str, str], cookie: str
) -> Said:
    """What the provider says of whoever comes back with this query and cookie. Raises Refused."""
    turn = _take(store, query.get("state", ""), cookie)
    metadata = asking.metadata()
    issuer = query.get("iss")  # RFC 9207
    named = metadata.get("authorization_response_iss_parameter_supported") is True
    if (named or issuer is not None) and issuer != asking.provider.issuer:
        raise Refused("provider", f"the answer is of the issuer {issuer!r:.200}")
    if "error" in query:
        why = query["error"][:100]
        raise Refused("away" if why in ("server_error", "temporarily_unavailable") else "denied", why)
    if not query.get("code"):
        raise Refused("denied", "the answer has no code")
    tokens = _redeem(asking, metadata, redirect_uri, query["code"], turn["verifier"])
    claims = _verified(asking, tokens, turn["nonce"])
    claims = _more(asking, metadata, tokens, claims)
    return Said(claims, turn["target"], str(metadata.get("end_session_endpoint") or ""))


def sign_out_url(end_session: str, client: str, back: str) -> str:
    """Where the browser goes to sign out at the provider, too (OpenID Connect RP-Initiated Logout 1.0, 2)."""
    query = urlencode({"client_id": client, "post_logout_redirect_uri": back})
    return f"{end_session}{'&' if '?' in end_session else '?'}{query}"


def _take(store: EntityStore, state: str, cookie: str) -> dict[str, Any]:
    """The sign-in of a state, once, and for the browser that began it alone."""
    key = _digest(state)

    def work(transaction: Transaction) -> dict[str, Any] | None:
        kept = transaction.record(KIND, key)
        if kept is None or not secrets.compare_digest(kept["browser"], _digest(cookie)):
            return None
        transaction.save_record(KIND, key, None)
        return kept

    # Looked at before it is written: a made-up state costs no transaction.
    turn = store.write(work) if state and cookie and store.record(KIND, key) else None
    if turn is None:
        raise Refused("turn", "the state is of no sign-in that this browser began")
    if turn["until"] <= time.time():
        raise Refused("turn", "the sign-in was begun too long ago")
    return turn


def _redeem(
    asking: Asking, metadata: Mapping[str, Any], redirect_uri: str, code: str, verifier: str
) -> dict[str, Any]:
    provider = asking.provider
    known = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    method = "none"
    if provider.secret:
        method = "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
    }  # fmt: skip
    if method == "none":
        form["client_id"] = provider.client
    auth = ClientAuth(provider.client, provider.secret, method)
    url, headers, body = auth.prepare(
        "POST",
        metadata["token_endpoint"],
        {"Content-Type": "application/x-www-form-urlencoded"},
        urlencode(form),
    )
    return asking.json("POST", url, headers, body)


def _verified(asking: Asking, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of the ID token, after all that Core 1.0, 3.1.3.7 asks for. Raises Refused."""
    raw, provider = tokens.get("id_token"), asking.provider
    if not isinstance(raw, str):
        raise Refused("token", "the answer has no ID token")
    try:
        token = signed_token(asking, raw)
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client},
                "sub": {"essential": True},
            },
            {"nonce": nonce, "client_id": provider.client, "access_token": tokens.get("access_token")},
        )
        claims.validate(leeway=LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        raise Refused("token", f"{type(error).__name__}: {str(error)[:200]}") from error
    if not isinstance(claims.get("sub"), str) or not claims["sub"] or len(claims["sub"]) > 255:
        raise Refused("token", "sub is no text of 1 to 255 characters")
    return dict(claims)


def signed_token(asking: Asking, raw: str) -> jwt.Token:
    """A token whose signature is by a key of the provider's, which are asked for anew once for an unknown one.

    Raises Refused if they cannot be had, JoseError or ValueError for a token that does not hold.
    """
    try:
        return jwt.decode(raw, _signing(asking.keys()), list(ALGORITHMS))
    except InvalidKeyIdError:
        return jwt.decode(raw, _signing(asking.keys(anew=True)), list(ALGORITHMS))


def _signing(found: Mapping[str, Any]) -> KeySet:
    keys = [
        one
        for one in found["keys"]
        if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig"
    ]
    return KeySet.import_key_set({"keys": keys})


def _more(
    asking: Asking, metadata: Mapping[str, Any], tokens: Mapping[str, Any], claims: dict[str, Any]
) -> dict[str, Any]:
    """What the userinfo endpoint adds (5.3): of the same subject only; the ID token's own claims stand."""
    url, access = metadata.get("userinfo_endpoint"), tokens.get("access_token")
    if not url or not isinstance(access, str) or not access.isascii() or not access.isprintable():
        return claims
    found = asking.json("GET", url, {"Authorization": f"Bearer {access}"})
    if found.get("sub") != claims["sub"]:
        raise Refused("token", "userinfo is of another subject")
    return found | claims


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
