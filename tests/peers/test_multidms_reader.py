"""The encoding against multidms 1.2.0's own reader, in an environment of its own."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import preprocess

pytestmark = [pytest.mark.peer, pytest.mark.data]
REFERENCE = "Omicron_BA1-2"

# Runs in the other environment; arguments: table, reference, output.
PEER = """
import sys
import multidms, numpy as np, pandas as pd
table, reference, output = sys.argv[1:]
assert multidms.__version__ == "1.2.0", multidms.__version__
scores = pd.read_csv(table).fillna({"aa_substitutions": ""})
data = multidms.Data(
    scores, reference=reference, alphabet=multidms.AAS_WITHSTOP_WITHGAP, collapse_identical_variants="mean",
    assert_site_integrity=True,
)
arrays = {"mutations": np.array(data.mutations), "conditions": np.array(data.conditions)}
for d, name in enumerate(data.conditions):
    for kind, X in (("reference", data.arrays["X"][name]), ("own", data.scaled_arrays["X"][name])):
        keep = np.asarray(X.data) != 0
        arrays[f"{kind}_{d}"] = np.asarray(X.indices)[keep]
    arrays[f"scores_{d}"] = np.asarray(data.arrays["y"][name])
    arrays[f"bundle_{d}"] = np.asarray(data.bundle_idxs[name])
    arrays[f"seen_{d}"] = data.mutations_df[f"times_seen_{name}"].to_numpy().astype(int)
np.savez(output, **arrays)
"""


def required(variable, purpose):
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} names no {purpose}")
    return Path(value)


@pytest.fixture(scope="module")
def table():
    return required("PROXSWEEP_DATA", "folder with the real data sets") / "spike_delta_ba1_10k.csv"


@pytest.fixture(scope="module")
def peer(table, tmp_path_factory):
    python = required("PROXSWEEP_MULTIDMS_PYTHON", "interpreter with multidms 1.2.0")
    output = tmp_path_factory.mktemp("peer") / "multidms.npz"
    command = [str(python), "-c", PEER, str(table), REFERENCE, str(output)]
    environment = {**os.environ, "PYTHONPATH": "", "MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(output) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def ours(table):
    data = {"bundle_sites": "observed_both_ways"}
    spec = {"study": "spike", "reference": REFERENCE, "data": data}
    done = preprocess(spec, [table])
    encoding, _ = encode(spec, done.variants, done.wildtypes, "1")
    return encoding


def condition_rows(encoding, name):
    d = encoding.conditions.tolist().index(name)
    return d, slice(encoding.offsets[d], encoding.offsets[d + 1])


def test_mutations_are_the_same_in_the_same_order(peer, ours):
    assert ours.mutations.tolist() == peer["mutations"].tolist()


@pytest.mark.parametrize("name", ["Delta-2", REFERENCE])
def test_rows_and_scores_are_the_same(peer, ours, name):
    """Rows are matched by their entries: no two variants of a condition have the same."""
    encoding = ours
    number = peer["conditions"].tolist().index(name)
    d, rows = condition_rows(encoding, name)
    count, size = rows.stop - rows.start, len(encoding.mutations)
    ones = np.ones(len(encoding.indices), dtype=bool)
    own = csr_matrix((ones, encoding.indices, encoding.indptr), shape=(len(encoding.scores), size))[rows]
    own = own.toarray()
    their_own, their_reference = np.zeros((2, len(peer[f"scores_{number}"]), size), dtype=bool)
    their_own[tuple(peer[f"own_{number}"].T)] = True
    their_reference[tuple(peer[f"reference_{number}"].T)] = True
    assert their_own.shape == own.shape == (count, size)
    np.testing.assert_array_equal(encoding.bundle[d], peer[f"bundle_{number}"])
    ordered, theirs = np.lexsort(own.T), np.lexsort(their_own.T)
    assert len(np.unique(own, axis=0)) == count
    np.testing.assert_array_equal(own[ordered], their_own[theirs])
    np.testing.assert_array_equal((own ^ encoding.bundle[d])[ordered], their_reference[theirs])
    np.testing.assert_allclose(encoding.scores[rows][ordered], peer[f"scores_{number}"][theirs], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(encoding.times_seen[d], peer[f"seen_{number}"])
