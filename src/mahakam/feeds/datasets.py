"""Large tables: validated rows as Parquet, and the ``Dataset`` entity (DCAT) that describes them."""

from __future__ import annotations


def store_dataset():
    raise NotImplementedError
