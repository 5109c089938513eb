"""An upper bound on the distance to the minimum where the problem is convex: g linear, a ridge on every effect."""

import numpy as np

from proxsweep.dms.model.model import Model

HALVINGS = 200


def duality_gap(model: Model, data: dict, errors: np.ndarray, fused: np.ndarray, objective: float) -> float:
    """Objective minus the value of a feasible point of the Fenchel dual (Boyd and Vandenberghe 2004, section 5.2).

    Multipliers theta of the predictions are the derivatives of the losses, moved within their bounds until they sum to
    zero in every condition with a free intercept; multipliers u of the fusion rows are those of the certificate. With
    c = K'theta + A'u the dual value is -sum_i (theta_i y_i + theta_i^2 / 2 omega_i), plus for every effect the least
    ridge b^2 + c b over the box, and for every inner node of a tree the least c b over the box and \\|b\\| <= B =
    sqrt(objective / smallest ridge): at the optimum it lies between the leaves', which the ridge bounds.

    Parameters
    ----------
    model, data
        The problem.
    errors : (N,)
        Predicted minus observed scores.
    fused : (P, M)
        A'u of the encoding's mutations, from :func:`proxsweep.optimize.certificate.stationarity`.
    objective
        Value at these parameters.
    """
    omega, delta = np.asarray(data["loss_weights"]), float(data["huber_delta"])
    ridge, free = np.asarray(data["ridge"]), np.asarray(data["intercept_free"])
    theta = omega * np.clip(errors, -delta, delta)
    centred = _centred(theta, omega, delta, model.offsets, free)
    count = len(ridge)
    c = np.asarray(model.backward(data, centred)["b"])[:, : fused.shape[1]] + fused
    fitted = omega > 0
    losses = -np.sum(centred * np.asarray(data["scores"])) - np.sum(centred[fitted] ** 2 / (2 * omega[fitted]))
    lower, upper = np.asarray(data["effect_bounds"]) if model.boxed else (-np.inf, np.inf)
    best = np.clip(-c[:count] / (2 * ridge[:, None]), lower, upper)
    effects = np.sum(best * (ridge[:, None] * best + c[:count]))
    # in a box the multipliers may leave inner nodes at a bound a pull, which the box has to answer
    farthest = np.sqrt(objective / ridge.min())
    inner = np.sum(c[count:] * np.clip(-np.sign(c[count:]) * farthest, lower, upper))
    return float(objective - (losses + effects + inner))


def _centred(theta, omega, delta: float, offsets: tuple[int, ...], free: np.ndarray) -> np.ndarray:
    """theta moved along omega, within omega * delta, so that it sums to 0 in conditions with a free intercept."""
    centred = theta.copy()
    for d in np.flatnonzero(free):
        rows = slice(offsets[d], offsets[d + 1])
        centred[rows] = _balanced(theta[rows], omega[rows], delta)
    return centred


def _balanced(theta: np.ndarray, omega: np.ndarray, delta: float) -> np.ndarray:
    fitted = omega > 0
    high = float(np.abs(theta[fitted] / omega[fitted]).max(initial=0.0))  # moved so far, all have one sign
    low = -high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if np.clip(theta - middle * omega, -omega * delta, omega * delta).sum() > 0:
            low = middle
        else:
            high = middle
    return np.clip(theta - high * omega, -omega * delta, omega * delta)
