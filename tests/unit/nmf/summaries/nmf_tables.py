"""Small tables as a study of factorisations writes them, whose numbers are easy to follow."""

import numpy as np
import pandas as pd

RANKS = (2, 3, 4)
KINDS = ("same", "same_product_other_factors", "other_optimum", "not_converged")


def fits(replicates=("1",), algorithms=("hals",), folds=0, ranks=RANKS, status="converged"):
    """Full fits, then fits to folds whose held-out error is the rank plus the number of the fold."""
    rows = [
        (
            "s",
            "nmf",
            algorithm,
            rank,
            replicate,
            part,
            "",
            status,
            float(10 - rank),
            f"{algorithm}/{rank}/{replicate}/{part}",
        )
        for part in ["", *map(str, range(1, folds + 1))]
        for algorithm in algorithms
        for rank in ranks
        for replicate in replicates
    ]
    columns = ["study", "family", "algorithm", "rank", "replicate", "fold", "resample", "status", "objective", "path"]
    table = pd.DataFrame(rows, columns=columns)
    if folds:
        table["validation_loss"] = table["rank"] + pd.to_numeric(table["fold"]).astype(float)
    return table


def errors(table):
    """Errors of the full fits of :func:`fits`: 1 / rank, and in the second replicate twice that."""
    whole = table[table["fold"] == ""]
    error = whole["replicate"].map({"1": 1.0, "2": 2.0}) / whole["rank"]
    return whole[["study", "algorithm", "rank", "replicate"]].assign(
        relative_error=error, share_of_variance=1 - error**2
    )


def validated(algorithms=("hals",), ranks=RANKS, loss=0.5, unconverged=0):
    rows = [(*("s", algorithm, rank), 3, unconverged, loss / rank, 0.01) for algorithm in algorithms for rank in ranks]
    columns = ["study", "algorithm", "rank", "fits", "unconverged", "validation_loss", "standard_error"]
    return pd.DataFrame(rows, columns=columns)


def stability(replicates=("1",), algorithms=("hals",), ranks=RANKS):
    """Ten starts of every fit: the rank of them with another optimum, one of every other kind but ``same``."""
    rows = [
        {
            **{"study": "s", "algorithm": algorithm, "rank": rank, "replicate": replicate, "status": "converged"},
            **{"starts": 10, "starts_converged": 9, "starts_used": 9, "at_best": 8 - rank, "start_spread": 0.1},
            **{"same": 8 - rank, "same_product_other_factors": 1, "other_optimum": rank, "not_converged": 1},
            **{"mean_silhouette": 1 - 0.1 * rank + 0.01 * int(replicate), "least_silhouette": 0.8 - 0.1 * rank},
            **{"cophenetic": 1.0 - 0.01 * rank, "consensus_samples": 6, "stable": rank < 4, "reason": "r"},
        }
        for algorithm in algorithms
        for rank in ranks
        for replicate in replicates
    ]
    return pd.DataFrame(rows)


def clusters(replicates=("1",), algorithms=("hals",), ranks=RANKS):
    """Six samples of two kinds: rank 2 tells them apart, at other ranks each sample changes its cluster."""
    rows = [
        {
            **{"study": "s", "algorithm": algorithm, "replicate": replicate, "sample": f"s{k}", "kind": "ab"[k // 3]},
            **{f"rank_{rank}": 1 + (k // 3 if rank == 2 else k % rank) for rank in ranks},
        }
        for algorithm in algorithms
        for replicate in replicates
        for k in range(6)
    ]
    return pd.DataFrame(rows)


def choice(rank=3.0, held_out=3.0, stable=2.0, by="held_out", selected=True, algorithms=("hals",), reason="because"):
    """The study's `chosen.csv`, the first algorithm the one that it goes on with."""
    return pd.DataFrame(
        {
            **{"study": "s", "algorithm": algorithms, "rank": rank, "rule": "auto", "by": by, "selected": selected},
            **{"reason": reason, "held_out": held_out, "stability": stable, "validation_loss": 0.1},
            **{"standard_error": 0.01, "chosen": [k == 0 for k in range(len(algorithms))]},
        }
    )


def no_choice():
    return choice().iloc[:0]


def starts(table, kinds=KINDS):
    """`starts.csv` of every full fit: one start of each of ``kinds``, the first the best."""
    return {path: start_rows(kinds) for path in table.loc[table["fold"] == "", "path"]}


def start_rows(kinds=KINDS):
    gaps = [0.0, *(10.0 ** -(8 - 2 * k) for k in range(1, len(kinds)))]
    return pd.DataFrame(
        {
            **{"start": [f"random-{k}" for k in range(len(kinds))], "objective": [1 + gap for gap in gaps]},
            "status": ["max_iterations" if kind == "not_converged" else "converged" for kind in kinds],
            **{"smooth": 1.0, "penalty": 0.0, "relative_residual": 1e-7, "gap": gaps, "iterations": 10, "seconds": 0.5},
            **{"zeros": 0, "dead_factors": 0, "reseeded": 0, "product_difference": 1e-3 * np.arange(len(kinds))},
            **{
                "least_cosine": 1 - 0.05 * np.arange(len(kinds)),
                "samples_changed": np.arange(len(kinds)),
                "kind": kinds,
            },
            "won": [k == 0 for k in range(len(kinds))],
        }
    )


def foot(figure):
    return figure._supxlabel.get_text().replace("\n", " ") if figure._supxlabel else ""


def words(figure):
    """All texts of a figure: titles, labels, legends and the foot."""
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    texts += [label for ax in figure.axes for label in (ax.get_title(), ax.get_xlabel(), ax.get_ylabel())]
    for legend in [*figure.legends, *(ax.get_legend() for ax in figure.axes if ax.get_legend())]:
        texts += [text.get_text() for text in legend.get_texts()]
    return " ".join([*texts, foot(figure)]).replace("\n", " ")


def hollow(ax):
    """x coordinates of hollow points, without the white mark of a broken axis."""
    lines = [line for line in ax.lines if line.get_markerfacecolor() == "white" != line.get_markeredgecolor()]
    return sorted({float(x) for line in lines for x in line.get_xdata()})
