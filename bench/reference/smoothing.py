"""Label smoothing as others publish it: a loop in the manner of Cohen, Rosenfeld & Kolter's, and the one of ART."""

from math import ceil

import numpy as np
import torch
from scipy.stats import beta, norm


class Smooth:
    """Select a class on n0 draws, count its votes among n others, bound its probability, and give a radius."""

    ABSTAIN = -1

    def __init__(self, base_classifier: torch.nn.Module, classes: int, sigma: float):
        self.base_classifier = base_classifier
        self.classes = classes
        self.sigma = sigma

    def certify(self, x: torch.Tensor, n0: int, n: int, alpha: float, batch_size: int) -> tuple[int, float]:
        """x is one image, [C, H, W]. With probability 1 − alpha over the draws no perturbation within the radius changes the class."""
        selected = int(self._count(x, n0, batch_size).argmax())
        count = int(self._count(x, n, batch_size)[selected])
        probability = beta.ppf(alpha, count, n - count + 1) if count > 0 else 0.0
        if probability < 0.5:
            return Smooth.ABSTAIN, 0.0
        return selected, float(self.sigma * norm.ppf(probability))

    def _count(self, x: torch.Tensor, number: int, batch_size: int) -> np.ndarray:
        counts = np.zeros(self.classes, dtype=int)
        with torch.inference_mode():
            for _ in range(ceil(number / batch_size)):
                size = min(batch_size, number)
                number -= size
                batch = x.repeat((size, 1, 1, 1)).contiguous(memory_format=torch.channels_last)
                noise = torch.randn_like(batch) * self.sigma
                predictions = self.base_classifier(batch + noise).argmax(1)
                counts += np.bincount(predictions.numpy(), minlength=self.classes)
        return counts


def art_smoothing(classifier: torch.nn.Module, shape: tuple[int, ...], classes: int, draws: dict):
    """ART's certifier; imported here, since it takes seconds and not every bench wants it."""
    from art.estimators.certification.randomized_smoothing import PyTorchRandomizedSmoothing

    return PyTorchRandomizedSmoothing(
        model=classifier,
        loss=torch.nn.CrossEntropyLoss(),
        input_shape=shape,
        nb_classes=classes,
        device_type="cpu",
        sample_size=draws["selectionDraws"],
        scale=draws["sigma"],
        alpha=draws["alpha"],
    )
