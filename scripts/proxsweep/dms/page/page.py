"""The interactive page of a study: one HTML file with every effect and shift of its full fits.

The values travel as a payload: a container of quantised arrays, compressed (gzip) and written as base64 into the page,
which unpacks it with what browsers bring along. The container is the length of a header in bytes (uint32), the header
(JSON, UTF-8, padded with spaces to a multiple of four), then the arrays that the header points to; all little-endian,
each array at a multiple of four bytes. :func:`payload` says what the header holds.
"""

import base64
import gzip
import heapq
import html
import json
import math
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.dms.data.substitutions import LETTERS
from proxsweep.dms.results import fitted
from proxsweep.io.errors import UserError
from proxsweep.io.names import natural
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full, ordered, sweep_columns
from proxsweep.sweep.grid import label

LARGEST = 32767  # of int16; its smallest, -32768, stands for a value that is not there
MISSING = -32768
ROWS = "RKHDEQNSTYWFAILMVGPC*-"  # of the heatmap: by charge, polarity and size; then stop, gap
OWN = ("difference", "lasso", "replicate")
TEMPLATE = Path(__file__).parent
MODULES = (  # of the script, each behind those that it imports
    *("text", "data", "selection", "colours", "layout", "profile", "heatmap", "details", "largest"),
    *("view", "pointer", "controls", "start"),
)


class Arrays:
    """The arrays of a container, and for each what its header says: ``type``, ``shape``, ``at`` (bytes)."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.error = 0.0

    def add(self, values: np.ndarray) -> dict[str, Any]:
        """Take whole numbers as they are."""
        values = np.ascontiguousarray(values)
        content = values.astype(values.dtype.newbyteorder("<")).tobytes()
        content += bytes(-len(content) % 4)
        place = {"type": values.dtype.name, "shape": list(values.shape), "at": self.size}
        self.parts.append(content)
        self.size += len(content)
        return place

    def add_quantised(self, values: np.ndarray) -> dict[str, Any]:
        """Take floats as multiples of a ``step`` of the array's own (see :func:`quantise`)."""
        whole, step = quantise(values)
        there = whole != MISSING
        self.error = max(self.error, float(np.abs(whole[there] * step - values[there]).max(initial=0.0)))
        return {**self.add(whole), "step": step}


