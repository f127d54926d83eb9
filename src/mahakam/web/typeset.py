"""Papers: a typst template and its data to PDF, with the fonts of all the pages' languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from mahakam.web.paper_fonts import FONTS, families

if TYPE_CHECKING:
    import typst


def typeset(template: str, data: Mapping[str, Any]) -> bytes:
    """``templates/<template>`` after ``templates/paper.typ``, tagged for screen readers.

    ``data`` goes through JSON; it has ``title`` and ``lang`` (ISO 639), after which lines are broken.
    """
    import typst

    folder = resources.files("mahakam.web").joinpath("templates")
    source = b"".join(folder.joinpath(name).read_bytes() for name in ("paper.typ", template))
    inputs = {"data": json.dumps(data, ensure_ascii=False), "families": json.dumps(families())}
    return bytes(typst.compile(source, format="pdf", font_paths=_fonts(), sys_inputs=inputs))


@cache
def _fonts() -> typst.Fonts:
    import typst

    return typst.Fonts(font_paths=[str(FONTS)])
