"""Make src/mahakam/access/known-passwords.bin anew from a list of passwords, the commonest first, one a line.

    python -m tools.known_passwords 10_million_password_list_top_1M.txt

The list that is shipped was made of the one of that name in SecLists (https://github.com/danielmiessler/SecLists,
MIT licence, Daniel Miessler), which counts passwords of known breaches: the first 30,000 that are long enough for an
account here. Hashes and not the words themselves: nobody needs to read them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mahakam.access.passwords import KNOWN, LONGEST, SHORTEST, digest_of

MOST = 30_000


def made(lines: list[str]) -> bytes:
    """The digests in order."""
    fitting = (line for line in lines if SHORTEST <= len(line) <= LONGEST)
    chosen = list(dict.fromkeys(digest_of(line) for line in fitting))[:MOST]
    return b"".join(sorted(chosen))


if __name__ == "__main__":
    KNOWN.write_bytes(made(Path(sys.argv[1]).read_text("utf-8", errors="replace").splitlines()))
