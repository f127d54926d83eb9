"""Which store a test runs on, where most tests of a module need but one."""

from __future__ import annotations

import pytest

on_both_stores = pytest.mark.parametrize("story_store", ["sqlite", "postgresql"], indirect=True)
"""For one story of a module whose node is opened at ``story_store``: its other tests run on SQLite alone."""
