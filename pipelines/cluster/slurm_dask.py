"""A cohort on SLURM by way of Dask: `python slurm_dask.py manifest.csv results`, on the login node or in a small job.

Needs `pip install 'holter2sleep[cluster]' dask-jobqueue`, in an environment that all nodes see. Nodes come and go as
the queue allows; nights in flight on a node that goes are done by another. The words in capitals are your cluster's.
"""

import subprocess
import sys

from dask_jobqueue import SLURMCluster

MANIFEST, OUT = sys.argv[1:]

with SLURMCluster(
    queue="QUEUE",
    account="ACCOUNT",
    cores=4,  # nights at a time in one job, each in a process of its own
    processes=4,
    memory="16GB",
    walltime="12:00:00",
    worker_extra_args=["--lifetime", "11h", "--lifetime-stagger", "10m"],  # leave before the queue kills
) as cluster:
    cluster.adapt(maximum_jobs=20)
    command = ["holter2sleep", "batch", MANIFEST, "--out", OUT, "--cohort"]
    sys.exit(subprocess.call([*command, "--scheduler", cluster.scheduler_address, "--memory-limit", "3500"]))
