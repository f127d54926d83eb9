"""Two server processes, many applications at once: each write is in the trail as its own application's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from mahakam.access.audit import verify
from mahakam.access.keys import add_key
from mahakam.store.opening import open_store
from support.node import RunningNode
from support.stores import on_both_stores


@on_both_stores
def test_each_write_is_its_own_applications(tmp_path: Path, story_store: str) -> None:
    opened = open_store(story_store, tmp_path)
    keys = {
        f"gauge {number}": add_key(opened.tenant(), f"gauge {number}", ["write"])[0] for number in range(6)
    }
    opened.close()
    with RunningNode(tmp_path, workers=2, environment={"MAHAKAM_STORE": story_store}) as node:

        def writes(name: str) -> None:
            bearer = {"authorization": f"Bearer {keys[name]}"}
            with httpx.Client(base_url=node.url, timeout=120) as client:
                for number in range(30):
                    id = f"urn:ngsi-ld:Gauge:{name.replace(' ', '-')}-{number}"
                    value = {"type": "Property", "value": number}
                    answer = client.post(
                        "/ngsi-ld/v1/entities",
                        json={"id": id, "type": "Gauge", "rain": value},
                        headers=bearer,
                    )
                    assert answer.status_code == 201, answer.text
                    answer = client.patch(
                        f"/ngsi-ld/v1/entities/{id}",
                        json={"rain": {"type": "Property", "value": -1}},
                        headers=bearer | {"x-request-id": f"{name.replace(' ', '-')}.{number}"},
                    )
                    assert answer.status_code == 204, answer.text

        with ThreadPoolExecutor(len(keys)) as pool:
            list(pool.map(writes, keys))
    opened = open_store(story_store, tmp_path)
    chain = list(opened.tenant().audit_chain())
    opened.close()
    assert verify(chain).faults == []
    written = [one for one in chain if one.action in ("create", "change")]
    assert len(written) == 2 * 30 * len(keys)
    for one in written:
        name, _, number = one.object.rpartition(":")[2].rpartition("-")
        assert (one.principal, one.kind) == (name.replace("-", " "), "key")
        if one.action == "change":
            assert one.request == f"{name}.{number}"
