"""Steps of entity numbers: 4096 numbers, then the next 4096, 8192, 16384 and so on; the newest are in a tail.

An index that begins with an entity's step is read in the order of pages, one step after the other, and no further
than the page needs: the first 20 of all that is selected cost the same however much is selected, and to find that
nothing is selected costs one look a step, of which a million entities have nine.

What is new goes to the tail, which is short, so that the index rows of a commit lie on few pages. Once the tail is
long its rows are moved to the steps where they belong, many on each page. The table ``step`` holds the first number
of each step, and of the tail, which is the last.
"""

from __future__ import annotations

TAIL = 31
"""The step of the tail."""
LONG = 4096
"""Entities in the tail from which it is moved."""
_FIRST_BITS = 12

IN_USE = "s.first <= (SELECT max(n) FROM entity)"
"""The rows of ``step s`` that a query needs to look at."""


def step_sql(number: str) -> str:
    """The step of an entity, whose number is a column."""
    return f"(SELECT max(n) FROM step WHERE first <= {number})"


def step_of(number: int, tail: int) -> int:
    """The step of an entity; ``tail`` is the first number of the tail."""
    return TAIL if number >= tail else (number >> _FIRST_BITS).bit_length()


def steps_between(first: int, last: int) -> list[tuple[int, int, int]]:
    """The steps where the entities of a tail belong: step, its first number, its last."""
    steps = range(step_of(first, last + 1), step_of(last, last + 1) + 1)
    return [(n, 1 << _FIRST_BITS + n - 1 if n else 0, (1 << _FIRST_BITS + n) - 1) for n in steps]
