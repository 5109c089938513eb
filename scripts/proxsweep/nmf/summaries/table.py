"""The summaries of an ``nmf`` study, each declared once, in the order in which the index of notebooks lists them."""

from dataclasses import replace
from inspect import cleandoc

from proxsweep.nmf import settings
from proxsweep.nmf.jobs import encodings
from proxsweep.nmf.pairs import PENALTIES
from proxsweep.report.summary import CONVERGENCE, Output, Summary
from proxsweep.sweep.study import Study


def has_several_starts(study: Study) -> bool:
    """Whether some fit has more than one start."""
    lists = study.sweep.get("starts", [study.solver["starts"]])
    return any(sum(map(settings.count, starts)) > 1 for starts in lists)


def has_several_replicates(study: Study) -> bool:
    """Whether there is a pair of replicates to compare."""
    return len(study.sweep["replicate"]) > 1


def compared(study: Study) -> list[str]:
    """Swept parameters that say how a problem is solved, where there are several ways."""
    ways = ("algorithm", *study.solver)
    return [name for name, values in study.sweep.items() if name in ways and len(values) > 1]


COMPARED = """
    Where algorithms or settings of them are compared, colours tell these apart, and the gap is to the lowest objective
    that any of them reached on the same problem; bold lines are medians over starts, shades their range.
"""
SOLVERS = replace(
    CONVERGENCE,
    caption=f"{cleandoc(CONVERGENCE.caption)}\n{cleandoc(COMPARED)}",
    parameters=lambda study: {**CONVERGENCE.parameters(study), "compared": compared(study)},
)

RANKS = Summary(
    name="ranks",
    category="Ranks",
    caption="""
        How many factors? At the left how well the matrix is described: relative error and share of variance of the fits
        to all of it, and the error on entries held out (mean over folds with its standard error, and median, which no
        single fold can spoil). At the right how far the starts agree: mean and least silhouette of their matched
        factors, the cophenetic correlation of the consensus of samples, and how many starts found the factors of the
        best one. With labels of the samples, the adjusted Rand index of clusters against them. The chosen rank is
        shaded; triangles mark the rank that each rule selects: *held-out error* the smallest whose error is within one
        standard error of the smallest, *stability* the largest with a mean silhouette of at least 0.8 and a least one
        of at least 0.2. Hollow points: a fit behind them did not converge.
    """,
    reads={
        "chosen_csv": "chosen.csv",
        "validation_csv": "tables/cross_validation.csv",
        "stability_csv": "tables/stability.csv",
        "clusters_csv": "tables/clusters.csv",
    },
    reads_by_study={"encodings": encodings},
    tables=(Output("every rank", "table"),),
    figures=(Output("how many factors", "figure"),),
    settings=("labels",),
)

STARTS = Summary(
    name="starts",
    category="Starts",
    caption="""
        Does the start matter? A point for every start of every fit: its objective above that of the best, relative.
        *Same factors*: the objective, the product and the factors of the best start. *Same product, other factors*: the
        product W H is settled, what it is made of is not; a high cophenetic correlation says nothing of that. *Other
        optimum*: the objective, or the product, differs. Hollow points did not converge and may still fall; those that
        diverged have no point.
    """,
    reads={"chosen_csv": "chosen.csv"},
    tables=(Output("every start of every fit", "table"),),
    figures=(Output("every start of every fit", "figure"),),
    parameters=lambda study: {"tolerance": study.solver["tolerance"]},
    wanted=has_several_starts,
)

CONSENSUS = Summary(
    name="consensus_of_starts",  # `nmf_consensus` is the rule that makes the files
    category="Consensus",
    caption="""
        All starts of the chosen fit together. Two samples stand together in a start if their largest exposure is to the
        same factor; the heatmap has the share of starts in which they do. Factors of all starts are put into groups;
        the median of each is a factor of the consensus, to which exposures are fitted anew.
    """,
    reads={
        "chosen_csv": "chosen.csv",
        "features_csv": "consensus/features.csv",
        "samples_csv": "consensus/samples.csv",
        "factors_csv": "consensus/factors.csv",
        "summary_csv": "consensus/summary.csv",
        "matrix": "consensus/samples.npz",
    },
    tables=(
        Output("largest features of each factor", "table", "consensus_features"),
        Output("labels and clusters", "labels_table", "consensus_labels"),
    ),
    figures=(
        Output(
            "consensus of samples",
            "figure",
            caption="""
                Blocks on the diagonal are samples that stand together from every start. The bar above has the colours
                of their labels, the bar at the left their clusters. Upper right: the key to these colours, and numbers
                of samples by label and cluster. Lower right: how far each factor of each start is from its nearest
                ones; those beyond the dashed line are left out.
            """,
        ),
        Output(
            "largest features of each factor",
            "features_figure",
            caption="""
                The ten features with the largest share of each factor of the consensus, at most twelve factors; in
                brackets a factor's share of all exposures.
            """,
        ),
    ),
    settings=("labels",),
    parameters=lambda study: {"replicates": len(study.sweep["replicate"])},
    wanted=has_several_starts,
)

