"""A disk without room: every write is refused with what helps, reads go on, and nothing acknowledged is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from mahakam.app import Application, open_node
from mahakam.config import Settings
from support.api import Api, problem


def test_no_room(tmp_path: Path) -> None:
    node = open_node(Settings(data=tmp_path, open=True))

    def room(pages: int) -> None:
        """The page limit is the writer's, as the end of a disk would be: 0 is as many as there are."""

        def work(transaction: Any) -> None:
            most = pages or transaction._execute("PRAGMA page_count").get + 60
            transaction._execute(f"PRAGMA max_page_count={most}")

        node.store.tenant().write(work)

    with TestClient(Application(node), base_url="http://localhost") as client:
        api = Api(client)
        room(0)
        acknowledged: list[str] = []
        big = {"type": "Property", "value": "x" * 8_000}
        for number in range(200):
            id = f"urn:ngsi-ld:Box:{number}"
            answer = api("POST", "/entities", json={"id": id, "type": "Box", "blob": big})
            if answer.status_code != 201:
                break
            acknowledged.append(id)
        else:
            raise AssertionError("the disk was never full")
        assert "once there is room" in problem(answer, 507, "InternalError")["detail"]
        assert len(acknowledged) > 10
        batch = [{"id": f"urn:ngsi-ld:Box:b{number}", "type": "Box", "blob": big} for number in range(20)]
        refused = api("POST", "/entityOperations/create", json=batch)
        assert refused.status_code == 507, refused.text
        listed = api.get("/entities?type=Box&limit=1000&count=true")
        assert [one["id"] for one in listed.json()] == acknowledged
        room(1_000_000)
        again = api("POST", "/entities", json={"id": id, "type": "Box", "blob": big})
        assert again.status_code == 201
        assert api.read(id)["blob"]["value"] == "x" * 8_000
    node.close()
