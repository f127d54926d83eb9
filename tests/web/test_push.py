"""News to browsers: a real push service takes them, checks the node's signature, and its browser reads them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mahakam.services import push
from mahakam.services.desk import Desk, revision_of
from mahakam.services.owner import key_of
from mahakam.services.push import Browser, Pusher
from mahakam.services.request import Draft
from mahakam.web.pushing import Pushing
from support.portal import TOWN, Portal, two_cities
from support.push_service import PushService, decoded, decrypt, verified


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as made:
        yield made


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    with Portal(
        tmp_path / "data", places, private_addresses=True, mail_from="Town <town@example.id>"
    ) as made:
        yield made


@pytest.fixture
def desk(portal: Portal) -> Desk:
    return Desk(portal.node.broker, portal.node.places, portal.node.settings.data)


@pytest.fixture
def number(desk: Desk) -> str:
    return desk.send(Draft("town", "pothole", "A hole", TOWN)).number


def _subscribed(portal: Portal, number: str, service: PushService, **more: str) -> int:
    browser = portal.browser()
    fields = service.subscription() | browser.get("/report/token.json").json() | more
    answer = browser.post(f"/requests/{number}/push", fields, **{"Accept-Language": "en"})
    return answer.status_code


def _answer(desk: Desk, number: str, state: str, text: str) -> None:
    found = desk.request(number)
    assert found is not None
    desk.step(number, revision_of(found), state, text, "", "siti")


def test_the_decryption_of_the_tests_is_that_of_the_standard() -> None:
    """RFC 8291, appendix A, with the receiver's keys and the message that it gives."""
    private = ec.derive_private_key(
        int.from_bytes(decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big"), ec.SECP256R1()
    )
    body = decoded(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6"
        "PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    said = decrypt(body, private, decoded("BTBZMqHH6r4Tts7J_aSIgg"))
    assert said == b"When I grow up, I want to be a watermelon"


def test_news_reach_the_browser_once_encrypted_and_signed(
    portal: Portal, desk: Desk, number: str, service: PushService
) -> None:
    pushing = Pushing(portal.node)
    assert _subscribed(portal, number, service) == 201
    assert pushing.write_news() == 0, "what was there before is no news"
    _answer(desk, number, "inProgress", "A crew comes tomorrow")
    assert pushing.write_news() == 1
    assert pushing.send() == 1
    assert pushing.write_news() + pushing.send() == 0, "told once"
    (taken,) = service.taken
    assert taken.said == {
        "title": f"Report {number}: In progress",
        "body": "A crew comes tomorrow",
        "page": f"/requests/{number}",
        "tag": number,
    }
    assert b"crew" not in taken.body
    assert taken.headers["content-encoding"] == "aes128gcm"
    assert int(taken.headers["ttl"]) > 0
    claims, key = verified(taken.headers["authorization"])
    assert key == push.public_key(portal.node.store.tenant())
    assert claims["aud"] == service.origin
    assert claims["sub"] == "mailto:town@example.id"
    assert time.time() < claims["exp"] <= time.time() + 24 * 3600
    shown = portal.browser().get(f"/requests/{number}").text
    assert f'data-key="{key}"' in shown


def test_only_whoever_reported_gets_the_address_with_the_key(
    portal: Portal, desk: Desk, number: str, service: PushService
) -> None:
    key = key_of(portal.node.store.tenant(), number)
    pushing = Pushing(portal.node)
    _subscribed(portal, number, service, key="guessed")
    _answer(desk, number, "inProgress", "")
    pushing.write_news()
    pushing.send()
    _subscribed(portal, number, service, key=key)
    _answer(desk, number, "answered", "It is closed")
    pushing.write_news()
    pushing.send()
    assert [taken.said["page"] for taken in service.taken] == [
        f"/requests/{number}",
        f"/requests/{number}?key={key}",
    ]


def test_a_browser_that_is_gone_is_forgotten_and_one_that_stops_hears_nothing(
    portal: Portal, desk: Desk, number: str, service: PushService
) -> None:
    pushing, store = Pushing(portal.node), portal.node.store.tenant()
    _subscribed(portal, number, service)
    service.status = 410
    _answer(desk, number, "inProgress", "")
    pushing.write_news()
    assert pushing.send() == 0
    assert store.record(push.KIND, number) is None
    assert store.records(push.OWED) == {}
    service.status = 201
    _subscribed(portal, number, service)
    browser = portal.browser()
    fields = service.subscription() | browser.get("/report/token.json").json()
    assert browser.post(f"/requests/{number}/push/stop", fields).status_code == 204
    _answer(desk, number, "answered", "It is closed")
    assert pushing.write_news() == 0
    assert len(service.taken) == 1


def test_a_push_service_in_trouble_is_asked_again_later(
    portal: Portal, desk: Desk, number: str, service: PushService
) -> None:
    pushing, store = Pushing(portal.node), portal.node.store.tenant()
    _subscribed(portal, number, service)
    service.status = 503
    _answer(desk, number, "inProgress", "")
    pushing.write_news()
    assert pushing.send() == 0
    assert pushing.send() == 0
    assert len(service.taken) == 1, "not at once"
    service.status = 201
    again = Pusher(store, "mailto:town@example.id", private_addresses=True)
    assert asyncio.run(again.deliver(time.time() + 3600)) == 1
    assert service.taken[-1].said["tag"] == number
    assert store.records(push.OWED) == {}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"endpoint": "ftp://127.0.0.1/x"}, 422),
        ({"endpoint": "https://" + "x" * 2000}, 422),
        ({"p256dh": "AAAA"}, 422),
        ({"p256dh": "not base64 §"}, 422),
        ({"auth": "AAAA"}, 422),
        ({"form": "0.0"}, 403),
        ({}, 201),
    ],
)
def test_what_is_no_subscription_is_refused(
    portal: Portal, number: str, service: PushService, changes: dict[str, str], status: int
) -> None:
    assert _subscribed(portal, number, service, **changes) == status


def test_nothing_is_sent_into_the_house(service: PushService) -> None:
    """A subscription is an address that anybody may write down: it must not lead to the node's own network."""
    for endpoint in (
        service.origin,
        "https://127.0.0.1/x",
        "https://10.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/",
    ):
        browser = Browser(**(service.subscription() | {"endpoint": endpoint, "language": "en"}))
        assert browser.problem(private_addresses=False)
    outside = Browser(
        **(service.subscription() | {"endpoint": "https://push.example.org/x", "language": "en"})
    )
    assert outside.problem(private_addresses=False) == ""
    http = Browser(**(service.subscription() | {"endpoint": "http://push.example.org/x", "language": "en"}))
    assert http.problem(private_addresses=False)
