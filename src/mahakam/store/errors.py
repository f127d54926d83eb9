"""What a store says when it cannot do its work: what failed and what would help."""

from __future__ import annotations


class StoreError(Exception):
    """It cannot read or write (disk full, damaged, held by another program); nothing is half-written."""


class StoreUnavailable(StoreError):
    """The database does not answer now; the same request may succeed later."""


class StoreFull(StoreError):
    """There is no room to write; reads go on, and the same request succeeds once there is."""


class UnsupportedStore(StoreError):
    """A ``--store`` URL that names something this version cannot open."""


class TakesLong(StoreError):
    """A read that was wanted at once is not done after a few milliseconds."""
