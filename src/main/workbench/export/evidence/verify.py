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


def radius_problem(stored, sigma, probability):
    """What is wrong with a radius, or None."""
    quantile = float(norm.ppf(probability))
    true = sigma * quantile
    own_error = sigma * 16 * EPS / float(norm.pdf(quantile))
    if not math.isfinite(stored) or stored < 0:
        return f"the radius is {stored}, which is none"
    if stored > max(0.0, true) * (1 + RADIUS_ABOVE) + own_error:
        return f"the stored radius is {stored!r}, the evidence proves {true!r} only"
    if stored < true * (1 - RADIUS_BELOW) - own_error - RADIUS_ABOVE * sigma:
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

    def differences(self, c):
        """The last layer as margins: W_c - W_j, b_c - b_j."""
        last = self.layers[-1]
        return Layer(last.weight[c] - last.weight, last.bias[c] - last.bias)


# --- rules for "the margin stays positive on the box" -------------------------------------------------------------------------

# Lower bounds of h_c - h_j for every class j (+inf at c), and how far they may be off. The stored ones must be equal within that,
# but for a rule that is only `bounded`: there the stored ones may be smaller, never larger.
Margins = namedtuple("Margins", "lower error")
Box = namedtuple("Box", "median lower upper")


def with_own_class(margins, error, c):
    margins, error = margins.copy(), error.copy()
    margins[c], error[c] = np.inf, 0.0
    return Margins(margins, error)


def interval_rule(head, box, c):
    """Interval propagation of the box, the last layer merged into differences."""
    bounds = head.through(head.differences(c), head.before_last(box.lower, box.upper))
    return with_own_class(bounds.lower, bounds.error, c)


def at_median_less(head, box, c, loss):
    point = interval_rule(head, Box(box.median, box.median, box.median), c)
    margins = np.where(np.isinf(point.lower), point.lower, point.lower - loss)
    return Margins(margins, point.error + 64 * len(head.layers) * head.inputs * EPS * np.abs(loss))


def reach(box):
    """The largest distance in one coordinate from the median to the box's border."""
    median = box.median.astype(np.float64)
    return float(np.max(np.maximum(np.abs(box.upper - median), np.abs(median - box.lower))))


def largest_row_l1(layer):
    return float(layer.size.sum(axis=1).max())


def paper_rule(head, box, c):
    """The published test: the margin at the median exceeds 2 * reach * product of the layers' bounds k."""
    require(head.constraint != "none", 'the paper\'s rule was applied to a head without constraint, which has no bound k')
    product = 1.0
    for layer in head.layers:
        # Float32 rounding may leave a row a little above k; under wn-l1, where the rule is a proof, the row itself counts.
        product *= max(head.bound, largest_row_l1(layer)) if head.constraint == "wn-l1" else head.bound
    return at_median_less(head, box, c, np.full(head.classes, 2 * reach(box) * product))


def lipschitz_rule(head, box, c):
    """The margin at the median exceeds reach * ||W_c - W_j||_1 * product of the earlier layers' largest row sums."""
    product = math.prod(largest_row_l1(layer) for layer in head.layers[:-1])
    return at_median_less(head, box, c, reach(box) * product * head.differences(c).size.sum(axis=1))


# `proves`: under which constraints of the head a certificate by the rule is a proof.
Rule = namedtuple("Rule", "margins proves bounded", defaults=(False,))


def always(_constraint):
    return True


RULES = {
    "paper": Rule(paper_rule, lambda constraint: constraint == "wn-l1"),
    "lipschitz": Rule(lipschitz_rule, always),
    "interval": Rule(interval_rule, always),
}


# --- methods -------------------------------------------------------------------------------------------------------------------


def level_of_votes(evidence, classes):
    return evidence["alpha"] if evidence["selection"] == "separate" else evidence["alpha"] / classes


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
    return (evidence["alpha"] if evidence["selection"] == "separate" else evidence["alpha"] / 2) / bounds


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
    require_margins(stored, margins, predicted, rule)
    if by_median != predicted:
        return Expected("abstained", predicted, "median-disagrees", probability), by_median
    # Where the sign turns on rounding it is the stored one, which is ours within rounding as was just seen.
    near = bool(np.any(np.abs(margins.lower) <= margins.error))
    positive = bool(np.all((stored if rule.bounded or near else margins.lower) > 0))
    return Expected(*verdict_of(positive, predicted, "margin-not-positive"), probability, near), by_median


def require_margins(stored, margins, predicted, rule):
    require(len(stored) == len(margins.lower), f"{len(stored)} margins for {len(margins.lower)} classes")
    require(stored[predicted] == np.inf, f"the class under test, {predicted}, has the margin {stored[predicted]} to itself")
    others = np.arange(len(stored)) != predicted
    with np.errstate(invalid="ignore"):
        excess = (stored - margins.lower)[others]
    allowed = margins.error[others]
    wrong = (excess > allowed) if rule.bounded else ~(np.abs(excess) <= allowed)
    if np.any(wrong):
        j = int(np.flatnonzero(others)[np.argmax(wrong)])
        raise Malformed(f"the stored margin to class {j} is {float(stored[j])!r}, the box gives {float(margins.lower[j])!r}")


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
    wrong = radius_problem(verdict["radiusNormalised"], certificate["evidence"]["sigma"], expected.probability)
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
    except Malformed as malformed:
        return problems + [str(malformed)], False
    problems += verdict_problems(certificate, expected)
    if certificate["medianPrediction"] != by_median and not expected.others:
        problems.append(f"the stored prediction of the median is {certificate['medianPrediction']}, {by_median} follows")
    return problems, expected.near


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
        except (Malformed, KeyError, TypeError, ValueError) as unreadable:
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
