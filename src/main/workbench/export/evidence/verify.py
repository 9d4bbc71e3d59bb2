#!/usr/bin/env python3
"""Rechecks every certificate of a run from the evidence in this folder.

    python3 verify.py [folder]

Needs Python 3.9 or newer, numpy and scipy, and nothing of the program that wrote the folder: what it computes is written down
here again, from the definitions in README.md. Prints what was checked by method and rule, names every certificate that does not
follow from its evidence, and ends with 0 when all follow, 1 when some do not, 2 when the folder cannot be read.

What cannot be seen here: whether the evidence comes from the network and the noise it speaks of. Only drawing again shows that
(`ptw verify <run> --redraw`).
"""

import functools
import json
import math
import pathlib
import sys
from collections import Counter, namedtuple

try:
    import numpy as np
    from scipy.optimize import linprog
    from scipy.stats import beta, norm
except ImportError as missing:
    print(f"verify.py needs numpy and scipy: {missing}; install them with: python3 -m pip install numpy scipy")
    sys.exit(2)

FORMAT, VERSION = "provable-transfer-workbench/evidence", 1
EPS = 2.0**-52

# A stored radius is rounded down from the true one: never above it, but for what this script's own quantiles lose, and not
# further below than directed rounding goes, which is less than 1e-9 of it for any number of draws up to a million.
RADIUS_ABOVE, RADIUS_BELOW = 1e-12, 1e-9
# A probability this near to 1/2 may be on either side of it for two programs.
NEAR_HALF = 1e-12


class Malformed(Exception):
    """Evidence that no draws can give."""


def require(condition, problem):
    if not condition:
        raise Malformed(problem)


# What the evidence says. `probability` is the lower bound on the winning probability whose normal quantile, times sigma, is the
# radius; None where no certificate is possible. `near`: a comparison turns on less than rounding. `others`: verdicts that another
# right program may give for that reason.
Expected = namedtuple("Expected", "outcome predicted reason probability near others", defaults=(None, False, frozenset()))


def verdict_of(positive, predicted, reason):
    return ("certified", predicted, None) if positive else ("abstained", predicted, reason)


# --- statistics ----------------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def clopper_pearson(successes, trials, level):
    """One-sided lower bound on a binomial probability at confidence 1 - level."""
    return 0.0 if successes == 0 else float(beta.ppf(level, successes, trials - successes + 1))


def order_statistic_probability(k, draws, level):
    """1 - q_k. The k-th smallest of n draws is at most the median after any shift of the noise that leaves at least k of them below
    it; by symmetry that is a binomial bound for n - k + 1 successes, whose quantile is the radius over sigma."""
    return clopper_pearson(draws - k + 1, draws, level)


def alpha_of_test(evidence):
    """What is left of alpha: of each of draws * inputs values that were drawn for a lattice, the distribution is within 2^-75 of the
    exact one in total variation, so no event of all of them is likelier by more than their sum."""
    if evidence.get("noise", "float32") == "float32":
        return evidence["alpha"]
    left = evidence["alpha"] - evidence["draws"] * evidence["inputs"] * 2.0**-75
    require(left > 0, "the lattice's own error uses up alpha")
    return left


def radius_lost(evidence):
    """The draws are around the point of the lattice nearest to the image, which is at most sqrt(inputs) * spacing / 2 away; the
    spacing is the largest power of two that is at most sigma * 2^-15."""
    if evidence.get("noise", "float32") == "float32":
        return 0.0
    inputs = evidence["inputs"]
    require(isinstance(inputs, int) and inputs >= 1, f"{inputs} inputs have no lattice")
    # sigma = mantissa * 2^exponent with 1/2 <= mantissa < 1.
    _, exponent = math.frexp(evidence["sigma"])
    return math.ldexp(math.sqrt(inputs) / 2, exponent - 1 - 15)


def quantile_of(sigma, probability):
    """The normal quantile, and how far sigma times it may be off here."""
    quantile = float(norm.ppf(probability))
    return quantile, sigma * 16 * EPS / float(norm.pdf(quantile))


def after_lattice(expected, evidence):
    """A radius that does not reach from the lattice to the image certifies nothing."""
    if expected.outcome != "certified" or radius_lost(evidence) == 0.0:
        return expected
    sigma, lost = evidence["sigma"], radius_lost(evidence)
    quantile, own_error = quantile_of(sigma, expected.probability)
    slack = own_error + sigma * quantile * RADIUS_BELOW + RADIUS_ABOVE * sigma
    left = sigma * quantile - lost
    short = ("abstained", expected.predicted, "below-lattice")
    if left < -slack:
        return expected._replace(outcome=short[0], reason=short[2])
    return expected._replace(near=True, others=expected.others | {short}) if left <= slack else expected


def radius_problem(stored, evidence, probability):
    """What is wrong with a radius, or None."""
    sigma = evidence["sigma"]
    quantile, own_error = quantile_of(sigma, probability)
    gross = sigma * quantile
    true = gross - radius_lost(evidence)
    if not math.isfinite(stored) or stored < 0:
        return f"the radius is {stored}, which is none"
    if stored > max(0.0, true) + max(0.0, gross) * RADIUS_ABOVE + own_error:
        return f"the stored radius is {stored!r}, the evidence proves {true!r} only"
    if stored < true - gross * RADIUS_BELOW - own_error - RADIUS_ABOVE * sigma:
        return f"the stored radius is {stored!r}, the evidence proves {true!r}"
    return None


