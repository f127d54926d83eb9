"""What a user of ngsildclient does with a broker, in the client's own environment: HOST PORT NOTIFY-URI on the
command line, what the client said as JSON on standard output."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ngsildclient import Client, Entity

host, port, receiver = sys.argv[1:]
said: dict[str, Any] = {}


def sensor(number: int) -> Any:
    return Entity("AirQualityObserved", f"city:{number}").prop("NO2", number).loc(-0.5 - number / 100, 117.15)


with Client(hostname=host, port=int(port), verbose=False) as client:
    said["created"] = client.create(sensor(1).tprop("dateObserved").rel("refDevice", "Device:1"))
    id = sensor(1).id
    said["got"] = client.get(id).to_dict()
    said["exists"] = [client.exists(id), client.exists(f"{id}:none")]
    batch = client.batch.create([sensor(number) for number in range(1, 301)])
    said["batch"] = {"ok": batch.n_ok, "errors": batch.n_err}
    said["upserted"] = client.upsert(*[sensor(number) for number in range(296, 306)]).n_ok
    said["found"] = len(client.query(type="AirQualityObserved"))
    said["selected"] = [one.id for one in client.query(type="AirQualityObserved", q="NO2>=303")]
    said["counted"] = client.count(type="AirQualityObserved", q="NO2<=10")
    said["types"] = client.types.list()
    subscription = {
        "type": "Subscription",
        "description": "high NO2",
        "entities": [{"type": "AirQualityObserved"}],
        "watchedAttributes": ["NO2"],
        "q": "NO2>1000",
        "notification": {"endpoint": {"uri": receiver, "accept": "application/json"}},
        "@context": ["https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"],
    }
    subscribed = client.subscriptions.create(subscription)
    said["subscriptions"] = [one["id"] for one in client.subscriptions.list()]
    entity = client.get(id)
    entity["NO2.value"] = 1500
    said["updated"] = client.update(entity)
    for _ in range(100):
        if client.subscriptions.get(subscribed).get("notification", {}).get("timesSent"):
            break
        time.sleep(0.1)
    said["subscribed"] = subscribed
    said["unsubscribed"] = client.subscriptions.delete("high NO2")
    said["left"] = client.subscriptions.list()
    said["history"] = client.temporal.get(id, verbose=True)
    said["deleted"] = client.delete(id)
    said["batch deleted"] = client.batch.delete([sensor(number) for number in range(2, 10)]).n_ok
    client.delete_where(type="AirQualityObserved", q="NO2>=300")
    said["remaining"] = client.count(type="AirQualityObserved")
print(json.dumps(said, default=str))
