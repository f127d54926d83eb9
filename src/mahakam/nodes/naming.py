"""By what name a node introduces itself: that of the place which stands above all others that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from mahakam.config import Place, Settings


class Node(Protocol):
    @property
    def settings(self) -> Settings: ...

    @property
    def places(self) -> Mapping[str, Place]: ...


def name_of(node: Node) -> dict[str, str]:
    """The name by language; the host for a node without places, or with several beside each other."""
    tops = [place for place in node.places.values() if place.parent not in node.places]
    if len(tops) == 1:
        return dict(tops[0].name)
    host = urlsplit(node.settings.base).netloc
    return {"en": host}
