"""On whose behalf a hub writes what it takes in of a node: the node's, whoever asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mahakam.store.acting import Acting, act, acting


@contextmanager
def on_behalf_of(node: str) -> Iterator[None]:
    """Within, what is written is written, and audited, as the node's."""
    outer = acting()
    act(Acting(f"node {node}", "node", route="nodes"))
    try:
        yield
    finally:
        act(outer)