def quantise(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Floats as int16 multiples of a step: 0 stays exactly 0, and nothing else becomes 0.

    Parameters
    ----------
    values
        Floats of any shape. What is not finite becomes :data:`MISSING`.

    Returns
    -------
    whole, step
        int16 of the same shape, and the step: the largest size divided by 32767 (1 where all are 0). ``whole * step``
        is off by at most half a step; a value smaller than that is one step, so off by less than a step.
    """
    finite = np.isfinite(values)
    largest = float(np.abs(values[finite]).max(initial=0.0))
    step = largest / LARGEST or 1.0
    clean = np.where(finite, values, 0.0)
    whole = np.rint(clean / step)
    whole = np.where((whole == 0) & (clean != 0), np.sign(clean), whole)
    return np.where(finite, whole, MISSING).astype(np.int16), step


def site_order(lists: Iterable[Iterable[str]]) -> list[str]:
    """One order of all sites that agrees with every list; where the lists leave it open, that of people."""
    after: dict[str, set[str]] = {}
    for sites in lists:
        unique = list(dict.fromkeys(sites))
        for site in unique:
            after.setdefault(site, set())
        for one, other in pairwise(unique):
            after[one].add(other)
    waits = dict.fromkeys(after, 0)
    for others in after.values():
        for other in others:
            waits[other] += 1
    ready = [(_site_key(site), site) for site, count in waits.items() if count == 0]
    heapq.heapify(ready)
    found = []
    while ready:
        site = heapq.heappop(ready)[1]
        found.append(site)
        for other in after[site]:
            waits[other] -= 1
            if waits[other] == 0:
                heapq.heappush(ready, (_site_key(other), other))
    return found


def _site_key(site: str) -> tuple[int, float, str]:
    return natural(site.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") or site)[:2] + (site,)


def payload(
    fits: pd.DataFrame, choice: pd.DataFrame, load: Callable[[str], fitted.Fitted] = fitted.load
) -> tuple[dict[str, Any], bytes]:
    """Header and arrays of a study's page.

    Parameters
    ----------
    fits
        The study's table of fits; fits to folds and resamples are left aside.
    choice
        The study's `chosen.csv`.
    load
        Reads the fit in a folder (column ``path``).

    Returns
    -------
    header
        ``study``; ``conditions`` (D); ``replicates``; ``lasso`` (weights, ascending); ``others``: name and labels of
        every further swept parameter; ``matrices``: name and ``rows``, each with its name and the places of the
        conditions it compares; ``sites`` (names), ``wildtypes`` (of the reference, a letter a site), ``letters`` (rows
        of the heatmap); ``mutations``: ``site`` and ``letter`` (M,), places in the two before; ``times_seen``: for each
        replicate (D, M), variants; ``own``: (D, M), 1 where the mutant is the condition's own wildtype; ``fits``:
        ``matrix``, ``lasso``, ``replicate`` and ``others`` (places), ``status``, ``relative_residual``, ``effects``
        (D, M) and ``shifts`` (rows, M), in latent units, quantised; ``chosen``: for each setting ``matrix``,
        ``others``, ``lasso`` (place or None), ``main``; ``error``: the largest difference that quantising made;
        ``limits``: of the colours, for ``effect`` and ``shift``.
    arrays
        What the header points to.

    Raises
    ------
    UserError
        If the fits of one replicate do not have the same mutations and counts.
    """
    fits = full(fits).reset_index(drop=True)
    found = list(map(fitted.blank_diverged(fits, load), fits["path"]))
    if not found:
        return {"study": _study(choice), "fits": []}, b""
    arrays = Arrays()
    frames = _frames(fits, found)
    union = _union(frames)
    places = {name: pd.Index(frame["mutation"]).get_indexer(union["mutation"]) for name, frame in frames.items()}
    header = _axes(fits, found) | _mutations(union, arrays)
    conditions = header["conditions"]
    counts = {name: _aligned(frames[name], _seen(conditions), places[name], 0) for name in header["replicates"]}
    header["times_seen"] = [arrays.add(_small(counts[name].astype(np.int64))) for name in header["replicates"]]
    header["own"] = arrays.add(_own(fits, union["mutation"], conditions))
    values = [_values(one, places[row["replicate"]]) for row, one in zip(fits.to_dict("records"), found, strict=True)]
    header["fits"] = [
        _fit(row, header) | {name: arrays.add_quantised(part) for name, part in value.items()}
        for row, value in zip(fits.to_dict("records"), values, strict=True)
    ]
    header["chosen"] = [_choice(row, header, choice) for row in choice.to_dict("records")]
    header["error"] = arrays.error
    header["limits"] = {"effect": _limit(values, "effects"), "shift": _limit(values, "shifts")}
    return header, b"".join(arrays.parts)


def _study(choice: pd.DataFrame) -> str:
    return str(choice["study"].iloc[0]) if len(choice) else ""


def _frames(fits: pd.DataFrame, found: list[fitted.Fitted]) -> dict[str, pd.DataFrame]:
    """The mutations of each replicate, which all of its fits share."""
    frames: dict[str, pd.DataFrame] = {}
    for row, one in zip(fits.to_dict("records"), found, strict=True):
        known = one.mutations[["mutation", "wildtype", "site", "mutant", *_seen(one.conditions)]]
        if not known.equals(frames.setdefault(row["replicate"], known)):
            expected = f"the mutations and times seen of the other fits of replicate {row['replicate']}"
            # message: Fits of one replicate are to different data: some are older than the encoding. | Make this one
            # again.
            raise UserError(f"{row['path']}/mutations.csv", "other ones", expected)
    return frames


def _seen(conditions: list[str]) -> list[str]:
    return [f"times_seen_{name}" for name in conditions]


def _union(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """All mutations of a study, by site, then in the order of letters."""
    order = {site: k for k, site in enumerate(site_order(frame["site"] for frame in frames.values()))}
    union = pd.concat(frames.values())[["mutation", "wildtype", "site", "mutant"]].drop_duplicates("mutation")
    rank = union["site"].map(order) * len(LETTERS) + union["mutant"].map(LETTERS.index)
    return union.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True)


def _axes(fits: pd.DataFrame, found: list[fitted.Fitted]) -> dict[str, Any]:
    """What can be selected."""
    conditions = found[0].conditions
    matrices: dict[str, list] = {}
    for name, one in zip(fits["difference"], found, strict=True):
        rows = [{"name": row, "compared": [conditions.index(c) for c in used]} for row, used in one.rows.items()]
        matrices.setdefault(name, rows)
    others = [name for name in sweep_columns(fits) if name not in OWN]
    return {
        "study": str(fits["study"].iloc[0]),
        "conditions": conditions,
        "replicates": ordered(fits["replicate"]),
        "lasso": sorted({float(weight) for weight in fits["lasso"]}),
        "others": [{"name": name, "labels": list(dict.fromkeys(map(_label, fits[name])))} for name in others],
        "matrices": [{"name": name, "rows": rows} for name, rows in matrices.items()],
    }


def _label(value: Any) -> str:
    return "none" if pd.isna(value) else label(value)


def _mutations(union: pd.DataFrame, arrays: Arrays) -> dict[str, Any]:
    sites = list(dict.fromkeys(union["site"]))
    wildtypes = dict(zip(union["site"], union["wildtype"], strict=True))
    there = set(union["mutant"]) | set(wildtypes.values())
    letters = "".join(letter for letter in ROWS if letter in there or letter not in "*-")
    site = union["site"].map({name: k for k, name in enumerate(sites)})
    mutations = {
        "site": arrays.add(site.to_numpy(np.uint16)),
        "letter": arrays.add(union["mutant"].map(letters.index).to_numpy(np.uint8)),
    }
    own = "".join(wildtypes[name] for name in sites)
    return {"sites": sites, "wildtypes": own, "letters": letters, "mutations": mutations}


def _aligned(frame: pd.DataFrame, columns: list[str], place: np.ndarray, missing: float) -> np.ndarray:
    """Columns of a replicate's table for all mutations of the study: (columns, M)."""
    values = frame[columns].to_numpy(float).T.reshape(len(columns), len(frame))
    return np.where(place >= 0, values[:, place], missing)


def _small(counts: np.ndarray) -> np.ndarray:
    return counts.astype(np.uint16 if counts.max(initial=0) < 2**16 else np.uint32)


def _own(fits: pd.DataFrame, mutations: pd.Series, conditions: list[str]) -> np.ndarray:
    """Where a mutant is the own wildtype of a condition, in any replicate: (D, M) uint8."""
    own = np.zeros((len(conditions), len(mutations)), bool)
    for path in fits.drop_duplicates("replicate")["path"]:
        arrays = fitted.arrays(path, "mutations", "bundle")
        place = pd.Index(arrays["mutations"].astype(str)).get_indexer(mutations)
        own |= (place >= 0) & arrays["bundle"][:, place]
    return own.astype(np.uint8)


def _values(one: fitted.Fitted, place: np.ndarray) -> dict[str, np.ndarray]:
    """Effects (D, M) and shifts (rows, M) of a fit; NaN where its replicate does not have the mutation."""
    columns = {"effects": [f"beta_{name}" for name in one.conditions], "shifts": [f"shift_{row}" for row in one.rows]}
    return {name: _aligned(one.mutations, wanted, place, math.nan) for name, wanted in columns.items()}


def _fit(row: dict[str, Any], header: dict[str, Any]) -> dict[str, Any]:
    residual = float(row["relative_residual"])
    return {
        "matrix": [matrix["name"] for matrix in header["matrices"]].index(row["difference"]),
        "lasso": header["lasso"].index(float(row["lasso"])),
        "replicate": header["replicates"].index(row["replicate"]),
        "others": [other["labels"].index(_label(row[other["name"]])) for other in header["others"]],
        "status": row["status"],
        "relative_residual": residual if math.isfinite(residual) else None,
    }


def _choice(row: dict[str, Any], header: dict[str, Any], choice: pd.DataFrame) -> dict[str, Any]:
    weight = chosen.weight(choice, row)
    return {
        "matrix": [matrix["name"] for matrix in header["matrices"]].index(row["difference"]),
        "others": [other["labels"].index(_label(row[other["name"]])) for other in header["others"]],
        "lasso": header["lasso"].index(weight) if weight in header["lasso"] else None,
        "main": bool(row["chosen"]),
    }


def _limit(values: list[dict[str, np.ndarray]], name: str) -> float:
    """Where colours end: the 99th percentile of all sizes that are not zero, to two digits, rounded up."""
    sizes = np.abs(np.concatenate([value[name].ravel() for value in values]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not len(sizes):
        return 1.0
    limit = float(np.percentile(sizes, 99))
    unit = 10.0 ** (math.floor(math.log10(limit)) - 1)
    return float(f"{math.ceil(limit / unit - 1e-9) * unit:.2g}")


def pack(header: dict[str, Any], arrays: bytes) -> bytes:
    """The compressed container; the same content gives the same bytes."""
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return gzip.compress(len(text).to_bytes(4, "little") + text + arrays, compresslevel=9, mtime=0)


def unpack(packed: bytes) -> tuple[dict[str, Any], Callable[[dict[str, Any]], np.ndarray]]:
    """The header of a container, and a function that gives an array that the header points to.

    Quantised arrays come as floats, NaN where :data:`MISSING`.
    """
    content = gzip.decompress(packed)
    start = 4 + int.from_bytes(content[:4], "little")

    def array(place: dict[str, Any]) -> np.ndarray:
        kind = np.dtype(place["type"]).newbyteorder("<")
        values = np.frombuffer(content, kind, math.prod(place["shape"]), start + place["at"]).reshape(place["shape"])
        return values if "step" not in place else np.where(values == MISSING, np.nan, values * place["step"])

    return json.loads(content[4:start]), array


def script() -> str:
    """The JavaScript modules as one, which a browser also runs from a file: without their imports and exports."""
    joined = "\n".join((TEMPLATE / f"{name}.js").read_text() for name in MODULES)
    return re.sub(r"^import [^;]*;\n|^export ", "", joined, flags=re.MULTILINE)


def page(packed: bytes, title: str) -> str:
    """The page of a packed container."""
    parts = {
        "title": html.escape(title),
        "style": (TEMPLATE / "page.css").read_text(),
        "script": script(),
        "payload": base64.b64encode(packed).decode(),
    }
    text = (TEMPLATE / "page.html").read_text()
    for name, part in parts.items():
        text = text.replace(f"[[{name}]]", part)
    return text


def payload_of(text: str) -> bytes:
    """The packed container of a page."""
    start = '<script id="payload" type="text/plain">'
    return base64.b64decode(text.partition(start)[2].partition("</script>")[0])


def make(fits: pd.DataFrame, choice: pd.DataFrame, load: Callable[[str], fitted.Fitted] = fitted.load) -> str:
    """The page of a study, as text (see :func:`payload`)."""
    header, arrays = payload(fits, choice, load)
    return page(pack(header, arrays), f"Effects and shifts: {header['study']}")
