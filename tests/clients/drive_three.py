"""What a user of three does with an Open311 server, in the client's own environment: ENDPOINT KEY PHOTO on the command
line, what the client said as JSON on standard output."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

itertools.ifilter = filter  # type: ignore[attr-defined]  # the client is of Python 2

from three import Three  # noqa: E402

endpoint, key, photo = sys.argv[1:]
client: Any = Three(endpoint, api_key=key, jurisdiction="town")
said: dict[str, Any] = {"discovery": client.discovery(), "services": client.services()}
said["definition"] = client.services("pothole")
where = {"lat": "-0.45", "long": "117.05"}
posted = client.post(
    "pothole", name="Ana Kurnia", phone="0812", description="A hole", **where, **{"attribute[size]": "car"}
)
said["posted"] = posted
said["status"] = client.post_response.status_code
with Path(photo).open("rb") as file:
    said["with photo"] = client.post("street-light", description="Lamp out", media=file, **where)
said["by village"] = client.post("street-light", description="Dark", address="Jl. Dahlia 1, Bugis")
said["refused"] = client.post("pothole", description="x")
number = posted[0]["service_request_id"]
said["token"] = client.token(number)
said["one"] = client.request(number)
said["all"] = client.requests()
said["of a service"] = client.requests("street-light")
said["closed"] = client.requests(status="closed")
said["two a page"] = client.requests(count=2)
tomorrow, yesterday = (f"{date.today() + timedelta(days=days):%m-%d-%Y}" for days in (1, -1))
said["since"] = client.requests(start=yesterday, end=tomorrow)
said["before"] = client.requests(between=["01-01-2020", "02-01-2020"])
client.configure(jurisdiction="none")
said["elsewhere"] = client.services()
client.reset()
said["again"] = client.services()
print(json.dumps(said))