def argmax(values):
    """The lowest index among equals; a NaN is never chosen over a number."""
    values = np.asarray(values, dtype=np.float64)
    return int(np.argmax(np.where(np.isnan(values), -np.inf, values)))


def finite(*arrays):
    return all(bool(np.all(np.isfinite(array))) for array in arrays)


# --- heads ---------------------------------------------------------------------------------------------------------------------


class Layer:
    def __init__(self, weight, bias):
        self.weight, self.bias = weight.astype(np.float64), bias.astype(np.float64)
        self.plus, self.minus = np.maximum(self.weight, 0), np.minimum(self.weight, 0)
        self.size = np.abs(self.weight)


# Bounds on units and how far either may be off by rounding, here and in the program that wrote the evidence.
Bounds = namedtuple("Bounds", "lower upper error")


def rounding(terms, magnitude):
    """What a sum of this many products loses in any order, a few times over: the writer moves its bounds outward by as much."""
    return 8 * (terms + 8) * EPS * magnitude + 2.0**-900


class Head:
    def __init__(self, facts, folder):
        self.constraint, self.bound, self.group_size = facts["constraint"], facts["bound"], facts["groupSize"]
        self.layers = [Layer(np.load(folder / layer["weight"]), np.load(folder / layer["bias"])) for layer in facts["layers"]]
        self.inputs = self.layers[0].weight.shape[1]
        self.classes = self.layers[-1].weight.shape[0]

    def sort(self, units):
        return np.sort(units.reshape(-1, self.group_size), axis=1).reshape(-1)

    def through(self, layer, bounds):
        magnitude = layer.size @ np.maximum(np.abs(bounds.lower), np.abs(bounds.upper)) + np.abs(layer.bias)
        error = layer.size @ bounds.error + rounding(layer.weight.shape[1], magnitude)
        lower = layer.plus @ bounds.lower + layer.minus @ bounds.upper + layer.bias
        upper = layer.plus @ bounds.upper + layer.minus @ bounds.lower + layer.bias
        return Bounds(lower, upper, error)

    def sorted_bounds(self, bounds):
        """The i-th smallest of a group is monotone in each of them, so its bounds are the sorted bounds."""
        groups = bounds.error.reshape(-1, self.group_size)
        error = np.repeat(groups.max(axis=1), self.group_size)
        return Bounds(self.sort(bounds.lower), self.sort(bounds.upper), error)

    def before_last(self, lower, upper):
        """Bounds on what the last layer is given, for every representation in the box."""
        bounds = Bounds(lower.astype(np.float64), upper.astype(np.float64), np.zeros(len(lower)))
        for layer in self.layers[:-1]:
            bounds = self.sorted_bounds(self.through(layer, bounds))
        return bounds

    def logits(self, z):
        """Logits and how far they may be off."""
        bounds = self.through(self.layers[-1], self.before_last(z, z))
        return bounds.lower, bounds.error

    def slopes_at(self, z, c, j):
        """Gradient of h_c - h_j where no units are tied."""
        units, rows = z.astype(np.float64), np.eye(len(z))
        for layer in self.layers[:-1]:
            units, rows = layer.weight @ units + layer.bias, layer.weight @ rows
            order = np.argsort(units.reshape(-1, self.group_size), axis=1, kind="stable")
            order = (order + np.arange(len(order))[:, None] * self.group_size).reshape(-1)
            units, rows = units[order], rows[order]
        last = self.layers[-1].weight
        return (last[c] - last[j]) @ rows

    def differences(self, c):
        """The last layer as margins: W_c - W_j, b_c - b_j."""
        last = self.layers[-1]
        return Layer(last.weight[c] - last.weight, last.bias[c] - last.bias)


# --- rules for "the margin stays positive on the box" --------------------------------------------------------------------------

# What the rule may have stored as lower bounds of h_c - h_j, for every class j (+inf at c): from `least` to `most`, but for `error`.
Margins = namedtuple("Margins", "least most error")
Box = namedtuple("Box", "median lower upper")


def with_own_class(least, most, error, c):
    margins = Margins(least.copy(), most.copy(), error.copy())
    margins.least[c] = margins.most[c] = np.inf
    margins.error[c] = 0.0
    return margins


def interval_rule(head, box, c):
    """Interval propagation of the box, the last layer merged into differences."""
    bounds = head.through(head.differences(c), head.before_last(box.lower, box.upper))
    return with_own_class(bounds.lower, bounds.lower, bounds.error, c)


def at_median_less(head, box, c, loss, looseness=0.0):
    """The margins at the median less a loss, which the writer may overstate by so much, relatively."""
    point = interval_rule(head, Box(box.median, box.median, box.median), c)
    error = point.error + 64 * len(head.layers) * head.inputs * EPS * np.abs(loss)
    return with_own_class(point.least - loss * (1 + looseness), point.most - loss, error, c)


def distances(box):
    """From the median to the farther border of the box, in each coordinate."""
    median = box.median.astype(np.float64)
    return np.maximum(np.abs(box.upper - median), np.abs(median - box.lower))


def largest_row_l1(layer):
    return float(layer.size.sum(axis=1).max())


@functools.lru_cache(maxsize=None)
def spectral_norm(layer):
    return float(np.linalg.norm(layer.weight, 2))


# An upper bound on a largest singular value exceeds it by less than this, relatively.
NORM_LOOSENESS = 2.0**-26


