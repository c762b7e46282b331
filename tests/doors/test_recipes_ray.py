"""Ray: a batch at a time, in workers of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from door_counts import differences, rows, said
from recipe_page import run

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray itself


@pytest.fixture
def ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Ray on this machine, with one worker at a time; its workers begin where it is started."""
    import ray

    monkeypatch.chdir(tmp_path)

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


def test_the_recipe(ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key that the page says to take along; blocks may come in any order."""
    names = run("Ray", tmp_path, monkeypatch)
    cbc, lab = names["cbc"], names["lab"]
    assert names["flags"].count() == len(said())

    def with_key(batch: Any) -> Any:
        return cbc.screen_frame(batch, lab).append_column("sample_id", batch["sample_id"])

    keyed = names["counts"].map_batches(with_key, batch_format="pyarrow", batch_size=100)
    found = sorted(keyed.take_all(), key=lambda row: int(row["sample_id"].removeprefix("S")))
    assert [row["sample_id"] for row in found] == rows()["sample_id"].to_pylist()
    assert differences(found) == []
