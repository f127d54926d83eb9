"""Passwords hashed in no time: a story with six people would else be hashing for two seconds."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher

from mahakam.access import accounts

real = accounts._hasher
"""What this process hashes passwords with where no test runs; the servers that tests start always do."""


def hash_quickly() -> None:
    """From now on, in this process."""
    accounts._hasher = lru_cache(maxsize=1)(
        lambda: PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    )