def paper_rule(head, box, c):
    """The published test: the margin at the median exceeds 2 * reach * product of the layers' bounds k."""
    require(head.constraint != "none", "the paper's rule was applied to a head without constraint, which has no bound k")
    product, looseness = 1.0, 0.0
    for layer in head.layers:
        # Float32 rounding may leave a layer a little above k; then what it really is counts.
        if head.constraint == "wn-l1":
            product *= max(head.bound, largest_row_l1(layer))
        elif head.constraint in ("spectral", "bjorck"):
            product *= max(head.bound, spectral_norm(layer))
            looseness += NORM_LOOSENESS
        else:
            product *= head.bound
    reach = float(np.max(distances(box)))
    return at_median_less(head, box, c, np.full(head.classes, 2 * reach * product), looseness)


def lipschitz_rule(head, box, c):
    """The margin at the median exceeds reach * ||W_c - W_j||_1 * product of the earlier layers' largest row sums."""
    product = math.prod(largest_row_l1(layer) for layer in head.layers[:-1])
    return at_median_less(head, box, c, np.max(distances(box)) * product * head.differences(c).size.sum(axis=1))


def lipschitz_l2_rule(head, box, c):
    """The margin at the median exceeds ||distances||_2 * ||W_c - W_j||_2 * product of the earlier layers' largest singular values:
    sorting never takes two vectors further apart."""
    product = math.prod(spectral_norm(layer) for layer in head.layers[:-1])
    loss = np.linalg.norm(distances(box)) * product * np.linalg.norm(head.differences(c).weight, axis=1)
    return at_median_less(head, box, c, loss, NORM_LOOSENESS * len(head.layers))


def linear_rule(head, box, c):
    """Linear bounds depend on how lines are chosen, so the stored ones are only held between the bounds that intervals prove and
    the margins at points of the box; that they are positive is then proved anew, by `prove_by_lines`."""
    interval = interval_rule(head, box, c)
    most = np.full(head.classes, np.inf)
    for j in range(head.classes):
        corner = np.where(head.slopes_at(box.median, c, j) > 0, box.lower, box.upper)
        for point in (box.median, corner):
            most[j] = min(most[j], interval_rule(head, Box(point, point, point), c).most[j])
    return with_own_class(interval.least, np.maximum(most, interval.least), interval.error, c)


# --- a proof by linear bounds --------------------------------------------------------------------------------------------------
#
# Sorting is a network of comparators, min(a, b) = a - relu(a - b) and max(a, b) = b + relu(a - b). Over a box on which t = a - b lies
# in [l, u] with l < 0 < u, alpha * t <= relu(t) <= u * (t - l) / (u - l) for any alpha in [0, 1] (Zhang et al. 2018). A margin is put
# back through the network as a linear function, until its least value over a box of units is positive. Where no choice of alpha gives
# that, the box is told apart into the points with t >= 0 and those with t <= 0 of one comparator, where relu is linear.


