"""Time and memory to read, preprocess and encode a table of the size of the published spike scans.

Makes a table of 131,074 variants in three conditions (26,743, 53,209 and 51,122, with 2.6 to 3.1
substitutions each on average), one such set a replicate, and runs all steps on it.

    python benchmarks/encode_size.py [--replicates 2] [--limit-seconds 15] [--limit-megabytes 1024]

Prints a line a step; exits 1 if a limit is passed. The table is made in a process of its own, so that the
peak memory is that of reading and encoding.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from proxsweep.dms.data.encode import encode_files  # noqa: E402
from proxsweep.dms.data.preprocess import preprocess  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY*-"))
CONDITIONS = {"Omicron_BA1": (26_743, 3.1), "Delta": (53_209, 2.6), "Omicron_BA2": (51_122, 2.8)}
SITES, MUTANTS_A_SITE, DIFFERING = 1_260, 9, 30


def make(path: Path, replicates: int, seed: int = 1) -> None:
    """Write the table: some wildtypes differ, variants are distinct, frequencies of sites heavy-tailed."""
    random = np.random.default_rng(seed)
    reference = random.integers(20, size=SITES)
    offered = np.argsort(random.random((SITES, 22)), axis=1)[:, :MUTANTS_A_SITE]
    cumulative = random.lognormal(sigma=0.7, size=SITES).cumsum()
    parts = []
    for name, (count, mean) in CONDITIONS.items():
        wildtype = reference.copy()
        changed = random.choice(SITES, DIFFERING * (len(parts) > 0), replace=False)
        wildtype[changed] = (wildtype[changed] + 1 + random.integers(19, size=len(changed))) % 20
        for replicate in range(1, replicates + 1):
            texts = _texts(random, count, mean, cumulative, offered, wildtype)
            scores = np.round(random.normal(-1, 1.5, count), 4)
            columns = {"condition": name, "replicate": replicate, "aa_substitutions": texts}
            parts.append(pd.DataFrame({**columns, "func_score": scores}))
    write_csv(path, pd.concat(parts))


def _texts(random, count, mean, cumulative, offered, wildtype) -> list[str]:
    """``count`` distinct variants; repeats (wildtypes, many singles) are drawn again."""
    texts: dict[str, None] = {}
    while len(texts) < count:
        size = random.poisson(mean)
        sites = np.unique(np.searchsorted(cumulative, random.random(size) * cumulative[-1]))
        mutants = offered[sites, random.integers(MUTANTS_A_SITE, size=len(sites))]
        kept = mutants != wildtype[sites]
        triples = zip(wildtype[sites][kept], sites[kept], mutants[kept], strict=True)
        texts[" ".join(f"{LETTERS[w]}{s + 1}{LETTERS[m]}" for w, s, m in triples)] = None
    return list(texts)


def megabytes() -> float:
    """Peak resident memory of this process so far."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(table: Path, replicates: int) -> float:
    """Run the steps on ``table``, print what each took, and return the seconds of all."""
    data = {"func_scores": str(table), "replicates": {"column": "replicate"}, "clip": ["median_stop", 2.5]}
    spec = {"study": "size", "reference": "Omicron_BA1", "data": data}
    folder, start = table.parent, time.perf_counter()
    done = preprocess(spec, [table])
    write_csv(folder / "variants.csv", done.variants)
    write_csv(folder / "wildtypes.csv", done.wildtypes)
    print(f"read, preprocess, write: {len(done.variants)} rows, {time.perf_counter() - start:.2f} s")
    for replicate in range(1, replicates + 1):
        begun = time.perf_counter()
        encoding, _ = encode_files(spec, folder / "variants.csv", folder / "wildtypes.csv", str(replicate))
        encoding.save(folder / f"replicate~{replicate}.npz")
        print(
            f"read back, encode, save replicate {replicate}: N = {np.diff(encoding.offsets).tolist()}, "
            f"M = {len(encoding.mutations)}, {len(encoding.indices) / len(encoding.scores):.2f} entries a "
            f"variant, {time.perf_counter() - begun:.2f} s"
        )
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=1)
    parser.add_argument("--limit-seconds", type=float, default=15)
    parser.add_argument("--limit-megabytes", type=float, default=1024)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "func_scores.csv"
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(table, arguments.replicates))
        maker.start()
        maker.join()
        print(f"table: {table.stat().st_size / 2**20:.1f} MB; memory before: {megabytes():.0f} MB")
        busy = time.process_time()
        seconds = measure(table, arguments.replicates)
        busy = time.process_time() - busy
    print(f"total: {seconds:.2f} s ({busy:.2f} s of processor), peak memory {megabytes():.0f} MB")
    return int(seconds > arguments.limit_seconds or megabytes() > arguments.limit_megabytes)


if __name__ == "__main__":
    sys.exit(main())
