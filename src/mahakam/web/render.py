"""Templates to pages: the Jinja2 environment with autoescape, the reader's language and formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse

from mahakam.web import language
from mahakam.web.bundle import asset, language_sheet
from mahakam.web.foreign import settled
from mahakam.web.languages import languages, share

if TYPE_CHECKING:
    from jinja2 import Environment, Template

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    """``_``, ``n_``, ``words``, ``number``, ``percent``, ``date``, ``time``, ``period``, ``unit``,
    ``measured`` and ``asset`` are functions in every template (the formats also filters)."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=200,
    )
    formats = {
        name: getattr(language, name)
        for name in ("words", "number", "percent", "date", "time", "period", "unit", "measured")
    }
    env.filters.update(formats)
    env.filters["query"] = urlencode
    env.globals.update(formats)
    env.globals.update(_=language._, n_=language.n_, reader=language.reader, asset=asset)
    env.globals.update(language_sheet=language_sheet)
    return env


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """The page ``templates/<template>`` for this request. The base template reads from the context:
    ``title``,
    ``place`` (the Place it is about, or None), ``section`` (``"services" | "data" | "network" | ""``)."""
    from mahakam.web.gate import visitor
    from mahakam.web.site import site_of

    site = site_of(request)
    values: dict[str, Any] = {
        "request": request,
        "site": site,
        "place": None,
        "section": "",
        "visitor": visitor(request),
        "languages": [(one, _with_language(request, one.code)) for one in languages().values()],
        "translated": share(language.reader().language),
    }
    for extra in site.page_context:
        values.update(extra(request))
    values.update(context)
    return HTMLResponse(written(site.templates.get_template(template), **values), status)


def written(template: Template, **context: Any) -> str:
    """The template filled in; what is in another language than the reader's is marked as such."""
    return settled(template.render(context))


def _with_language(request: Request, code: str) -> str:
    """This page's address in another language."""
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]
    return request.url.path + "?" + urlencode([*pairs, ("lang", code)])