NEIGHBOURING_RANKS = Summary(
    name="neighbouring_ranks",
    category="Ranks",
    caption="""
        Which factors stay as the rank grows: cosines between the factors of a rank (rows) and those of the next
        (columns). Framed pairs are matched one to one; a column without a frame is a factor that the larger rank adds.
        Factors that stay are nearly black in their frame, one that splits has two dark cells. At most six pairs of
        ranks are drawn, those around the chosen one.
    """,
    reads={"chosen_csv": "chosen.csv"},
    tables=(Output("factors of neighbouring ranks", "table"),),
    figures=(Output("factors of neighbouring ranks", "figure"),),
    wanted=lambda study: len(study.sweep["rank"]) > 1,
)

REPLICATES_SUMMARY = Summary(
    name="replicates",
    category="Replicates",
    caption="""
        Do replicates give the same factors? Factors of every pair of replicates, matched one to one: the cosine of each
        match, and the correlation of the exposures that the factors of the one and of the other give to the samples of
        both, which are fitted anew. Lines are the median and the least over factors. Factors that only one half has
        are noise, or rare. Hollow points: a fit of the pair did not converge.
    """,
    reads={"chosen_csv": "chosen.csv"},
    reads_by_study={"encodings": encodings},
    tables=(
        Output("factors of two replicates", "table", "replicate_factors"),
        Output("", "cosines_table", "replicate_cosines"),
        Output("", "exposures_table", "replicate_exposures"),
    ),
    figures=(
        Output("factors of two replicates", "figure"),
        Output(
            "two replicates at the chosen rank",
            "near_figure",
            caption="""
                Cosines of all factors of the first two replicates, and for each matched pair (at most eleven) the
                exposures of all samples by the one and by the other.
            """,
        ),
    ),
    wanted=has_several_replicates,
)

RESAMPLES = Summary(
    name="resamples",
    category="Resamples",
    caption="""
        How far noise in the counts moves the factors: each fit was repeated on matrices of counts drawn again, and the
        factors matched to its own. A point is the median cosine of a factor with its matches, the line reaches down to
        the 5 % quantile, the tick is the least. Starts of one fit see the same data and say nothing of that. Hollow
        points: a fit behind them did not converge.
    """,
    reads={"chosen_csv": "chosen.csv"},
    tables=(Output("factors found again in resamples", "table", "resampled_factors"),),
    figures=(Output("factors found again in resamples", "figure"),),
    wanted=lambda study: bool(study.resamples),
)

PENALTIES_SUMMARY = Summary(
    name="penalties",
    category="Penalties",
    caption="""
        What a penalty does: the share of entries of W and H that are exactly zero, and the relative error, against its
        weight, a line for each of at most six ranks. Values are means over replicates. Shaded: the weight of the
        setting that the study goes on with. Hollow points: a fit behind them did not converge.
    """,
    reads={"chosen_csv": "chosen.csv"},
    reads_by_study={"encodings": encodings},
    tables=(Output("zeros and errors", "table"),),
    figures=(Output("zeros and errors", "figure"),),
    wanted=lambda study: any(len(study.sweep.get(name, [])) > 1 for name in PENALTIES),
)

RECOVERY = Summary(
    name="recovery",
    category="Recovery",
    caption="""
        Were the true factors found? The matrix was simulated, so its factors are known: the cosine of each with the
        factor of the fit that it is matched to, one to one, against the rank. The dashed line is the true number of
        factors. Hollow points: the fit did not converge.
    """,
    reads={"chosen_csv": "chosen.csv", "truth": "data/truth.npz"},
    tables=(Output("true factors and their matches", "table"),),
    figures=(Output("true factors and their matches", "figure"),),
    wanted=lambda study: study.data["simulate"] is not None,
)

SUMMARIES = (
    *(SOLVERS, RANKS, STARTS, CONSENSUS, NEIGHBOURING_RANKS),
    *(REPLICATES_SUMMARY, RESAMPLES, PENALTIES_SUMMARY, RECOVERY),
)
