# /// script
# requires-python = ">=3.11,<3.12"
# dependencies = ["great-expectations==1.24.1", "pyarrow>=18"]
# ///
"""The nine rules of bench.check as Great Expectations has them, on pandas, every failing row's key returned.

What it has no fast rule for is a column of truth values.
"""

from __future__ import annotations

import json
import sys

NUMBERS = ("pm25", "pm10", "so2", "co", "o3", "no2", "max")
SIX = NUMBERS[:6]
LEVELS = ("BAIK", "SEDANG", "TIDAK SEHAT", "SANGAT TIDAK SEHAT", "BERBAHAYA")


def found(path: str) -> dict[str, int]:
    import great_expectations as gx
    import great_expectations.expectations as gxe
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig

    frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], engine="pyarrow")
    for name in NUMBERS:
        frame[f"t_{name}"] = pd.to_numeric(frame[name], errors="coerce")
    dates = pd.to_datetime(frame["date"], format="%Y-%m-%d", errors="coerce")
    frame["is_date"] = frame["date"].isna() | dates.notna()
    frame["are_numbers"] = pd.concat(
        [frame[n].isna() | frame[f"t_{n}"].notna() for n in NUMBERS], axis=1
    ).all(axis=1)
    frame["greatest"] = frame[[f"t_{n}" for n in SIX]].max(axis=1)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset("air")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(
        "air",
        [
            gxe.ExpectColumnValuesToBeUnique(column="reading"),
            gxe.ExpectColumnValuesToBeInSet(column="is_date", value_set=[True]),
            gxe.ExpectColumnValuesToNotBeNull(column="station"),
            gxe.ExpectColumnValuesToMatchRegex(column="station", regex="^DKI[1-5]$"),
            gxe.ExpectColumnValuesToBeBetween(column="t_pm25", min_value=0, max_value=500),
            gxe.ExpectColumnValuesToBeBetween(column="t_pm10", min_value=0, max_value=500),
            gxe.ExpectColumnValuesToBeInSet(column="are_numbers", value_set=[True]),
            gxe.ExpectColumnValuesToBeInSet(column="category", value_set=list(LEVELS)),
            gxe.ExpectColumnPairValuesToBeEqual(
                column_A="t_max", column_B="greatest", ignore_row_if="either_value_is_missing"
            ),
        ],
    )
    shape = {"result_format": "COMPLETE", "unexpected_index_column_names": ["reading"]}
    found = batch.validate(suite, result_format=shape)
    if any(one.exception_info.get("raised_exception") for one in found.results):
        raise SystemExit(str(found))
    return {
        f"rule {i}": len(one.result["unexpected_index_list"] or ()) for i, one in enumerate(found.results, 1)
    }


if __name__ == "__main__":
    print(json.dumps(found(sys.argv[1])))
