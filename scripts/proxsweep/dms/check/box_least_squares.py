"""Many small least-squares problems with bounds at once: one matrix, one right-hand side and one box a column."""

import numpy as np

GRADIENT_STEPS = 10
MAX_ROUNDS = 1000
TOLERANCE = 1e-13


def solve(matrix: np.ndarray, target: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Minimise ||matrix u_m - target_m||_2 subject to lower_m <= u_m <= upper_m for every column m.

    Gradient projection finds faces of the box, exact steps on a face end at its minimum (J. J. Moré and G. Toraldo,
    On the solution of large quadratic programming problems with bound constraints, SIAM J. Optim. 1, 1991). Every
    face is left downhill only and the box has finitely many, so this ends. Where ``matrix`` has dependent columns,
    u is one of several solutions; ``matrix @ u`` is unique.

    Parameters
    ----------
    matrix : (P, R)
        Without a column of zeros.
    target : (P, M)
    lower, upper : (R, M)
        May be infinite; equal bounds fix an entry.

    Returns
    -------
    (R, M) array
        With every column of ``matrix`` scaled to length 1, one projected gradient step of unit length changes no
        entry by more than 1e-13 times the size of the column's data (its target and finite bounds).

    Raises
    ------
    ValueError
        For a target that is not finite.
    ArithmeticError
        If the accuracy is not reached.
    """
    if not np.isfinite(target).all():
        raise ValueError("targets of least squares are finite")
    length = np.linalg.norm(matrix, axis=0)
    unit = matrix / length
    low, high = lower * length[:, None], upper * length[:, None]
    u = np.clip(0.0, low, high)
    bounds = np.where(np.isfinite(low), abs(low), 0.0) + np.where(np.isfinite(high), abs(high), 0.0)
    within = TOLERANCE * (np.linalg.norm(target, axis=0) + bounds.sum(axis=0))
    curvature = np.linalg.norm(unit, 2) ** 2 if unit.size else 1.0
    todo, full = np.arange(target.shape[1]), np.ones(target.shape[1], bool)
    for _ in range(MAX_ROUNDS):
        part, goal = (low[:, todo], high[:, todo]), target[:, todo]
        v = u[:, todo]
        for _ in range(GRADIENT_STEPS):
            v = np.where(full, np.clip(v - unit.T @ (unit @ v - goal) / curvature, *part), v)
        v, full = _face_step(unit, goal, *part, v)
        u[:, todo] = v
        moved = v - np.clip(v - unit.T @ (unit @ v - goal), *part)
        open_ = ~(abs(moved).max(axis=0, initial=0.0) <= within[todo])
        todo, full = todo[open_], full[open_]
        if not todo.size:
            return np.clip(u / length[:, None], lower, upper)
    raise ArithmeticError(f"{todo.size} bounded least-squares problems without a solution after {MAX_ROUNDS} rounds")


def _face_step(
    matrix: np.ndarray, target: np.ndarray, low: np.ndarray, high: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """To the minimum on the face of ``u``, or up to the first bound in the way; whether the step was a full one."""
    free = (u > low) & (u < high)
    patterns, member = np.unique(free, axis=1, return_inverse=True)
    inverses = np.linalg.pinv(matrix * patterns.T[:, None, :], rcond=1e-12)
    error = target - matrix @ u
    direction = np.einsum("mrp,pm->rm", inverses[member.reshape(-1)], error) * free
    wall = np.where(direction > 0, high, low)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(direction != 0, (wall - u) / direction, np.inf)
    step = np.minimum(room.min(axis=0, initial=np.inf), 1.0)
    return np.where(free & (room <= step), wall, u + step * direction), step == 1.0
