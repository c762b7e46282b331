"""Spark, where one machine ends: the same definition, row by row the same answers (docs/spark.md).

Needs `pip install 'cbc-screen[spark]'`, on the driver and on every worker.
"""

from cbc_screen.spark.followed import follow
from cbc_screen.spark.frames import collect, screen
from cbc_screen.spark.screened import SparkAccount, SparkScreened

__all__ = ["SparkAccount", "SparkScreened", "collect", "follow", "screen"]
