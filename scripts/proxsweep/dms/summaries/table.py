"""The summaries of a ``dms`` study, each declared once, in the order in which the index of notebooks lists them."""

from proxsweep.dms.jobs import encodings
from proxsweep.dms.refits import refits as other_references
from proxsweep.report.summary import CONVERGENCE, Output, Summary
from proxsweep.sweep.study import Study


def refits(study: Study) -> dict[str, str]:
    """Tables of the fits of the study's refits, by their reference."""
    return {refit.own["reference"]: f"results/{refit.name}/fits.csv" for refit in other_references(study)}


def truth(study: Study) -> str | None:
    """Table of the true effects and shifts; None for measured data."""
    return None if study.data["simulate"] is None else f"results/{study.name}/data/truth.csv"


def has_several_starts(study: Study) -> bool:
    """Whether some fit has more than one start."""
    lists = study.sweep.get("starts", [study.solver["starts"]])
    checks_all = "all" in study.sweep.get("check_starts", [study.solver["check_starts"]])
    return any(
        len(starts) > 1 or starts[0].endswith("x_random") or (checks_all and "neighbour" in starts) for starts in lists
    )


REPLICATE_CORRELATION = Summary(
    name="replicate_correlation",
    category="Replicates",
    caption="""
        Pearson correlation of shifts between replicates against the lasso weight, over mutations seen (at least
        ``min_times_seen`` times) in both replicates in all conditions that a row of the difference matrix compares
        (``n``). Bands are 95 % bootstrap intervals over mutations. Crosses have none: so few mutations have a shift
        (``nonzero`` in the table) that a resample may hold none of them. One shift left in both replicates gives a
        correlation of exactly 1, so a maximum among the crosses is an artefact. Look for one among the other points:
        the penalty has removed noise and not yet signal. Where all shifts are zero there is no point. Hollow points: a
        fit of the pair did not converge. One weight means different strengths under different matrices. The table also
        has the correlation of the conditions' effects (``quantity`` is ``effect``).
    """,
    tables=(Output("replicate correlation of shifts", "table"),),
    figures=(Output("replicate correlation of shifts", "figure"),),
    settings=("bootstrap", "seed", "min_times_seen"),
)

SPARSITY = Summary(
    name="sparsity",
    category="Sparsity",
    caption="""
        Share of shifts that are exactly zero against the lasso weight, among mutations seen (at least
        ``min_times_seen`` times) in all conditions that a row of the difference matrix compares: nonsynonymous
        mutations above, stop codons below. Stops are the control: their shifts should be zero. A good weight has nearly
        all of them at zero and keeps shifts among the other mutations. Deletions, and the same shares among mutations
        seen in every condition of the study (``_everywhere``), stand in the table. Hollow points: fits that did not
        converge.
    """,
    tables=(Output("share of zero shifts", "table"),),
    figures=(Output("share of zero shifts", "figure"),),
    settings=("min_times_seen",),
)

PATTERNS = Summary(
    name="patterns",
    category="Fusion patterns",
    caption="""
        Which conditions share a mutation's effect: numbers of mutations, seen (at least ``min_times_seen`` times) in
        every condition, of every fusion pattern. A pattern is the groups of conditions whose effects the penalty made
        exactly equal: in ``{a, b} | rest`` ``a`` and ``b`` share one effect and all others another. A pattern that
        means something stays common up to large lasso weights, and far more common than others of its kind. One
        condition apart is also what noise in that condition's data looks like. Hollow points: fits that did not
        converge.
    """,
    reads={"chosen_csv": "chosen.csv"},
    tables=(
        Output("counts of every fit", "table"),
        Output("mutations behind the counts", "mutations_table", "pattern_mutations"),
        Output(
            "reference against equivariant",
            "disagreements_table",
            "pattern_disagreements",
            caption="""
                Mutations to which the difference matrices ``reference`` and ``equivariant`` give different fusion
                patterns, each at its weight, and what each pattern costs under each matrix: the penalty, per unit of
                lasso weight, of two groups one unit apart (empty for more than two groups).
            """,
        ),
    ),
    figures=(
        Output("against the lasso weight", "figure"),
        Output(
            "the commonest patterns",
            "ranked_figure",
            caption="""
                The commonest fusion patterns, every difference matrix at its chosen lasso weight or, where none was
                chosen, at the smallest with at least 95 % of mutations all equal, or the largest if none has so many.
                Above, numbers of mutations (bars: means over replicates); below, dots of one colour joined by a line
                are conditions with exactly one effect, the largest group in grey.
            """,
        ),
        Output(
            "along the sequence",
            "sites_figure",
            caption="""
                Where the commonest fusion patterns sit along the sequence: numbers of mutations at every site (means
                over replicates), the highest sites named. Patterns of one cause cluster; noise is spread evenly.
            """,
        ),
    ),
    settings=("min_times_seen",),
)

