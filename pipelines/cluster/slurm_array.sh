#!/bin/bash
#SBATCH --job-name=holter2sleep
#SBATCH --array=1-20
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --time=12:00:00
# A cohort as a SLURM array, one shard of the manifest a task; nothing but the shared folder is needed.
#
#   sbatch pipelines/cluster/slurm_array.sh manifest.csv results
#
# A task that is killed goes on where it was when it is submitted again. When all have ended:
#   holter2sleep cohort results
set -euo pipefail

holter2sleep batch "$1" --out "$2" \
    --shard "${SLURM_ARRAY_TASK_ID}/${SLURM_ARRAY_TASK_COUNT}" \
    --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --memory-limit 3500
