"""Servers of npm that tests start: ``python -m tools.test_servers`` installs them as their lock files say."""

from __future__ import annotations

import sys
from pathlib import Path

from mahakam.web.build import BuildError, install

FOLDERS = (Path(__file__).parents[1] / "tests/support/oidc",)


def main() -> int:
    """Exit 0: installed or there already; 2: could not be installed."""
    try:
        for folder in FOLDERS:
            install(folder)
    except (BuildError, OSError) as error:
        print(f"servers for tests: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
