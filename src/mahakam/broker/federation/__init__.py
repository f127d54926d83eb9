"""Context sources: what other nodes answer for, and how a node asks them (clause 4.3.3-4.3.6)."""
