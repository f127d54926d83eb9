"""Regular expressions from strangers: only such as take time in proportion to the text, near enough."""

from __future__ import annotations

import re
import warnings
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from mahakam.ngsild.problem import bad_request

MAX_PATTERN = 256
_MANY = 16
"""Repetitions from which a loop counts as without end."""
_MAX_LOOPS = 4


def check_pattern(text: str, where: str) -> None:
    """Raises Problem BadRequestData if a text is no regular expression, or one that may never come to an end.

    Python's engine tries every way to match: loops within loops, or a choice within one, can take it years.
    """
    if len(text) > MAX_PATTERN:
        raise bad_request("The query is not valid", f"{where}: a pattern may have {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
            tree = _parser.parse(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise bad_request(
            "The query is not valid", f"{where}: {text!r} is no regular expression: {error}"
        ) from None
    if _loops(tree, inside=False) > _MAX_LOOPS:
        raise bad_request(
            "The query is not valid",
            f"{where}: {text!r} may take too long: at most {_MAX_LOOPS} of * + {{n,}}, none inside another, "
            "no | and no back reference inside one",
        )


def _loops(tree: Any, *, inside: bool) -> int:
    """The number of unbounded loops; far too many if they nest."""
    found = 0
    for operation, argument in tree:
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            _, most, body = argument
            loop = most is _constants.MAXREPEAT or most >= _MANY
            if loop:
                found += 100 if inside else 1
            found += _loops(body, inside=inside or loop)
        elif operation is _constants.SUBPATTERN:
            found += _loops(argument[-1], inside=inside)
        elif operation is _constants.BRANCH:
            found += 100 if inside else 0
            found += sum(_loops(branch, inside=inside) for branch in argument[1])
        elif operation is _constants.GROUPREF:
            found += 100 if inside else 1
        elif operation in (_constants.ASSERT, _constants.ASSERT_NOT):
            found += _loops(argument[1], inside=inside)
        elif operation is _constants.GROUPREF_EXISTS:
            found += sum(_loops(branch, inside=inside) for branch in argument[1:] if branch)
    return found
