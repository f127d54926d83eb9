"""Public services: the catalogue, and requests of residents."""

from pathlib import Path

DEFAULT_CONTRACTS = {"ServiceRequest": Path(__file__).parent / "contract.yaml"}
"""Entity type → the contract that holds where a place has none of its own."""
