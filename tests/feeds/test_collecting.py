"""Garbage in cycles is looked for seldom inside, as before outside, however runs overlap."""

from __future__ import annotations

import gc

import pytest

from mahakam.collecting import SELDOM, collected_seldom


def test_overlapping_runs_leave_it_as_it_was() -> None:
    before = gc.get_threshold()
    one, two = collected_seldom(), collected_seldom()
    one.__enter__()
    two.__enter__()
    assert gc.get_threshold()[0] >= SELDOM
    one.__exit__(None, None, None)
    assert gc.get_threshold()[0] >= SELDOM, "the other one is still at work"
    two.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_one_that_fails_leaves_it_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), collected_seldom():
        raise KeyError
    assert gc.get_threshold() == before
