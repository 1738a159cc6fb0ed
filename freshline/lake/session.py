"""The Spark session of stream and batch: local or on a cluster, the user's own settings last."""

import os
import sys
from typing import Any

from freshline.embedded.jars import local_files_jar, spark_jars
from freshline.settings import Settings

#: A micro-batch is small: 200 shuffle partitions or a UI would cost more than the work.
_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    # 500 records of 900 kB would be 450 MB in the JVM, and as much again in the task that they are handed to
    "spark.sql.execution.arrow.maxBytesPerBatch": str(8 * 2**20),
    "spark.sql.streaming.minBatchesToRetain": "2",
    # Spark asks the broker for new offsets this often while idle: at its 10 ms stream and broker take half a core
    "spark.sql.streaming.pollingDelay": "50ms",
    "spark.sql.streaming.numRecentProgressUpdates": "2",
    "spark.scheduler.mode": "FAIR",
    # a model must find neither a hub nor a second set of threads in a Python worker
    "spark.executorEnv.HF_HUB_OFFLINE": "1",
    "spark.executorEnv.TRANSFORMERS_OFFLINE": "1",
    "spark.executorEnv.TOKENIZERS_PARALLELISM": "false",
}


#: Hadoop's own local file system starts `chmod` for every file it makes: 120 ms of a micro-batch's checkpoint.
_LOCAL_FILES = {
    "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
}


def open_session(settings: Settings, name: str) -> Any:
    """Return a session. Under spark-submit the master and jars given there win."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - heavy, and serving must not need it

    builder = SparkSession.builder.appName(name)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ  # how spark-submit says that it has started the JVM
    if not submitted:
        # without it Spark's Python workers are the first python3 of PATH
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        jars = ",".join(str(jar) for jar in spark_jars(settings))
        builder = (
            builder.master(settings.spark.master)
            .config("spark.jars", jars)
            .config("spark.driver.memory", settings.spark.driver_memory)
        )
    local = not submitted and settings.spark.master.startswith("local")
    for key, value in {**_DEFAULTS, **(_local(settings) if local else {}), **settings.spark.conf}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    return session


def _local(settings: Settings) -> dict[str, str]:
    """Return what holds where driver and executors are one process on this machine."""
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        # on the class path when the JVM starts: the file system is needed before spark.jars are
        "spark.driver.extraClassPath": str(local_files_jar(settings)),
        **_LOCAL_FILES,
    }
