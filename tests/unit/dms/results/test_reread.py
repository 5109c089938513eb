"""Reading a fit under another reference, against effects, counts and predictions written from their definitions."""

import itertools

import numpy as np
import pandas as pd
import pytest

import toys
from proxsweep.__main__ import main
from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.dms.data.simulate import simulate
from proxsweep.dms.data.substitutions import LETTERS
from proxsweep.dms.model import fit, fit_files
from proxsweep.dms.results import reread
from proxsweep.io.files import write_csv

CONDITIONS = ["a", "b", "c"]
SITES = ["2", "3", "10", "11a"]
OWN = {"a": "GKMW", "b": "PKMW", "c": "PKLW"}
THREE = {"a": "GKMW", "b": "PCMW", "c": "AKLG"}  # with three wildtypes at one site


def world(seed: int, own: dict[str, str] = OWN):
    """Latent effect of every letter (up to a constant a site and condition) and, by condition, variants as words."""
    rng = np.random.default_rng(seed)
    letters = "ACGKLMPW*"
    effect = {(d, s, x): rng.normal() for d in CONDITIONS for s in SITES for x in letters}
    variants = {}
    for d in CONDITIONS:
        words = np.array([list(own[d])] * 40)
        changed = rng.random(words.shape) < 0.4
        words[changed] = rng.choice(list(letters), changed.sum())
        variants[d] = words
    return letters, effect, variants


def written(reference: str, letters: str, effect: dict, variants: dict, own: dict[str, str] = OWN) -> pd.DataFrame:
    """What a fit with that reference would write, from the definitions: b(x) = e(x) - e(wildtype of the reference)."""
    rows = []
    for k, site in enumerate(SITES):
        for letter in sorted(set(letters) - {own[reference][k]}, key=LETTERS.index):
            wildtype = own[reference][k]
            row = {"mutation": f"{wildtype}{site}{letter}", "wildtype": wildtype, "site": site, "mutant": letter}
            row |= {f"beta_{d}": effect[d, site, letter] - effect[d, site, wildtype] for d in CONDITIONS}
            for d in CONDITIONS:
                column = variants[d][:, k]
                hit = column != letter if own[d][k] == letter else column == letter
                row[f"times_seen_{d}"] = int(hit.sum())
            rows.append(row)
    return pd.DataFrame(rows)


def apart(reference: str, own: dict[str, str] = OWN) -> dict[str, dict[str, str]]:
    """Letters of every condition where they are not the reference's."""
    return {d: {site: own[d][k] for k, site in enumerate(SITES) if own[d][k] != own[reference][k]} for d in CONDITIONS}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(CONDITIONS, CONDITIONS)))
@pytest.mark.parametrize("own", [OWN, THREE])
def test_effects_and_counts_are_those_that_the_definition_gives(old, new, own):
    letters, effect, variants = world(4, own)
    found = reread.reread(written(old, letters, effect, variants, own), apart(old, own), new)
    expected = written(new, letters, effect, variants, own)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=0, atol=1e-12)


def test_shifts_are_each_condition_minus_the_reference():
    letters, effect, variants = world(5)
    mutations = written("b", letters, effect, variants)
    found = reread.with_shifts(mutations, CONDITIONS, "b")
    assert [name for name in found if name.startswith("shift_")] == ["shift_a-minus-b", "shift_c-minus-b"]
    np.testing.assert_array_equal(found["shift_c-minus-b"], mutations["beta_c"] - mutations["beta_b"])


def test_equal_effects_stay_exactly_equal():
    """A zero shift at a site with a zero shift between its wildtypes is exactly zero under every reference."""
    letters, effect, variants = world(6)
    effect = {(d, s, x): effect["a", s, x] for d, s, x in effect}
    found = reread.with_shifts(reread.reread(written("a", letters, effect, variants), apart("a"), "c"), CONDITIONS, "c")
    assert (found["shift_a-minus-c"] == 0).all() and (found["shift_b-minus-c"] == 0).all()


# ---- a fit on disk ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A fit with reference a of a simulated scan, and the encodings of that scan under every reference."""
    folder = tmp_path_factory.mktemp("reread")
    tree = {"a": "root", "b": "root", "c": "root"}
    simulation = {"seed": 5, "tree": tree, "sites": 8, "differences": 2, "variants": 150, "replicates": 1}
    write_csv(folder / "table.csv", simulate({**simulation, "reference": "a"})[0])
    encodings = {}
    for name in CONDITIONS:
        spec = {"study": "s", "data": {"simulate": simulation}, "reference": name}
        done = preprocess(spec, [folder / "table.csv"])
        encodings[name] = encode(spec, done.variants, done.wildtypes, "1")[0]
    model = {**toys.MODEL, "ridge": 1e-3}
    done = fit.fit(encodings["a"], 1e-3, "equivariant", model, toys.SOLVER, lambda line: None)
    fit_files.write(done, {"fit": {"lasso": 1e-3}, "model": model, "solver": toys.SOLVER}, folder / "fit")
    return folder / "fit", encodings, fit_files.predictions(done)["latent"].to_numpy()


@pytest.mark.parametrize("reference", CONDITIONS)
def test_mutations_and_counts_are_those_of_an_encoding_with_that_reference(made, reference):
    folder, encodings, _ = made
    mutations, encoding = reread.load(folder, reference).fitted.mutations, encodings[reference]
    assert list(mutations["mutation"]) == list(map(str, encoding.mutations))
    for d, name in enumerate(encoding.conditions):
        np.testing.assert_array_equal(mutations[f"times_seen_{name}"], encoding.times_seen[d])


@pytest.mark.parametrize("reference", CONDITIONS)
def test_latent_phenotypes_of_all_variants_do_not_change(made, reference):
    folder, encodings, latent = made
    reading, encoding = reread.load(folder, reference), encodings[reference]
    found = [
        reading.intercepts[str(name)] + x @ reading.fitted.mutations[f"beta_{name}"].to_numpy()
        for name, x in zip(encoding.conditions, toys.dense(encoding), strict=True)
    ]
    # sorted: the variants of a condition may stand in another order under another reference
    starts = encodings["a"].offsets
    expected = {str(name): latent[starts[d] : starts[d + 1]] for d, name in enumerate(encodings["a"].conditions)}
    for name, values in zip(encoding.conditions, found, strict=True):
        np.testing.assert_allclose(np.sort(values), np.sort(expected[str(name)]), rtol=0, atol=1e-12)


def test_differing_sites_are_those_of_any_condition(made):
    folder, encodings, _ = made
    sites = {str(s) for e in encodings.values() for s in e.sites[e.bundle.any(axis=0)]}
    assert reread.load(folder, "b").differing == sites and len(sites) > 2


def test_the_command_writes_the_table_and_says_the_intercepts(made, tmp_path, capsys):
    folder, _, _ = made
    assert main(["reread", str(folder), "--reference", "c", "--output", str(tmp_path / "c.csv")]) == 0
    reading = reread.load(folder, "c")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "c.csv", dtype={"site": str}), reading.fitted.mutations, check_dtype=False
    )
    assert f"a: latent phenotype {reading.intercepts['a']:.10g} of the wildtype of c" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reference", "message"), [("d", "found no condition 'd'; expected one of a, b, c"), (None, "no such file")]
)
def test_what_cannot_be_read_is_refused(made, tmp_path, capsys, reference, message):
    folder = made[0] if reference else tmp_path
    arguments = ["reread", str(folder), "--reference", reference or "a", "--output", str(tmp_path / "x.csv")]
    assert main(arguments) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "x.csv").exists()
