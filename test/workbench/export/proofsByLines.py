"""Puts `prove_by_lines` of verify.py to the test on random heads of two inputs, whose least margin on a box a fine grid finds.

    python3 proofsByLines.py FOLDER_OF_VERIFY

A margin's bias is moved so that its least value on the grid is a little above 0, which must be proved, or a little below, which
must not be.
"""

import itertools
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import verify

GRID = 301
# Between neighbours of the grid a margin falls by less than this share of its range, for these heads and boxes.
LITTLE = 0.02


class RandomHead(verify.Head):
    def __init__(self, random, widths, group_size):
        self.constraint, self.bound, self.group_size = "none", 1, group_size
        self.layers = [
            verify.Layer(random.normal(size=(outputs, inputs)).astype(np.float32), random.normal(size=outputs).astype(np.float32))
            for inputs, outputs in itertools.pairwise(widths)
        ]
        self.inputs, self.classes = widths[0], widths[-1]


def margins_on(head, points, c, j):
    units = points.T
    for layer in head.layers[:-1]:
        units = layer.weight @ units + layer.bias[:, None]
        units = np.sort(units.reshape(-1, head.group_size, units.shape[1]), axis=1).reshape(units.shape)
    last = head.layers[-1]
    return (last.weight[c] - last.weight[j]) @ units + last.bias[c] - last.bias[j]


counts = {True: 0, False: 0}
for seed, group_size, layers, positive in itertools.product(range(8), (2, 3, 4), (2, 3), (True, False)):
    random = np.random.default_rng([seed, group_size, layers])
    head = RandomHead(random, [2] + [12] * (layers - 1) + [3], group_size)
    centre, half = random.normal(size=2), random.uniform(0.1, 0.5, size=2)
    lower, upper = (centre - half).astype(np.float32), (centre + half).astype(np.float32)
    axes = [np.linspace(low, high, GRID) for low, high in zip(lower, upper)]
    margins = margins_on(head, np.stack(np.meshgrid(*axes), -1).reshape(-1, 2), 0, 1)
    shift = (LITTLE if positive else -LITTLE) * np.ptp(margins) - margins.min()
    last = head.layers[-1]
    head.layers[-1] = verify.Layer(last.weight, last.bias + np.array([shift, 0, 0]))
    wrong = verify.prove_by_lines(head, verify.Box((lower + upper) / 2, lower, upper), 0, 1)
    assert (wrong is None) == positive, (seed, group_size, layers, positive, wrong)
    counts[positive] += 1
print(f"{counts[True]} proved, {counts[False]} not proved")
