"""What this room needs of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mahakam.config import ConfigError, Place, Settings
from mahakam.store.protocol import Store


class Node(Protocol):
    """Its settings, its places, its store."""

    @property
    def settings(self) -> Settings: ...

    @property
    def places(self) -> Mapping[str, Place]: ...

    @property
    def store(self) -> Store: ...


class Startable(Node, Protocol):
    """One that says with which of its settings it would not start."""

    def setting_faults(self) -> list[ConfigError]: ...
