"""Do generated pictures lie where real ones lie, in the features of a network that is named beside the number?"""

from __future__ import annotations

import numpy as np


def frechet(a: np.ndarray, b: np.ndarray) -> float | None:
    """Frechet distance of two sets of features (n, d), (m, d) as normal distributions: Heusel et al. 2017, eq. 6.

    |mean a - mean b|^2 + tr(A + B - 2 (A B)^(1/2)). Counts belong beside it: with fewer pictures than features it is
    biased upwards. None for sets of fewer than two.
    """
    if len(a) < 2 or len(b) < 2:
        return None
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    first, second = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (a, b))
    # the eigenvalues of a product of two covariances are real and not negative but for rounding
    roots = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0))
    apart = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(max(0.0, apart + np.trace(first) + np.trace(second) - 2 * roots.sum()))
