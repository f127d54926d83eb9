"""Tokens for applications, asked for by authlib's client from a running server; and every error of the standards."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mahakam.access import throttle, tokens
from mahakam.access.keys import Key, add_key, revoke_key
from mahakam.app import Application, Node
from mahakam.config import Settings
from mahakam.store.opening import open_store
from support.node import RunningNode
from support.portal import TOWN, two_cities

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.httpx_client import OAuth2Client

SCOPES = ("read", "write", "work", "monitor")
GAUGE = {"id": "urn:ngsi-ld:Gauge:1", "type": "Gauge", "scope": "/prov/town", "level": 3}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, str, Key]]:
    root: Path = tmp_path_factory.mktemp("oauth2")
    places = two_cities(root / "places")
    store = open_store("", root / "data")
    secret, key = add_key(store.tenant(), "gauges", ("write", "work", "monitor"), ("town", "*"))
    store.close()
    with RunningNode(root / "data", config=(places,)) as node:
        yield node, secret, key


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_gets_a_token_and_uses_it_everywhere(
    served: tuple[RunningNode, str, Key], method: str
) -> None:
    node, secret, key = served
    about = httpx.get(f"{node.url}/.well-known/oauth-authorization-server").json()
    assert about["issuer"] == node.url
    assert method in about["token_endpoint_auth_methods_supported"]
    with OAuth2Client(key.id, secret, token_endpoint_auth_method=method, timeout=120) as client:
        token = client.fetch_token(about["token_endpoint"], grant_type="client_credentials")
        assert token["token_type"] == "Bearer"
        assert 0 < token["expires_in"] <= tokens.LASTS
        assert token["scope"] == "write work monitor"
        entity = GAUGE | {"id": f"urn:ngsi-ld:Gauge:{method}"}
        assert client.post(f"{node.url}/ngsi-ld/v1/entities", json=entity).status_code == 201
        assert client.get(f"{node.url}/metrics").status_code == 200
        report = {
            "jurisdiction_id": "town", "service_code": "pothole", "lat": TOWN[1], "long": TOWN[0],
            "description": "A hole",
        }  # fmt: skip
        assert client.post(f"{node.url}/open311/requests.json", data=report).status_code == 201
        by_parameter = report | {"api_key": token["access_token"]}
        assert httpx.post(f"{node.url}/open311/requests.json", data=by_parameter).status_code == 201
        assert (
            client.revoke_token(about["revocation_endpoint"], token=token["access_token"]).status_code == 200
        )
        after = client.post(f"{node.url}/ngsi-ld/v1/entities", json=entity | {"id": "urn:ngsi-ld:Gauge:x"})
        assert after.status_code == 401
        assert 'error="invalid_token"' in after.headers["www-authenticate"]


def test_authlib_says_what_is_wrong(served: tuple[RunningNode, str, Key]) -> None:
    node, secret, key = served
    with OAuth2Client(key.id, secret, timeout=120) as client, pytest.raises(OAuthError) as error:
        client.fetch_token(f"{node.url}/oauth2/token", grant_type="client_credentials", scope="read write")
    assert error.value.error == "invalid_scope"
    assert "write work monitor" in error.value.description
    with OAuth2Client(key.id, secret + "x", timeout=120) as client, pytest.raises(OAuthError) as error:
        client.fetch_token(f"{node.url}/oauth2/token", grant_type="client_credentials")
    assert error.value.error == "invalid_client"


# in this process


class Here:
    def __init__(self, data: Path) -> None:
        from starlette.testclient import TestClient

        self.node = Node(Settings(data=data, config=()))
        self.store = self.node.store.tenant()
        self.client: Any = TestClient(Application(self.node), base_url="http://localhost")

    def ask(self, secret: str, key: Key, **form: str) -> Any:
        fields = {"grant_type": "client_credentials"} | form
        return self.client.post("/oauth2/token", data=fields, auth=(key.id, secret))

    def creates(self, token: str, number: int = 1, **more: Any) -> Any:
        entity = {"id": f"urn:ngsi-ld:Gauge:{number}", "type": "Gauge", "level": 3} | more
        return self.client.post(
            "/ngsi-ld/v1/entities", json=entity, headers={"authorization": f"Bearer {token}"}
        )


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    found = Here(tmp_path / "data")
    yield found
    found.node.close()


def test_a_token_has_no_more_rights_than_were_asked_for(here: Here) -> None:
    secret, key = add_key(here.store, "both", ("read", "write"), ("town",))
    reading = here.ask(secret, key, scope="read").json()
    assert reading["scope"] == "read"
    refused = here.creates(reading["access_token"], scope="/town")
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    writing = here.ask(secret, key, scope="write write").json()
    assert writing["scope"] == "write"
    assert here.creates(writing["access_token"], scope="/town").status_code == 201
    assert here.creates(writing["access_token"], 2).status_code == 403, "it holds in the key's places alone"


def test_a_token_ends_with_its_time_and_with_its_key(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, key = add_key(here.store, "gauges", ("write",))
    token = here.ask(secret, key).json()["access_token"]
    assert here.creates(token, 1).status_code == 201
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(tokens.time, "time", lambda: now + tokens.LASTS + 5)
        assert here.creates(token, 2).status_code == 401
        here.ask(secret, key)
        assert len(here.store.records(tokens.TOKEN)) == 1, "what is over is swept out"
    token = here.ask(secret, key).json()["access_token"]
    revoke_key(here.store, key.id)
    assert here.creates(token, 3).status_code == 401
    assert here.ask(secret, key).status_code == 401


def test_a_key_that_ends_soon_gives_no_longer_token(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, key = add_key(here.store, "gauges", ("write",), days=1)
    now = time.time()
    monkeypatch.setattr(tokens.time, "time", lambda: now + 86400 - 60)
    assert here.ask(secret, key).json()["expires_in"] <= 61


def test_the_store_has_no_token_and_the_trail_names_the_key(here: Here, tmp_path: Path) -> None:
    secret, key = add_key(here.store, "gauges", ("write",))
    token = here.ask(secret, key).json()["access_token"]
    assert token.startswith("mht_")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(token.encode() in path.read_bytes() for path in files)
    (entry,) = here.store.audit_entries(action="token.issue")
    assert (entry.principal, entry.kind, entry.object) == ("gauges", "key", f"key/{key.id}")
    here.creates(token)
    assert here.store.audit_entries(action="create")[0].principal == "gauges"


def test_another_client_revokes_nothing(here: Here) -> None:
    secret, key = add_key(here.store, "gauges", ("write",))
    other, other_key = add_key(here.store, "other", ("write",))
    token = here.ask(secret, key).json()["access_token"]
    for auth, form, status in (
        ((other_key.id, other), {"token": token}, 200),
        ((key.id, other), {"token": token}, 401),
        ((key.id, secret), {"token": "mht_unknown"}, 200),
        ((key.id, secret), {}, 400),
    ):
        assert here.client.post("/oauth2/revoke", data=form, auth=auth).status_code == status
    assert here.creates(token).status_code == 201


def test_what_is_no_such_request_is_refused_as_the_standard_has_it(here: Here) -> None:
    secret, key = add_key(here.store, "gauges", ("write",))
    good = {"grant_type": "client_credentials"}
    post, path = here.client.post, "/oauth2/token"
    cases = [
        (post(path, data={}, auth=(key.id, secret)), 400, "invalid_request"),
        (post(path, data={"grant_type": "password"}, auth=(key.id, secret)), 400, "unsupported_grant_type"),
        (post(path, json=good, auth=(key.id, secret)), 400, "invalid_request"),
        (post(path, data=good), 401, "invalid_client"),
        (post(path, data=good, auth=("", secret)), 401, "invalid_client"),
        (post(path, data=good, headers={"authorization": "Basic ?"}), 401, "invalid_client"),
        (post(path, data=good, headers={"authorization": f"Bearer {secret}"}), 401, "invalid_client"),
        (post(path, data=good | {"client_secret": secret}, auth=(key.id, secret)), 400, "invalid_request"),
        (post(path, data={"grant_type": ["client_credentials"] * 2}, auth=(key.id, secret)), 400, "invalid_request"),
        (post(path, data=good | {"scope": "admin"}, auth=(key.id, secret)), 400, "invalid_scope"),
        (post(path, data=good | {"scope": "x" * 20_000}, auth=(key.id, secret)), 413, "invalid_request"),
    ]  # fmt: skip
    for answer, status, error in cases:
        assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) is (status == 401)
        assert secret not in answer.text
    assert here.client.get(path).status_code == 405
    assert here.creates("mhk_" + "x" * 40).headers["www-authenticate"].endswith('error="invalid_token"')


def test_guessing_and_asking_without_end_are_stopped(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    from mahakam.api.oauth2 import endpoints

    secret, key = add_key(here.store, "gauges", ("write",))
    monkeypatch.setattr(endpoints, "TURNS", 2)
    assert [here.ask(secret, key).status_code for _ in range(3)] == [200, 200, 429]
    other, other_key = add_key(here.store, "other", ("write",))
    for _ in range(throttle.LIMITS["both"]):
        assert here.ask("mhk_wrong", other_key).status_code == 401
    answer = here.ask(other, other_key)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
