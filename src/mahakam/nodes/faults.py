"""What goes wrong between a node and its hub, said so that somebody can put it right."""

from __future__ import annotations


class NodeError(Exception):
    """``status``: of an answer over HTTP. ``kind`` names the fault for programs and for pages in other languages."""

    def __init__(self, why: str, *, status: int = 400, kind: str = "Invalid") -> None:
        super().__init__(why)
        self.status = status
        self.kind = kind


ENDED, REVOKED, LATER = "MembershipEnded", "ShareRevoked", "ShareUnknown"
"""The hub ended it (410); the node shares no more (403); tell the share first (425)."""
