"""Loads nested event records as the platform's older version did.

    python pandas_load.py URL TABLE FILE

The batch sizes and the number of processes are those its users ran it with.
"""

import json
import multiprocessing
import sys

import pandas
import sqlalchemy

PROCESSES = 2
READ_BATCH_SIZE = 100_000
WRITE_BATCH_SIZE = 1_000

engine = None


def connect(url):
    global engine
    engine = sqlalchemy.create_engine(url)


def load(task):
    table, frame = task
    metrics = [json.loads(text)["metrics"] for text in frame.pop("event_metrics")]
    flat = pandas.concat([frame, pandas.DataFrame(metrics, index=frame.index)], axis=1)
    flat.to_sql(table, engine, if_exists="append", index=False, chunksize=WRITE_BATCH_SIZE)


def main(url, table, file):
    with multiprocessing.Pool(PROCESSES, connect, (url,)) as pool:
        frames = pandas.read_csv(file, chunksize=READ_BATCH_SIZE)
        for _ in pool.imap_unordered(load, ((table, frame) for frame in frames)):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
