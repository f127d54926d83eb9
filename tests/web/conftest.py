"""The pages of a node that has read a part of the demo, and of one that has read nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node, open_node
from mahakam.config import Settings
from support.demo_part import node_over, part_of_demo


@pytest.fixture(scope="session")
def demo_node() -> Iterator[Node]:
    node = node_over(part_of_demo())
    yield node
    node.close()


@pytest.fixture(scope="session")
def demo_pages(demo_node: Node) -> Application:
    return Application(demo_node)


@pytest.fixture
def demo(demo_pages: Application) -> TestClient:
    return TestClient(demo_pages, base_url="http://localhost", headers={"accept-language": "en"})


@pytest.fixture
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    node = open_node(Settings(data=tmp_path_factory.mktemp("empty")))
    yield TestClient(Application(node), base_url="http://localhost", headers={"accept-language": "en"})
    node.close()
