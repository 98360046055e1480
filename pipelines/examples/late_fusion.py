"""Late fusion: an outcome from what an encoder saw of the nights, beside age and sex, and both together.

    holter2sleep cohort embed results/ --encoder clef-small --recordings /data/nights
    python pipelines/examples/late_fusion.py results/ --outcome hypertension

The outcome is a column of `cohort/nights.parquet` that holds 0 and 1, such as one the manifest brought. Each subject is
judged by models that have not seen any night of them; the area under the ROC curve counts a subject once and has an
interval from drawing subjects. The mean embedding of the sleep stages is cut to a few components, for a handful says
all that some hundred subjects can teach. Needs scikit-learn, which the package itself does not.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS, DRAWS, SEED = 5, 2000, 0


def main() -> None:
    """Print a line for each set of inputs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--outcome", required=True)
    parser.add_argument("--stratum", default="sleep")
    parser.add_argument("--components", type=int, default=8)
    options = parser.parse_args()
    nights = read_nights(options.directory, options.outcome, options.stratum)
    embedding = np.array(nights["embedding"].to_list(), np.float64)
    known = nights.select(pl.col("age").cast(pl.Float64), male=(pl.col("sex") == "M").cast(pl.Float64)).to_numpy()
    truth, subject = nights[options.outcome].cast(pl.Int64).to_numpy(), nights["subject"].to_numpy()
    print(f"{len(nights)} nights of {len(set(subject))} subjects, {truth.mean():.0%} with {options.outcome}")
    for name, columns in {"age, sex": [known], "embedding": [embedding], "both": [known, embedding]}.items():
        chance = np.mean([left_out(each, truth, subject, options.components) for each in columns], axis=0)
        auc, low, high = with_interval(truth, chance, subject)
        print(f"{name:10s} AUC {auc:.3f} ({low:.3f} to {high:.3f})")


def read_nights(directory: Path, outcome: str, stratum: str) -> pl.DataFrame:
    """Nights that have both an embedding and the outcome."""
    cohort = directory / "cohort"
    embeddings = pl.read_parquet(cohort / "embeddings.parquet").filter(pl.col("stratum") == stratum)
    nights = pl.read_parquet(cohort / "nights.parquet", columns=["recording_id", "subject", "age", "sex", outcome])
    return nights.join(embeddings, on="recording_id").drop_nulls(outcome)


def left_out(columns: np.ndarray, truth: np.ndarray, subject: np.ndarray, n_components: int) -> np.ndarray:
    """Log odds of each night by a model that has not seen its subject."""
    steps = [SimpleImputer(), StandardScaler()]
    if columns.shape[1] > n_components:
        steps.append(PCA(n_components, random_state=SEED))
    model = make_pipeline(*steps, LogisticRegression())
    odds = np.empty(len(truth))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for heard, other in folds.split(columns, truth, subject):
        odds[other] = model.fit(columns[heard], truth[heard]).decision_function(columns[other])
    return odds


def with_interval(truth: np.ndarray, odds: np.ndarray, subject: np.ndarray) -> tuple[float, float, float]:
    """AUC of the subjects' mean odds, with a 95 % interval from drawing subjects."""
    names, who = np.unique(subject, return_inverse=True)
    n = np.bincount(who)
    mean, ill = np.bincount(who, odds) / n, np.bincount(who, truth) / n > 0.5
    rng, drawn = np.random.default_rng(SEED), []
    for _ in range(DRAWS):
        index = rng.integers(len(names), size=len(names))
        if 0 < ill[index].sum() < len(index):
            drawn.append(roc_auc_score(ill[index], mean[index]))
    return roc_auc_score(ill, mean), *np.quantile(drawn, [0.025, 0.975])


if __name__ == "__main__":
    main()
