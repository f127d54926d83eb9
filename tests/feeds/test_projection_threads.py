"""Projected coordinates are computed on DuckDB's threads without killing the process."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import duckdb
from mahakam.feeds.projection import install
from mahakam.feeds.transforms import point_function

for _ in range(10):
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET enable_progress_bar = false")
    connection.execute("CREATE TABLE t AS SELECT 28001.642 + i AS x, 38744.572 AS y FROM range(5000) r(i)")
    install(connection, "EPSG:3414")
    made = connection.execute(f"SELECT {point_function('EPSG:3414')}(x, y) FROM t ORDER BY x").fetchall()
    connection.close()
print(len(made), made[0][0])
"""


def test_many_connections_one_after_another() -> None:
    """pyproj's thread-local context was freed under it: a segmentation fault in the middle of the demo."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    count, _, point = done.stdout.partition(" ")
    assert count == "5000"
    assert point.startswith('{"type":"Point","coordinates":[103.8')