def comparators(size):
    """Batcher's odd-even merge sort, for any size: those of the next power of two whose upper unit is there."""
    pairs, width = [], 1
    while width < size:
        width *= 2

    def merge(low, count, stride):
        step = 2 * stride
        if step < count:
            merge(low, count, step)
            merge(low + stride, count, step)
            pairs.extend((i, i + stride) for i in range(low + stride, low + count - stride, step))
        else:
            pairs.append((low, low + stride))

    def sort(low, count):
        if count > 1:
            sort(low, count // 2)
            sort(low + count // 2, count // 2)
            merge(low, count, 1)

    sort(0, width)
    return [(low, high) for low, high in pairs if high < size]


def stages(size, groups):
    """Comparators of all groups that can work at the same time: (units that take the smaller, units that take the larger)."""
    depth, levels = [0] * size, []
    for low, high in comparators(size):
        at = max(depth[low], depth[high])
        depth[low] = depth[high] = at + 1
        if at == len(levels):
            levels.append([])
        levels[at].append((low, high))
    first = np.arange(groups)[:, None] * size
    return [tuple((first + np.array(side)).reshape(-1) for side in zip(*pairs)) for pairs in levels]


Dense = namedtuple("Dense", "layer")
Compare = namedtuple("Compare", "low high")


def network(head, c, j):
    """The margin h_c - h_j as steps from the representation to one number."""
    steps = []
    for layer in head.layers[:-1]:
        sorting = stages(head.group_size, layer.weight.shape[0] // head.group_size)
        steps += [Dense(layer), *(Compare(low, high) for low, high in sorting)]
    difference = head.differences(c)
    return steps + [Dense(Layer(difference.weight[j : j + 1], difference.bias[j : j + 1]))]


class Lines:
    """Around the comparators of one step: `sign` of t where it is known, else 0; bounds of t; alpha; and of those whose sign was
    taken as given, beta >= 0: where given * t >= 0, a margin is no less than itself minus beta * given * t (Wang et al. 2021)."""

    def __init__(self, lower, upper, given):
        self.lower, self.upper, self.given = lower, upper, given
        self.sign = np.where(given != 0, given, np.where(lower >= 0, 1, np.where(upper <= 0, -1, 0)))
        self.open = self.sign == 0
        self.alpha = np.where(upper > -lower, 1.0, 0.0)
        self.beta = np.zeros(len(lower))
        with np.errstate(divide="ignore", invalid="ignore"):
            self.chord = np.where(self.open, upper / (upper - lower), 0.0)

    def slope(self, of_relu):
        return np.where(self.open, np.where(of_relu >= 0, self.alpha, self.chord), self.sign > 0)

    def offset(self, of_relu):
        return np.where(self.open & (of_relu < 0), -self.chord * self.lower, 0.0)


# Where a lower bound was reached: at a level, in a corner of its box, with these coefficients of each relu above it.
Found = namedtuple("Found", "level corner relus")


class Relaxation:
    """Bounds of the units before each step on a box, and lines around its comparators. `decided` has the sign of t where it is
    taken as given: {(step, comparator): 1 or -1}."""

    def __init__(self, steps, lower, upper, decided):
        self.steps, self.levels, self.lines = steps, [(lower, upper)], []
        for at, step in enumerate(steps):
            lower, upper = self.levels[at]
            if isinstance(step, Dense):
                self.lines.append(None)
                self.levels.append(dense_bounds(step.layer, lower, upper))
            else:
                given = np.zeros(len(step.low), dtype=int)
                for comparator, sign in ((c, sign) for (where, c), sign in decided.items() if where == at):
                    given[comparator] = sign
                self.lines.append(Lines(*self.differences(at), given))
                lower, upper = lower.copy(), upper.copy()
                for side in (lower, upper):
                    a, b = side[step.low], side[step.high]
                    side[step.low], side[step.high] = np.minimum(a, b), np.maximum(a, b)
                self.levels.append((lower, upper))

    def differences(self, at):
        """Bounds of t of each comparator."""
        step, count = self.steps[at], len(self.steps[at].low)
        rows = np.zeros((count, len(self.levels[at][0])))
        rows[np.arange(count), step.low], rows[np.arange(count), step.high] = 1.0, -1.0
        least = self.least(at, np.vstack([rows, -rows]))[0]
        return least[:count], -least[count:]

    def back(self, at, rows, constant, error):
        """Rows of coefficients on the units after a step as rows on those before it, from below."""
        step, largest = self.steps[at], np.maximum(*map(np.abs, self.levels[at]))
        if isinstance(step, Dense):
            size = np.abs(rows) @ (step.layer.size @ largest + np.abs(step.layer.bias))
            return rows @ step.layer.weight, constant + rows @ step.layer.bias, error + rounding(rows.shape[1] + len(largest), size)
        lines, low, high = self.lines[at], rows[:, step.low], rows[:, step.high]
        of_relu = high - low
        by_t = of_relu * lines.slope(of_relu) - lines.beta * lines.given
        result = rows.copy()
        result[:, step.low], result[:, step.high] = low + by_t, high - by_t
        size = (np.abs(low) + np.abs(high) + lines.beta) @ (largest[step.low] + largest[step.high] + np.abs(lines.lower))
        return result, constant + (of_relu * lines.offset(of_relu)).sum(axis=1), error + rounding(len(step.low), size)

    def least(self, level, rows):
        """Lower bounds of rows of units at a level: the best of those over the boxes of all levels below. For a single row also where
        the best one and the one over the first box were found."""
        constant, error = np.zeros(len(rows)), np.zeros(len(rows))
        best, best_found, found, relus = np.full(len(rows), -np.inf), None, None, {}
        for at in range(level, -1, -1):
            lower, upper = self.levels[at]
            size = np.abs(rows) @ np.maximum(np.abs(lower), np.abs(upper)) + np.abs(constant)
            bound = np.maximum(rows, 0) @ lower + np.minimum(rows, 0) @ upper + constant
            bound = bound - error - rounding(rows.shape[1], size)
            if len(rows) == 1:
                found = Found(at, np.where(rows[0] > 0, lower, upper), relus)
                best_found = found if bound[0] > best[0] or best_found is None else best_found
            best = np.maximum(best, bound)
            if at > 0:
                step = self.steps[at - 1]
                if len(rows) == 1 and isinstance(step, Compare):
                    relus = {**relus, at - 1: rows[0, step.high] - rows[0, step.low]}
                rows, constant, error = self.back(at - 1, rows, constant, error)
        return best, best_found, found

    def margin(self):
        return self.least(len(self.steps), np.ones((1, 1)))

    def improve(self, found, step_length):
        """Moves alpha and beta one step up the slope of the bound: it grows with alpha as the coefficient of relu times t at the
        least point, with beta as -given * t. False where there is nothing to move."""
        units, slopes, scale = found.corner, {}, 0.0
        for at in range(found.level, len(self.steps)):
            step = self.steps[at]
            if isinstance(step, Dense):
                units = step.layer.weight @ units + step.layer.bias
                continue
            lines, of_relu = self.lines[at], found.relus[at]
            t = units[step.low] - units[step.high]
            relu = lines.slope(of_relu) * t + lines.offset(of_relu)
            slopes[at] = np.where(lines.open & (of_relu > 0), of_relu * t, 0.0), -lines.given * t
            scale = max(scale, float(np.max(np.abs(of_relu), initial=0.0)))
            a, b = units[step.low] - relu, units[step.high] + relu
            units = units.copy()
            units[step.low], units[step.high] = a, b
        steepest = [max((float(np.max(np.abs(pair[i]))) for pair in slopes.values()), default=0.0) for i in (0, 1)]
        for at, (alpha, beta) in slopes.items():
            lines = self.lines[at]
            if steepest[0] > 0:
                lines.alpha = np.clip(lines.alpha + step_length * alpha / steepest[0], 0.0, 1.0)
            if steepest[1] > 0:
                lines.beta = np.maximum(lines.beta + step_length * scale * beta / steepest[1], 0.0)
        return max(steepest) > 0

    def settle(self, penalty):
        """The best alpha and beta, by a linear programme: the least margin over representations and values of relu between the lines,
        where a point that breaks what is given by s pays penalty * s. How exact that is does not matter, since any alpha and beta give
        a bound."""
        lower, upper = self.levels[0]
        free = [int(lines.open.sum()) if lines else 0 for lines in self.lines]
        first = len(lower) + np.concatenate([[0], np.cumsum(free)])
        columns = int(first[-1])
        rows, constant = np.eye(len(lower), columns), np.zeros(len(lower))
        # Of each constraint row @ (representation, relus) - paid <= limit.
        table, limits, beneath, given = [], [], [], []
        for at, (step, lines) in enumerate(zip(self.steps, self.lines)):
            if lines is None:
                rows, constant = step.layer.weight @ rows, step.layer.weight @ constant + step.layer.bias
                continue
            t, t_constant = rows[step.low] - rows[step.high], constant[step.low] - constant[step.high]
            relu, relu_constant = (lines.sign > 0)[:, None] * t, (lines.sign > 0) * t_constant
            for column, q in enumerate(np.flatnonzero(lines.open), first[at]):
                relu[q, column] = 1.0
                beneath.append((at, q, column, len(table)))
                table += [t[q] - relu[q], relu[q] - lines.chord[q] * t[q]]
                limits += [-t_constant[q], lines.chord[q] * (t_constant[q] - lines.lower[q])]
            for q in np.flatnonzero(lines.given):
                given.append((at, q, len(table)))
                table.append(-lines.given[q] * t[q])
                limits.append(lines.given[q] * t_constant[q])
            rows, constant = rows.copy(), constant.copy()
            rows[step.low], rows[step.high] = rows[step.low] - relu, rows[step.high] + relu
            constant[step.low], constant[step.high] = constant[step.low] - relu_constant, constant[step.high] + relu_constant
        if not table:
            return
        pays = np.zeros((len(table), 1))
        pays[[place for _, _, place in given]] = -1.0
        price = penalty * (1 + np.abs(rows).max())
        bounds = [*zip(lower, upper), *[(0, None)] * (columns - len(lower) + 1)]
        solution = linprog([*rows[0], price], A_ub=np.hstack([table, pays]), b_ub=limits, bounds=bounds, method="highs")
        if solution.status != 0:
            return
        for at, q, place in given:
            self.lines[at].beta[q] = max(0.0, -float(solution.ineqlin.marginals[place]))
        for at, q, column, place in beneath:
            on_line, on_zero = -float(solution.ineqlin.marginals[place]), float(solution.lower.marginals[column])
            if on_line + on_zero > 0:
                self.lines[at].alpha[q] = min(1.0, max(0.0, on_line / (on_line + on_zero)))

    def loosest(self, found):
        """The open comparator whose lines are furthest apart for the margin, or else any: (step, comparator). None where all are decided."""
        widest, place = -1.0, None
        for at, of_relu in found.relus.items():
            lines = self.lines[at]
            gap = np.where(lines.open, np.abs(of_relu) * -lines.lower * lines.chord, -1.0)
            if gap.max() > widest:
                widest, place = float(gap.max()), (at, int(gap.argmax()))
        return place


def dense_bounds(layer, lower, upper):
    """Outward by what rounding can lose."""
    magnitude = layer.size @ np.maximum(np.abs(lower), np.abs(upper)) + np.abs(layer.bias)
    error = rounding(layer.weight.shape[1], magnitude)
    return layer.plus @ lower + layer.minus @ upper + layer.bias - error, layer.plus @ upper + layer.minus @ lower + layer.bias + error


ASCENT_STEPS = 24
PENALTIES = 1.0, 100.0, 1e4
LARGEST_PARTS = 400


def prove_by_lines(head, box, c, j):
    """None where h_c - h_j is proved positive on the box, else why it is not."""
    steps = network(head, c, j)
    lower, upper = box.lower.astype(np.float64), box.upper.astype(np.float64)
    open_parts, parts = [{}], 0
    while open_parts:
        decided = open_parts.pop()
        parts += 1
        relaxation = Relaxation(steps, lower, upper, decided)
        best, found, at_first_box = relaxation.margin()
        for ascent in range(ASCENT_STEPS):
            if best[0] > 0 or not relaxation.improve(found if ascent % 2 == 0 else at_first_box, 0.5 * 0.9**ascent):
                break
            bound, found, at_first_box = relaxation.margin()
            best = np.maximum(best, bound)
        for penalty in PENALTIES:
            if best[0] <= 0:
                relaxation.settle(penalty)
                bound, _, at_first_box = relaxation.margin()
                best = np.maximum(best, bound)
        if best[0] > 0:
            continue
        corner = at_first_box.corner
        there = interval_rule(head, Box(corner, corner, corner), c)
        if there.most[j] <= -there.error[j]:
            return f"the margin to class {j} is {float(there.most[j])!r} at a point of the box"
        place = relaxation.loosest(at_first_box)
        if place is None or parts + len(open_parts) >= LARGEST_PARTS:
            return f"the margin to class {j} is not proved positive on the box: {float(best[0])!r} at least, in one of {parts} parts of it"
        open_parts += [{**decided, place: 1}, {**decided, place: -1}]
    return None


# `margins` are what may be stored; `proves`: under which constraints of the head a certificate by the rule is a proof; `prove`: what is
# to be proved beyond that, where the stored margin is positive and the least one is not.
Rule = namedtuple("Rule", "margins proves prove", defaults=(None,))


def always(_constraint):
    return True


RULES = {
    "paper": Rule(paper_rule, lambda constraint: constraint == "wn-l1"),
    "lipschitz": Rule(lipschitz_rule, always),
    "lipschitz-l2": Rule(lipschitz_l2_rule, always),
    "interval": Rule(interval_rule, always),
    "linear": Rule(linear_rule, always, prove_by_lines),
}


# --- methods -------------------------------------------------------------------------------------------------------------------


def level_of_votes(evidence, classes):
    alpha = alpha_of_test(evidence)
    return alpha if evidence["selection"] == "separate" else alpha / classes


def require_counts(counts, draws, classes):
    require(len(counts) == classes, f"{len(counts)} counts for {classes} classes")
    require(bool(np.all((counts >= 0) & (counts <= draws))), f"counts {counts.tolist()} cannot come from {draws} draws")


def majority(predicted, successes, evidence, classes, reason):
    probability = clopper_pearson(int(successes), evidence["draws"], level_of_votes(evidence, classes))
    near = abs(probability - 0.5) <= NEAR_HALF
    both = frozenset(verdict_of(wins, predicted, reason) for wins in (True, False))
    verdict = verdict_of(probability > 0.5, predicted, reason)
    return Expected(*verdict, probability, near, both if near else frozenset())


def check_label(evidence, arrays, head):
    """Cohen, Rosenfeld & Kolter (2019): the votes of one class, bounded by Clopper and Pearson."""
    counts = arrays["counts"]
    chosen_on = arrays["selectionCounts"] if evidence["selection"] == "separate" else counts
    require_counts(counts, evidence["draws"], head.classes)
    require_counts(chosen_on, evidence["selectionDraws"] or evidence["draws"], head.classes)
    require(counts.sum() <= evidence["draws"], f"{counts.sum()} votes of {evidence['draws']} draws")
    require(chosen_on.sum() <= (evidence["selectionDraws"] or evidence["draws"]), "more selecting votes than draws")
    predicted = argmax(chosen_on)
    if chosen_on.sum() == 0 or counts.sum() == 0:
        return Expected("abstained", predicted, "not-finite"), None
    return majority(predicted, counts[predicted], evidence, head.classes, "no-majority"), None


def check_pairwise(evidence, arrays, head):
    """Every duel of the class against a rival, each at the whole level, since all must be won."""
    wins, worst = arrays["wins"], arrays["selectionWorstWins"]
    require_counts(wins, evidence["draws"], head.classes)
    require_counts(worst, evidence["selectionDraws"] or evidence["draws"], head.classes)
    predicted = argmax(worst)
    require(wins[predicted] == evidence["draws"], f"the class under test, {predicted}, has {wins[predicted]} wins against itself")
    fewest = np.delete(wins, predicted).min()
    return majority(predicted, fewest, evidence, head.classes, "a-rival-may-win"), None


def box_level(evidence, bounds):
    """Each of the box's bounds at an equal share; a class chosen on the same draws is a second way to fail."""
    alpha = alpha_of_test(evidence)
    return (alpha if evidence["selection"] == "separate" else alpha / 2) / bounds


def box_probability(evidence, level):
    k, draws = evidence["k"], evidence["draws"]
    require(isinstance(k, int) and 1 <= k <= draws / 2, f"index {k} of {draws} draws is no bound on a median")
    probability = order_statistic_probability(k, draws, level)
    require(probability >= 0.5 - NEAR_HALF, f"index {k} of {draws} draws does not serve at level {level}")
    return probability


def check_logit(evidence, arrays, head):
    """The boxes of the logits' medians do not overlap."""
    lower, upper, median = arrays["lower"], arrays["upper"], arrays["median"]
    separate = evidence["selection"] == "separate"
    chosen_on = arrays["selectionMedian"] if separate else lower
    for values in (lower, upper, median, chosen_on):
        require(len(values) == head.classes, f"{len(values)} bounds for {head.classes} classes")
    require(not np.any((lower > upper) | (median < lower) | (median > upper)), "a median lies outside its bounds")
    predicted, by_median = argmax(chosen_on), argmax(median)
    if not finite(lower, upper, chosen_on):
        return Expected("abstained", predicted, "not-finite"), by_median
    pairs = separate and evidence["logitTest"] == "pairs"
    # Two bounds decide one pair, and all pairs must be won; else all 2K bounds must hold together.
    probability = box_probability(evidence, box_level(evidence, 2 if pairs else 2 * head.classes))
    apart = bool(np.all(np.delete(upper, predicted) < lower[predicted]))
    return Expected(*verdict_of(apart, predicted, "boxes-overlap"), probability), by_median


def top(logits, error):
    """The predicted class, and all that rounding could make it."""
    c = argmax(logits)
    return c, set(np.flatnonzero(logits + error >= logits[c] - error[c]).tolist()) | {c}


def check_representation(evidence, arrays, head):
    """The margin stays positive on the whole box of the representation's median, by the rule."""
    require(evidence["rule"] in RULES, f"this script does not know the rule {evidence['rule']}")
    rule = RULES[evidence["rule"]]
    box = Box(arrays["median"], arrays["lower"], arrays["upper"])
    chosen_on = arrays["selectionMedian"] if evidence["selection"] == "separate" else box.median
    for values in (*box, chosen_on):
        require(len(values) == head.inputs, f"{len(values)} coordinates for {head.inputs} inputs of the head")
    require(not np.any((box.median < box.lower) | (box.median > box.upper)), "the median lies outside the box")
    logits, median_logits = head.logits(chosen_on), head.logits(box.median)
    predicted, candidates = top(*logits)
    by_median, median_candidates = top(*median_logits)
    if not finite(*box, chosen_on, *logits, *median_logits):
        return Expected("abstained", predicted, "not-finite"), by_median
    probability = box_probability(evidence, box_level(evidence, 2 * head.inputs))
    margins, stored = rule.margins(head, box, predicted), arrays["marginLower"]
    if len(candidates | median_candidates) > 1 and candidates & median_candidates:
        # Which class is tested turns on rounding, so margins to another one may be stored: each of them is right.
        others = {verdict_of(wins, c, "margin-not-positive") for wins in (True, False) for c in candidates}
        others |= {("abstained", c, "median-disagrees") for c in candidates}
        return Expected("abstained", predicted, "margin-not-positive", probability, True, frozenset(others)), by_median
    require_margins(stored, margins, predicted)
    if by_median != predicted:
        return Expected("abstained", predicted, "median-disagrees", probability), by_median
    # Stored and computed margins were just seen to agree; where their sign turns on rounding it is the stored one's.
    near = bool(np.any(np.abs(margins.most) <= margins.error))
    positive = bool(np.all(stored > 0))
    if positive and rule.prove is not None:
        for j in np.flatnonzero(margins.least <= margins.error):
            wrong = rule.prove(head, box, predicted, int(j))
            require(wrong is None, wrong)
    return Expected(*verdict_of(positive, predicted, "margin-not-positive"), probability, near), by_median


def require_margins(stored, margins, predicted):
    require(len(stored) == len(margins.most), f"{len(stored)} margins for {len(margins.most)} classes")
    require(stored[predicted] == np.inf, f"the class under test, {predicted}, has the margin {stored[predicted]} to itself")
    others = np.flatnonzero(np.arange(len(stored)) != predicted)
    for j in others:
        if not margins.least[j] - margins.error[j] <= stored[j] <= margins.most[j] + margins.error[j]:
            gives = f"{float(margins.most[j])!r}" + ("" if margins.least[j] == margins.most[j] else " at most")
            raise Malformed(f"the stored margin to class {j} is {float(stored[j])!r}, the box gives {gives}")


METHODS = {
    "label": check_label,
    "pairwise": check_pairwise,
    "logit": check_logit,
    "representation": check_representation,
}


# --- a certificate -------------------------------------------------------------------------------------------------------------


def fact_problems(certificate, config):
    """A verdict at another sigma, alpha or n than the run's would be a true one about another question."""
    settings, method = config["certification"], certificate["method"]
    separate = settings["selection"] == "separate"
    facts = {
        "method": method,
        "seed": config["seed"],
        "precision": config["precision"],
        "noise": settings.get("noise", "float32"),
        "selectionDraws": settings["selectionDraws"] if separate else 0,
        **{name: settings[name] for name in ("sigma", "alpha", "draws", "selection")},
    }
    if method == "representation":
        facts["rule"] = certificate["rule"]
    if method == "logit":
        facts["logitTest"] = settings["logitTest"] if separate else "bonferroni"
    evidence = certificate["evidence"]
    return [
        f"{name} of the evidence is {evidence.get(name)!r}, the run's is {value!r}"
        for name, value in facts.items()
        if evidence.get(name) != value
    ]


def verdict_text(outcome, predicted, reason):
    return f"{outcome} {predicted}" if reason is None else f"{outcome} on {predicted}, {reason}"


def verdict_problems(certificate, expected):
    verdict = certificate["verdict"]
    stored = (verdict["outcome"], verdict["predicted"], verdict.get("reason"))
    follows = (expected.outcome, expected.predicted, expected.reason)
    if stored != follows and stored not in expected.others:
        return [f'stored is "{verdict_text(*stored)}", what follows is "{verdict_text(*follows)}"']
    if verdict["outcome"] != "certified":
        return []
    wrong = radius_problem(verdict["radiusNormalised"], certificate["evidence"], expected.probability)
    return [] if wrong is None else [wrong]


def pixel_problems(certificate, deviation):
    """With several channels the largest ball inside the ellipsoid."""
    verdict, pixels = certificate["verdict"], certificate["radiusPixels"]
    if verdict["outcome"] != "certified":
        return [] if pixels is None else ["it has a radius in pixel units but abstained"]
    true = verdict["radiusNormalised"] * min(deviation)
    if pixels is None or not (true * (1 - RADIUS_BELOW) <= pixels <= true * (1 + RADIUS_ABOVE)):
        return [f"the stored radius in pixel units is {pixels!r}, {true!r} follows"]
    return []


def soundness_problems(certificate, head):
    rule = RULES.get(certificate["rule"])
    proves = certificate["rule"] is None or (rule is not None and rule.proves(head.constraint))
    follows = "proved" if proves else "published-rule"
    stored = certificate["soundness"]
    return [] if stored == follows else [f'it is stored as "{stored}", what follows is "{follows}"']


def recheck(certificate, arrays, head, manifest):
    """(problems, whether a comparison turns on less than rounding)"""
    problems = fact_problems(certificate, manifest["config"]) + soundness_problems(certificate, head)
    problems += pixel_problems(certificate, manifest["normalisation"]["deviation"])
    try:
        expected, by_median = METHODS[certificate["method"]](certificate["evidence"], arrays, head)
        expected = after_lattice(expected, certificate["evidence"])
    except Malformed as malformed:
        return problems + [str(malformed)], False
    problems += verdict_problems(certificate, expected) + falsification_problems(certificate, arrays, head)
    if certificate["medianPrediction"] != by_median and not expected.others:
        problems.append(f"the stored prediction of the median is {certificate['medianPrediction']}, {by_median} follows")
    return problems, expected.near


def falsification_problems(certificate, arrays, head):
    """A point that is said to falsify a published certificate lies in its box and has another prediction there."""
    found, c, problems = certificate.get("falsification") or {}, certificate["verdict"]["predicted"], []
    for where, claim in found.items():
        if claim is None:
            continue
        point, rival = np.array(claim["point"], dtype=np.float64), claim["rival"]
        require(len(point) == head.inputs, f"a falsifying point has {len(point)} coordinates")
        if np.any((point < arrays["lower"]) | (point > arrays["upper"])):
            problems.append(f"the falsifying point {where} lies outside the box")
        at = interval_rule(head, Box(point, point, point), c)
        if rival == c or at.most[rival] > at.error[rival]:
            problems.append(f"at the falsifying point {where} class {rival} does not win")
        elif not abs(claim["marginUpper"] - at.most[rival]) <= at.error[rival]:
            problems.append(f"at the falsifying point {where} the margin is {float(at.most[rival])!r}, stored is {claim['marginUpper']!r}")
    return problems


# --- the folder ----------------------------------------------------------------------------------------------------------------

DTYPES = {"int32": "<i4", "float32": "<f4", "float64": "<f8"}


def read_arrays(data, references):
    arrays = {}
    for name, (dtype, offset, count) in references.items():
        end = offset + count * np.dtype(DTYPES[dtype]).itemsize
        require(0 <= offset <= end <= len(data), f"the array {name} lies outside arrays.bin")
        arrays[name] = np.frombuffer(data, DTYPES[dtype], count, offset)
    return arrays


def certificates_of(folder):
    with open(folder / "certificates.jsonl", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def expected_kinds(config, head):
    """Method and rule of every certificate that an instance must have under the head."""
    settings = config["certification"]
    rules = [rule for rule in settings["rules"] if rule != "paper" or head.constraint != "none"]
    kinds = [(method, None) for method in settings["methods"] if method != "representation"]
    return kinds + ([("representation", rule) for rule in rules] if "representation" in settings["methods"] else [])


def missing_problems(manifest, heads, seen):
    """Each head has every certificate that the configuration asks for, once, on as many instances as it asks for."""
    for (domain, label), head in heads.items():
        instances = {}
        for (where, of, index, *kind), times in seen.items():
            if (where, of) == (domain, label):
                instances.setdefault(index, []).extend([tuple(kind)] * times)
        want = sorted(expected_kinds(manifest["config"], head), key=str)
        if len(instances) != manifest["config"]["instances"]:
            yield f"{domain}, {label}: {len(instances)} instances, the run has {manifest['config']['instances']}"
        for index, kinds in sorted(instances.items()):
            if sorted(kinds, key=str) != want:
                yield f"{domain}, {label}, image {index}: certificates are missing or twice there"


def verify(folder, say=print):
    """Number of problems."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if (manifest["format"], manifest["version"]) != (FORMAT, VERSION):
        raise ValueError(f"expected {FORMAT} version {VERSION}, got {manifest['format']} version {manifest['version']}")
    heads = {(head["domain"], head["label"]): Head(head, folder) for head in manifest["heads"]}
    file = folder / "arrays.bin"
    data = np.memmap(file, np.uint8, "r") if file.stat().st_size > 0 else b""
    counts, seen, wrong = Counter(), Counter(), 0
    for certificate in certificates_of(folder):
        domain, label, index = certificate["domain"], certificate["head"], certificate["index"]
        method, rule, soundness = certificate["method"], certificate["rule"], certificate["soundness"]
        seen[(domain, label, index, method, rule)] += 1
        kind = (method, rule or "", soundness)
        try:
            arrays = read_arrays(data, certificate["arrays"])
            problems, near = recheck(certificate, arrays, heads[(domain, label)], manifest)
            counts[kind, certificate["verdict"]["outcome"]] += 1
        except (Malformed, KeyError, IndexError, TypeError, ValueError) as unreadable:
            problems, near = [f"it cannot be read: {type(unreadable).__name__} {unreadable}"], False
        counts[kind, "checked"] += 1
        counts[kind, "near"] += near
        counts[kind, "wrong"] += bool(problems)
        for problem in problems:
            wrong += 1
            say(f"DISAGREES {domain}, {label}, image {index}, {' '.join(filter(None, (method, rule)))}: {problem}")
    for problem in missing_problems(manifest, heads, seen):
        wrong += 1
        say(f"DISAGREES {problem}")
    summary(counts, say)
    return wrong


def summary(counts, say):
    columns = ("checked", "certified", "abstained", "near", "wrong")
    titles = ("checked", "certified", "abstained", "near zero", "disagree")
    say(f"{'method':15}{'rule':14}{'soundness':16}" + "".join(f"{title:>11}" for title in titles))
    for kind in sorted({kind for kind, _ in counts}):
        cells = "".join(f"{counts[kind, column]:>11}" for column in columns)
        say(f"{kind[0]:15}{kind[1]:14}{kind[2]:16}{cells}")
    say('"near zero": a comparison turns on less than rounding, so the sign of the stored margin decides.')
    say('"published-rule": the paper\'s rule under a constraint where it is no proof; that it passes is all that was checked.')


def main(arguments):
    folder = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent
    try:
        wrong = verify(folder)
    except (OSError, ValueError, KeyError) as unreadable:
        print(f"{folder} cannot be read: {type(unreadable).__name__} {unreadable}; export it again")
        return 2
    print("Every verdict follows from its evidence." if wrong == 0 else f"{wrong} problems.")
    return 0 if wrong == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
