"""Dask: a partition at a time, with the index and the answers of the oracle."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from door_counts import differences, rows
from recipe_page import run

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask itself, with the newest pandas


@pytest.mark.parametrize("partitions", [1, 4])
def test_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partitions: int) -> None:
    names = run("Dask", tmp_path, monkeypatch)
    lab, cbc, counts = names["lab"], names["cbc"], names["counts"].repartition(npartitions=partitions)
    flags = (
        names["flags"] if partitions == 1 else counts.map_partitions(cbc.screen_frame, lab, meta=names["flags"]._meta)
    )
    assert flags.npartitions == partitions
    found = flags.compute()
    assert differences(found) == []
    assert list(found.columns) == list(names["flags"]._meta.columns)


def test_the_flags_stand_beside_their_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("Dask", tmp_path, monkeypatch)
    import dask.dataframe as dd

    whole = dd.concat([names["counts"], names["flags"]], axis=1).compute()
    assert list(whole["sample_id"]) == rows()["sample_id"].to_pylist()
    assert differences(whole[list(names["flags"].columns)]) == []
    assert isinstance(whole, pd.DataFrame)
