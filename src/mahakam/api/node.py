"""What an API beside NGSI-LD needs of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mahakam.access.rights import Rights
    from mahakam.broker.broker import Broker
    from mahakam.config import Place, Settings
    from mahakam.store.protocol import Store


class Node(Protocol):
    """Its parts, each made when first asked for."""

    @property
    def settings(self) -> Settings: ...

    @property
    def places(self) -> Mapping[str, Place]: ...

    @property
    def store(self) -> Store: ...

    @property
    def broker(self) -> Broker: ...

    @property
    def rights(self) -> Rights: ...