FALSE_DISCOVERY = Summary(
    name="false_discovery",
    category="Confidence",
    caption="""
        Share of false shifts against the lasso weight: estimated (blue) and, on simulated data, true (black). Above,
        one replicate at a time: by stop codons, which should shift nowhere; where g is a sigmoid stops are too quiet
        for that and the estimate is too small. Below, for shifts that two replicates find with one sign: by the shifts
        that disagree in sign, which are as many as false ones that agree. The grey band is the chosen weight. Hollow
        points: fits that did not converge.
    """,
    reads={"chosen_csv": "chosen.csv", "signs_csv": "tables/replicate_signs.csv"},
    reads_by_study={"truth_csv": truth},
    tables=(Output("false shifts by stop codons", "table"), Output("", "pairs_table")),
    figures=(Output("false shifts", "figure"),),
    settings=("min_times_seen",),
)

SHRINKAGE = Summary(
    name="shrinkage",
    category="Sparsity",
    caption="""
        What the lasso weight does, a column for each difference matrix: replicate correlation of shifts, training loss
        of the full fits and held-out loss with its standard error, and the share of shifts that are exactly zero among
        mutations seen (at least ``min_times_seen`` times) in every condition, nonsynonymous mutations and stop codons
        apart. Values are means over replicates. The chosen weight is shaded; hollow points: a fit behind the mean did
        not converge.
    """,
    reads={
        "chosen_csv": "chosen.csv",
        "correlation_csv": "tables/replicate_correlation.csv",
        "validation_csv": "tables/cross_validation.csv",
        "sparsity_csv": "tables/sparsity.csv",
    },
    tables=(Output("losses, correlation and zero shifts", "table"),),
    figures=(Output("losses, correlation and zero shifts", "figure"),),
    settings=("min_times_seen",),
)

REPLICATE_SCATTER = Summary(
    name="replicate_scatter",
    category="Replicates",
    caption="""
        Shifts of two replicates against each other, a column for each lasso weight and a row for each row of the
        difference matrix that the study goes on with. ``r`` is the Pearson correlation of the table of replicate
        correlations, with the mutations whose shift is zero in both, which are not drawn. The number at the lower right
        counts the others. Triangles are stop codons, whose shifts should be zero. The chosen weight is bold. The figure
        shows the first two replicates and at most eight weights, the table all.
    """,
    reads={"chosen_csv": "chosen.csv", "correlation_csv": "tables/replicate_correlation.csv"},
    tables=(Output("shifts of two replicates", "table"),),
    figures=(Output("shifts of two replicates", "figure"),),
    settings=("min_times_seen",),
)

SHIFT_PATHS = Summary(
    name="shift_paths",
    category="Shifts",
    caption="""
        Shifts against the lasso weight, means over replicates, for the difference matrix that the study goes on with.
        The largest at the chosen weight are named (without one: those largest on average over the positive weights);
        the table holds up to 200 mutations a row. The grey band is the chosen weight; paths may leave the frame at
        weight 0. The lasso shrinks real shifts too, so sizes are too small rather than too large.
    """,
    reads={"chosen_csv": "chosen.csv"},
    tables=(Output("shifts against the weight", "table"),),
    figures=(Output("shifts against the weight", "figure"),),
    settings=("min_times_seen",),
)

SHIFT_HEATMAP = Summary(
    name="shift_heatmap",
    category="Shifts",
    caption="""
        Shifts by site and mutant amino acid, at the chosen weight, means over replicates. White: a shift of exactly
        zero. Grey: not seen in all conditions that the row compares, or only by a fit that diverged. Dots: the
        reference's wildtype. Blue: less harm in the first condition of the difference, red: more. Colours end at the
        99th percentile of the sizes. Where rows are too narrow for letters, labels name groups of them (``RKH``: three
        rows).
    """,
    reads={"chosen_csv": "chosen.csv", "shifts_csv": "shifts.csv", "wildtypes_csv": "data/wildtypes.csv"},
    reads_by_study={"site_map": lambda study: study.data["site_map"]},
    tables=(Output("shifts by site and amino acid", "table"),),
    figures=(Output("shifts in regions", "regions_figure"), Output("shifts by site and amino acid", "figure")),
    parameters=lambda study: {"reference": study.own["reference"], "regions": study.figures["regions"]},
)

SHIFT_SIZES = Summary(
    name="shift_sizes",
    category="Shifts",
    caption="""
        Share of mutations with a shift of at least a given size, at the chosen weight and on logarithmic axes, stop
        codons against other mutations. The left end of a curve is the share with any shift. A kind without any shift
        has no curve; the numbers say so. Stops should have none: sizes that they reach are noise.
    """,
    reads={"chosen_csv": "chosen.csv", "shifts_csv": "shifts.csv"},
    tables=(Output("sizes of shifts", "table"),),
    figures=(Output("sizes of shifts", "figure"),),
)

