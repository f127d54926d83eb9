"""In a real browser: a resident asks for news on the device, and the service worker shows what comes.

The push service that Chromium is built for is not to be reached from a test: one of our own stands in its place, from
where the node's message, decrypted, is handed to the service worker as the browser does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services.desk import Desk, revision_of
from mahakam.services.request import Draft
from support.browser import launched, phone
from support.node import RunningNode
from support.portal import TOWN, two_cities
from support.push_service import PushService

_SUBSCRIBED = """subscription => {
  PushManager.prototype.subscribe = async (options) => {
    window.asked = { visible: options.userVisibleOnly, key: options.applicationServerKey.length };
    const { endpoint, ...keys } = subscription;
    return { endpoint, toJSON: () => ({ endpoint, keys }) };
  };
  Notification.requestPermission = async () => "granted";
}"""


def test_news_are_shown_on_the_device(tmp_path: Path) -> None:
    places, data = two_cities(tmp_path / "places"), tmp_path / "data"
    node = Node(Settings(data=data, config=(places,)))
    desk = Desk(node.broker, node.places, data)
    number = desk.send(Draft("town", "pothole", "A hole", TOWN)).number
    with (
        PushService() as service,
        RunningNode(data, config=(places,), private_addresses=True) as running,
        launched() as browser,
    ):
        context = phone(browser)
        context.grant_permissions(["notifications"], origin=running.url)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(f"{running.url}/requests/{number}?lang=en")
        page.evaluate(_SUBSCRIBED, service.subscription())
        page.get_by_role("button", name="Tell me on this device").tap()
        expect(page.locator("[data-push-said]")).to_have_text("News of this report come to this device.")
        assert page.evaluate("window.asked") == {"visible": True, "key": 65}

        found = desk.request(number)
        assert found is not None
        desk.step(number, revision_of(found), "inProgress", "A crew comes tomorrow", "", "siti")
        for _try in range(150):
            if service.taken:
                break
            page.wait_for_timeout(200)
        assert [taken.said["body"] for taken in service.taken] == ["A crew comes tomorrow"]

        devtools = context.new_cdp_session(page)
        registrations: list[str] = []
        devtools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: registrations.extend(one["registrationId"] for one in event["registrations"]),
        )
        devtools.send("ServiceWorker.enable")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": running.url,
                "registrationId": registrations[0],
                "data": json.dumps(service.taken[0].said),
            },
        )
        shown = page.wait_for_function(
            "async () => { const [one] = await (await navigator.serviceWorker.ready).getNotifications();"
            " return one && [one.title, one.body, one.data.page]; }"
        )
        assert shown.json_value() == [
            f"Report {number}: In progress",
            "A crew comes tomorrow",
            f"/requests/{number}",
        ]

        page.get_by_role("button", name="No more news on this device").tap()
        expect(page.get_by_role("button", name="Tell me on this device")).to_be_visible()
    node.close()
