"""Checks bounds that rounding.ts wrote against 50-digit arithmetic: each must lie on its safe side.

    python3 rounding.py points.jsonl        needs mpmath

Prints a line of JSON: how many points of each kind, how far off the bounds are at most (relatively), and what is on the wrong side.
"""
import json
import sys
from fractions import Fraction

from mpmath import mp, mpf

mp.dps = 50


def log_upper_tail(x, k, n):
    """log P(Bin(n, x) >= k) = log P(Beta(k, n - k + 1) <= x), by the positive terms on the side where they fall fast."""
    if k == 0:
        return mpf(0)
    if k <= n * x:
        # The complement is the smaller sum.
        return mp.log1p(-mp.exp(log_lower_sum(x, k - 1, n)))
    term, total = mpf(1), mpf(1)
    for i in range(k, n):
        term *= (n - i) * x / ((i + 1) * (1 - x))
        total += term
        if term < total * mpf(10) ** -40:
            break
    return log_term(x, k, n) + mp.log(total)


def log_lower_sum(x, k, n):
    """log P(Bin(n, x) <= k) for k below the mean."""
    term, total = mpf(1), mpf(1)
    for i in range(k, 0, -1):
        term *= i * (1 - x) / ((n - i + 1) * x)
        total += term
        if term < total * mpf(10) ** -40:
            break
    return log_term(x, k, n) + mp.log(total)


def log_term(x, k, n):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1) + k * mp.log(x) + (n - k) * mp.log1p(-x)


def probability_lower(point):
    """Clopper and Pearson: at the bound, k or more successes have probability at most alpha. The excess is that of the tail."""
    n, k, alpha, bound = point["n"], point["k"], mpf(point["alpha"]), mpf(point["bound"])
    if k == 0 or bound <= 0:
        return bound <= 0, mpf(0)
    if bound >= 1:
        return False, mpf(0)
    slack = mp.log(alpha) - log_upper_tail(bound, k, n)
    return slack >= 0, slack


def probability_upper(point):
    """q_k: at the bound, at most k - 1 draws below the median have probability at most alpha; by symmetry the same tail."""
    n, k, alpha, bound = point["n"], point["k"], mpf(point["alpha"]), mpf(point["bound"])
    if bound >= 1:
        return True, mpf(0)
    slack = mp.log(alpha) - log_upper_tail(1 - bound, n - k + 1, n)
    return slack >= 0, slack


def quantile(point):
    """At the lower bound of the normal quantile the distribution function is at most p; at the upper one at least."""
    p, lower, upper = mpf(point["p"]), mpf(point["lower"]), mpf(point["upper"])
    # ncdf loses nothing on the side where it is small; on the other the complement is compared.
    below, above = mp.ncdf(lower), mp.ncdf(upper)
    if p > mpf(1) / 2:
        fine = mp.ncdf(-lower) >= 1 - p and mp.ncdf(-upper) <= 1 - p
    else:
        fine = below <= p <= above
    return fine, (upper - lower) / max(abs(upper), mpf(10) ** -300)


def radius(point):
    """sigma * Phi^-1(p), less what the lattice costs: the distribution function at (radius + lost) / sigma is at most p."""
    sigma, p, bound = mpf(point["sigma"]), mpf(point["p"]), mpf(point["bound"])
    lost = mp.sqrt(mpf(point["inputs"])) * mpf(point["spacing"]) / 2
    if not mpf(point["lost"]) >= lost:
        return False, mpf(0)
    if bound == 0 and point["isZero"]:
        return True, mpf(0)
    return mp.ncdf(-(bound + lost) / sigma) >= 1 - p, mpf(0)


def level(point):
    """What the lattice leaves of alpha."""
    left = Fraction(point["alpha"]) - Fraction(point["draws"] * point["inputs"], 2**75)
    return Fraction(point["bound"]) <= left, mpf(0)


def exact(matrix):
    return [[Fraction(value) for value in row] for row in matrix]


def margins(point):
    """Interval bounds, in exact rational arithmetic: every stored margin is at most the true one."""
    lower, upper = [[Fraction(v) for v in side] for side in (point["lower"], point["upper"])]
    layers = [(exact(layer["weight"]), [Fraction(v) for v in layer["bias"]]) for layer in point["layers"]]
    size, c = point["groupSize"], point["c"]

    def through(weight, bias, lower, upper):
        low = [b + sum(w * (lower[i] if w > 0 else upper[i]) for i, w in enumerate(row)) for row, b in zip(weight, bias)]
        high = [b + sum(w * (upper[i] if w > 0 else lower[i]) for i, w in enumerate(row)) for row, b in zip(weight, bias)]
        return low, high

    for weight, bias in layers[:-1]:
        lower, upper = through(weight, bias, lower, upper)
        groups = range(0, len(lower), size)
        lower = [v for g in groups for v in sorted(lower[g : g + size])]
        upper = [v for g in groups for v in sorted(upper[g : g + size])]
    weight, bias = layers[-1]
    worst, fine = Fraction(0), True
    for j, stored in enumerate(point["bounds"]):
        if j == c:
            continue
        row = [a - b for a, b in zip(weight[c], weight[j])]
        true = through([row], [bias[c] - bias[j]], lower, upper)[0][0]
        fine = fine and Fraction(stored) <= true
        worst = max(worst, (true - Fraction(stored)) / (abs(true) or 1))
    return fine, mpf(worst.numerator) / mpf(worst.denominator)


def norm(point):
    """The upper bound of a spectral norm is at least ||W v|| / ||v|| for the v that the power iteration ends at."""
    weight = exact(point["weight"])
    vector = [Fraction(1 + i % 3) for i in range(len(weight[0]))]
    for _ in range(12):
        image = [sum(w * v for w, v in zip(row, vector)) for row in weight]
        back = [sum(weight[i][j] * image[i] for i in range(len(weight))) for j in range(len(vector))]
        largest = max(map(abs, back)) or Fraction(1)
        # Any vector serves, so it may be rounded.
        vector = [Fraction(float(v / largest)) for v in back]
        if not any(vector):
            return point["bound"] >= 0, mpf(0)
    image = [sum(w * v for w, v in zip(row, vector)) for row in weight]
    squared = sum(v * v for v in image) / sum(v * v for v in vector)
    return Fraction(point["bound"]) ** 2 >= squared, mpf(0)


CHECKS = {
    "probability lower": probability_lower,
    "probability upper": probability_upper,
    "normal quantile": quantile,
    "radius": radius,
    "level": level,
    "interval margins": margins,
    "spectral norm": norm,
}


def main(file):
    counts, slack, wrong = {}, {}, []
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            point = json.loads(line)
            kind = point["kind"]
            fine, loose = CHECKS[kind](point)
            counts[kind] = counts.get(kind, 0) + 1
            slack[kind] = max(slack.get(kind, 0.0), float(loose))
            if not fine:
                wrong.append(line.strip()[:300])
    print(json.dumps({"counts": counts, "slack": slack, "wrong": wrong}))


if __name__ == "__main__":
    main(sys.argv[1])
