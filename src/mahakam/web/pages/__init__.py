"""One module a page (or a family of pages), each with ``routes(site)``; see ``mahakam.web.site``."""
