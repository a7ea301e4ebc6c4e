"""Least squares for a few unknowns, in relative errors, as figures of all sizes count alike."""

import dataclasses
import math


@dataclasses.dataclass
class Fit:
    """Coefficients, their standard errors, and how far the fit is from the measured values."""

    coefficients: list
    errors: list  # one standard deviation of each coefficient
    spread: float  # root of the mean squared relative error
    largest_error: float  # largest relative error


def solve(matrix: list, right: list) -> list:
    """x of matrix x = right, by elimination with pivots. Raises ValueError where there is none."""
    size = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        if abs(rows[pivot][column]) < 1e-300:
            raise ValueError("the measured points do not tell the unknowns apart")
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(size):
            if row != column:
                factor = rows[row][column] / rows[column][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column])]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def _normal(terms: list) -> list:
    size = len(terms[0])
    return [[sum(term[i] * term[j] for term in terms) for j in range(size)] for i in range(size)]


def fit(terms: list, values: list) -> Fit:
    """Coefficients c so that sum(c[i] * terms[k][i]) comes close to values[k], none of them below 0: one that would be
    is 0. Values are above 0. Raises ValueError where points are too few."""
    scaled = [[term / value for term in row] for row, value in zip(terms, values)]
    kept = list(range(len(terms[0])))
    while True:
        chosen = [[row[i] for i in kept] for row in scaled]
        if len(chosen) < len(kept):
            raise ValueError(f"{len(kept)} unknowns need at least as many points, not {len(chosen)}")
        found = solve(_normal(chosen), [sum(row[i] for row in chosen) for i in range(len(kept))])
        negative = [i for i, coefficient in zip(kept, found) if coefficient < 0]
        if not negative or len(kept) == 1:
            break
        kept.remove(min(negative, key=lambda i: found[kept.index(i)] * max(row[i] for row in scaled)))
    residuals = [sum(c * term for c, term in zip(found, row)) - 1 for row in chosen]
    coefficients, errors = [0.0] * len(terms[0]), [0.0] * len(terms[0])
    spare = max(len(values) - len(kept), 1)
    variance = sum(residual ** 2 for residual in residuals) / spare
    for place, i in enumerate(kept):
        unit = [1.0 if row == place else 0.0 for row in range(len(kept))]
        coefficients[i] = found[place]
        errors[i] = math.sqrt(max(variance * solve(_normal(chosen), unit)[place], 0))
    spread = math.sqrt(sum(residual ** 2 for residual in residuals) / len(residuals))
    return Fit(coefficients, errors, spread, max(abs(residual) for residual in residuals))