PREDICTIONS = Summary(
    name="predictions",
    category="Shifts",
    caption="""
        Observed scores against predicted ones, and against the latent phenotype with the fitted sigmoid, at the chosen
        weight: every condition and replicate, over the variants fitted. ``r`` and RMSE are weighted as the fit is.
        Darker means more variants, on a log scale. A linear model has no curve: its latent phenotype is the predicted
        score.
    """,
    reads={"chosen_csv": "chosen.csv"},
    reads_by_study={"encodings": encodings},
    tables=(Output("observed and predicted scores", "table"), Output("", "cells_table")),
    figures=(Output("observed and predicted scores", "figure"),),
)

STARTS = Summary(
    name="starts",
    category="Starts",
    caption="""
        Does the start matter? A point for every start of every fit: above, its objective over that of the fit's best
        start (``excess``), and below that the largest difference of a shift from the solution that was kept
        (``shift_distance``, latent units), both against the lasso weight. Where fits wrote the shifts of their starts,
        bars show how far the choice of start moves the correlation of shifts between replicates; lines are the
        solutions kept. Starts within 1e-6 of the best are level: rounding decides which of them is kept. Hollow
        points: starts that did not converge; those that diverged have no point.
    """,
    tables=(Output("every start of every fit", "table"), Output("replicate correlation by start", "correlations")),
    figures=(Output("every start of every fit", "figure"),),
    settings=("min_times_seen",),
    wanted=has_several_starts,
)

SCALE_BOUND = Summary(
    name="scale_bound",
    category="Bound of the scale",
    caption="""
        What the bound on the sigmoid's scale does: objective, share of zero shifts, median of the others and largest
        shift (absolute, latent units) against the bound (score units), a colour for each lasso weight. Ringed: fits
        whose scale is at its bound. There the objective falls as the bound rises because shrunken effects cost less,
        which is no reason to raise it; sizes of shifts under different bounds do not compare. Hollow points: fits that
        did not converge; those that diverged have no point.
    """,
    tables=(Output("every fit at its bound", "table"),),
    figures=(Output("what the bound moves", "figure"),),
    settings=("min_times_seen",),
    wanted=lambda study: len(study.sweep.get("scale_bound", [])) > 1,
)

REFERENCES = Summary(
    name="references",
    category="References",
    caption="""
        Does the answer hang on the reference? The study was fitted once more with other conditions as the reference,
        and each refit read in the coordinates of the study's own. Against the lasso weight, for every difference
        matrix: the correlation of effects and of shifts between fit and refit, the share of nonzero shifts that are
        nonzero in both, and the largest change of a shift. Solid lines and circles are sites at which all wildtypes
        agree, dashed lines and triangles sites at which they differ; every replicate has a line. With ``equivariant``
        solid lines stay near 1 and 0: what is left comes from the sites where wildtypes differ, whose ridge and
        penalty are on other numbers. With ``reference`` another condition is the centre of the comparison, which is
        another question.
    """,
    reads_by_study={"refits": refits},
    tables=(Output("fits and refits under other references", "table"),),
    figures=(Output("fits and refits under other references", "figure"),),
    settings=("min_times_seen",),
    parameters=lambda study: {"reference": study.own["reference"]},
    wanted=lambda study: bool(study.own["references"]),
)

RECOVERY = Summary(
    name="recovery",
    category="Simulated truth",
    caption="""
        Shifts found against shifts put in, by the branch of the tree on which a shift was placed and against the lasso
        weight. Precision: the share of nonzero shifts that are true. Recall: the share of true shifts that are found.
        Average precision: the area under the precision-recall curve, of shifts ranked by size at each weight, and at
        *path* ranked by the largest weight at which they are nonzero; dotted, the prevalence: the share of true
        shifts, which a random order has. A shift on the reference's own branch moves all other conditions together:
        the matrix ``reference`` pays for it once for each of them. Hollow points: fits that did not converge, and
        paths that lack some.
    """,
    reads_by_study={"truth": truth},
    tables=(Output("shifts found by branch", "table"),),
    figures=(Output("shifts found by branch", "figure"),),
    settings=("min_times_seen",),
    wanted=lambda study: study.data["simulate"] is not None,
)

SUMMARIES = (
    CONVERGENCE,
    REPLICATE_CORRELATION,
    SPARSITY,
    PATTERNS,
    FALSE_DISCOVERY,
    SHRINKAGE,
    REPLICATE_SCATTER,
    SHIFT_PATHS,
    SHIFT_HEATMAP,
    SHIFT_SIZES,
    PREDICTIONS,
    STARTS,
    SCALE_BOUND,
    REFERENCES,
    RECOVERY,
)
