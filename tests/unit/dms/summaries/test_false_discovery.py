"""What the figure of false shifts says beside its points."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.summaries import false_discovery

CHOICE = pd.DataFrame(
    {"study": ["s"], "difference": "m", "lasso": np.nan, "rule": "auto", "selected": False, "chosen": True}
)


def rates(*rows: tuple) -> pd.DataFrame:
    """Rows of (lasso, replicate, stops, shifted, estimate, status)."""
    table = pd.DataFrame(rows, columns=["lasso", "replicate", "stops", "shifted", "estimate", "status"])
    settings = {"study": "s", "difference": "m", "lasso": table["lasso"], "replicate": table["replicate"]}
    zeros = dict.fromkeys(false_discovery.COUNTS, 0)
    measured = {name: table[name] for name in ("stops", "shifted", "estimate", "status")} | {"true_share": np.nan}
    return pd.DataFrame({**settings, **zeros, **measured, "converged": table["status"] == "converged"})


def pairs(*rows: tuple) -> pd.DataFrame:
    """Rows of (lasso, pairs, estimate)."""
    table = pd.DataFrame(rows, columns=["lasso", "pairs", "estimate"])
    table.insert(0, "study", "s")
    table.insert(1, "difference", "m")
    return table.assign(converged=True, true_share=np.nan)


def words(figure) -> str:
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    foot = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*texts, foot]).replace("\n", " ")


# no estimate at 1e-3 above and, where the pair has none either, nothing drawn
RATES = rates(
    (1e-5, "1", 7, 3, 0.5, "converged"),
    (1e-5, "2", 9, 3, 0.5, "max_iterations"),
    (1e-3, "1", 80, 0, np.nan, "converged"),
    (1e-3, "2", 0, 0, np.nan, "diverged"),
)


@pytest.mark.parametrize(("estimate", "fits"), [(np.nan, 2), (0.5, 3)])
def test_the_foot_counts_what_is_drawn(estimate, fits):
    text = words(false_discovery.figure(RATES, pairs((1e-5, 1, 0.25), (1e-3, 1, estimate)), CHOICE))
    assert "behind an estimate by stops: n = 7 to 9." in text
    assert f"Hollow: 1 of {fits} fits not converged. 1 more diverged: no point." in text


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ((1e-5, "1", 0, 3, np.nan, "converged"), "No stop codons to count."),
        ((1e-5, "1", 7, 0, np.nan, "converged"), "No nonsynonymous shift to count."),
        ((1e-5, "1", 0, 0, np.nan, "diverged"), "Every fit diverged."),
    ],
)
def test_panels_say_why_they_are_empty(above, said):
    text = words(false_discovery.figure(rates(above), pairs((1e-5, 1, 0.25)), CHOICE))
    assert said in text and "an estimate by stops" not in text
    nothing = words(false_discovery.figure(rates(above), pairs((1e-5, 0, np.nan)), CHOICE))
    assert nothing.split() == f"{said} No pairs of replicates.".split()


@pytest.mark.parametrize(
    ("below", "said"),
    [((1e-5, 0, np.nan), "No pairs of replicates."), ((1e-5, 1, np.nan), "No shift agrees between replicates.")],
)
def test_pairs_without_an_estimate_say_why(below, said):
    assert said in words(false_discovery.figure(RATES.iloc[:1], pairs(below), CHOICE))


def test_no_fit_gives_words():
    assert "No fit finished" in words(false_discovery.figure(RATES.iloc[:0], pairs(), CHOICE))
