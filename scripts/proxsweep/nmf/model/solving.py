"""Solving the starts of a fit in batches, from where an earlier run left them."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from proxsweep.nmf.data.encoding import Matrix
from proxsweep.nmf.model import batch, methods, start_points, vanished
from proxsweep.nmf.model.batch import End, Limits
from proxsweep.nmf.model.checkpoint import LIMITED, Checkpoint
from proxsweep.nmf.model.problem import Data, Problem
from proxsweep.optimize.status import Status


class Solving:
    """What the batches of a fit have in common; ``seconds`` are those of solving."""

    def __init__(
        self, algorithm, rank, solver, asked: Problem, data: Data, matrix: Matrix, report, checkpoint: Checkpoint
    ):
        entries = matrix.nnz if sparse.issparse(matrix) else matrix.size
        self.method, self.settings = methods.build(algorithm, solver, asked, data, rank, entries)
        self.asked, self.data, self.matrix, self.rank, self.report = asked, data, matrix, rank, report
        self.limits = Limits(solver["tolerance"], solver["max_iterations"], solver["max_seconds"])
        self.checkpoint = checkpoint
        self.seconds = 0.0

    def batches(self, names: list[str]) -> list[list[str]]:
        """Names of the starts that are run together."""
        size = batch.size(self.asked, self.data, self.method, self.rank, len(names))
        return [names[begin : begin + size] for begin in range(0, len(names), size)]

    def solve(self, names: list[str], points: list[start_points.Point]) -> tuple[list[End], list[int]]:
        """Ends of starts; those that end with a vanished factor that could do something get it anew, once."""
        ends = self._ends(names, points)
        again = [
            vanished.reseeded(self.asked, self.data, self.matrix, end) if end.status == Status.CONVERGED else None
            for end in ends
        ]
        places = [place for place, found in enumerate(again) if found is not None]
        if places:
            left = self._left([ends[place] for place in places])
            more = self._run([again[place] for place in places], left, lambda states: None)
            for place, end in zip(places, more, strict=True):
                ends[place] = _continued(ends[place], end)
        return ends, [int(found is not None) for found in again]

    def _ends(self, names: list[str], points: list[start_points.Point]) -> list[End]:
        """Ends of starts from where an earlier run left them, if one did."""
        known = {name: end for name, end in self.checkpoint.states.items() if name in names}
        open_ones = [name for name in names if name not in known or known[name].status in LIMITED]
        earlier = [known[name] for name in open_ones if name in known]
        self.seconds += max((end.seconds for end in known.values()), default=0.0)
        if any(end.iterations >= self.limits.max_iterations for end in earlier):
            known |= {name: replace(known[name], status=Status.MAX_ITERATIONS) for name in open_ones}
            open_ones = []
        if not open_ones:
            return [known[name] for name in names]
        limits = self._left(earlier)
        begin = dict(zip(names, ((w.T, h) for w, h in points), strict=True))
        begin |= {name: (known[name].w, known[name].h) for name in open_ones if name in known}

        def merged(states: dict[int, End]) -> dict[str, End]:
            found = {open_ones[place]: end for place, end in states.items()}
            return {name: _continued(known[name], end) if name in known else end for name, end in found.items()}

        keep = lambda states: self.checkpoint.put(merged(states())) if self.checkpoint.is_due() else None  # noqa: E731
        ends = merged(dict(enumerate(self._run([begin[name] for name in open_ones], limits, keep))))
        return [ends.get(name) or known[name] for name in names]

    def _left(self, ends: list[End]) -> Limits:
        """What the limits leave to starts that have ended so; one iteration at least, so that they end by a limit."""
        most, late = self.limits.max_iterations, self.limits.max_seconds
        spent = max((end.seconds for end in ends), default=0.0)
        count = max((end.iterations for end in ends), default=0)
        return replace(
            self.limits,
            max_iterations=max(1, most - count),
            max_seconds=None if late is None else max(0.0, late - spent),
        )

    def _run(self, points: list[start_points.Point], limits: Limits, keep) -> list[End]:
        w, h = (np.stack(factors) for factors in zip(*points, strict=True))
        if self.asked.simplex:
            sums = w.sum(axis=2, keepdims=True)
            even = np.full_like(w, 1 / w.shape[2])
            w, h = np.where(sums > 0, w / np.where(sums > 0, sums, 1), even), h * sums
        ends = batch.solve(self.method, self.asked, self.data, self.settings, w, h, limits, self.report, keep)
        self.seconds += max(end.seconds for end in ends)
        return ends


def _continued(first: End, second: End) -> End:
    rows = [
        {**row, "iteration": row["iteration"] + first.iterations, "seconds": row["seconds"] + first.seconds}
        for row in second.rows[1:]
    ]
    spent = first.iterations + second.iterations, first.seconds + second.seconds
    return replace(second, iterations=spent[0], seconds=spent[1], rows=first.rows + rows)
