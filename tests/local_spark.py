"""Spark on this machine, with two workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "3",
    "spark.sql.session.timeZone": "UTC",
    "spark.log.level": "OFF",
}


@contextmanager
def session() -> Iterator[SparkSession]:
    """Yield a session, and stop it at the end."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    running = SparkSession.builder.master("local[2]").config(map=_SETTINGS).getOrCreate()
    try:
        yield running
    finally:
        running.stop()
