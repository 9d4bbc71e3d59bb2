"""The works that are timed: each a function that does the work once, made on first use and then kept."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from network import WideResNet, load_extractor
from smoothing import Smooth, art_smoothing
from weights import read_safetensors

SMALLEST_NORM = 1e-30
Work = Callable[[], object]
Compiler = Callable[[nn.Module], nn.Module]


def as_it_is(model: nn.Module) -> nn.Module:
    return model


def with_prefix(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}


def images_from(values: np.ndarray) -> torch.Tensor:
    """[N, H, W, C] as the workbench has it → [N, C, H, W] in channels_last, which is the same bytes."""
    images = torch.from_numpy(values).permute(0, 3, 1, 2)
    return images.contiguous(memory_format=torch.channels_last)


class Works:
    def __init__(self, path: str, settings: dict):
        arrays = read_safetensors(path)
        self.settings = settings
        self.extractor_arrays = with_prefix(arrays, "extractor.")
        self.head_arrays = with_prefix(arrays, "head.")
        self.images = images_from(arrays["images"])
        self.labels = torch.from_numpy(arrays["labels"]).long()
        self.delta = images_from(arrays["delta"].reshape(arrays["images"].shape))
        self.made: dict[str, Work] = {}

    def work(self, name: str) -> Work:
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def _make(self, name: str) -> Work:
        makers = {
            "inference eager": lambda: self._inference(self.extractor()),
            "inference compiled": lambda: self._inference(torch.compile(self.extractor())),
            "inference compiled, frozen": lambda: self._inference(self._frozen(self.extractor())),
            "inference bfloat16 whole": lambda: self._inference(*self._in_bfloat16(), widen=True),
            "inference bfloat16 autocast": lambda: self._inference(self.extractor(), autocast=True),
            "inference bfloat16 whole, compiled": lambda: self._compiled_bfloat16(torch.compile),
            "inference bfloat16 whole, compiled, frozen": lambda: self._compiled_bfloat16(self._frozen),
            "inference bfloat16 autocast, compiled": lambda: self._inference(
                torch.compile(self.extractor()), autocast=True
            ),
            "PGD step eager": lambda: self._pgd_step(as_it_is),
            "PGD step compiled": lambda: self._pgd_step(torch.compile),
            "training step eager": lambda: self._training(as_it_is, fused=False),
            "training step eager, fused Adam": lambda: self._training(as_it_is, fused=True),
            "training step compiled": lambda: self._training(torch.compile, fused=False),
            "certification loop": lambda: self._certification(self.classifier()),
            "certification loop, compiled": lambda: self._certification(torch.compile(self.classifier())),
            "certification loop, autocast": lambda: self._certification(self.classifier(), autocast=True),
            "certification ART": self._art,
        }
        if name not in makers:
            raise ValueError(f'work "{name}" is unknown, expected one of {", ".join(makers)}')
        return makers[name]()

    # Models: new ones for each work, so that no work changes another's.

    def extractor(self, padding: str = "symmetric") -> WideResNet:
        net = self.settings["net"]
        model = WideResNet(net["blocks"], net["width"], self.images.shape[1], padding)
        return load_extractor(model, self.extractor_arrays).eval()

    def classifier(self, padding: str = "symmetric") -> nn.Sequential:
        """Extractor and a head of one unconstrained layer."""
        weight = torch.from_numpy(self.head_arrays["layer1.direction"])
        layer = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            layer.weight.copy_(weight)
            layer.bias.copy_(torch.from_numpy(self.head_arrays["layer1.bias"]))
        return nn.Sequential(self.extractor(padding), layer).eval()

    @staticmethod
    def _frozen(model: nn.Module) -> nn.Module:
        """Compiled with the weights as constants, which lets the compiler fold norms and pack weights."""
        return torch.compile(model, options={"freezing": True})

    def _in_bfloat16(self) -> tuple[nn.Module, torch.Tensor]:
        return self.extractor().bfloat16(), self.images.bfloat16()

    def _compiled_bfloat16(self, compiler: Compiler) -> Work:
        model, images = self._in_bfloat16()
        return self._inference(compiler(model), images, widen=True)

    # Works

    def _inference(
        self, model: nn.Module, images: torch.Tensor | None = None, *, autocast: bool = False, widen: bool = False
    ) -> Work:
        given = self.images if images is None else images

        def run() -> np.ndarray:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                z = model(given)
                return (z.float() if widen or autocast else z).numpy()

        return run

    def _pgd_step(self, compiler: Compiler, padding: str = "symmetric") -> Work:
        """The gradient of the log-odds at x + delta, a step of given length along it, and back into the ball."""
        plain = self.classifier(padding).requires_grad_(False)
        model = compiler(plain)
        epsilon, relative_step = self.settings["epsilon"], self.settings["relativeStep"]
        one_hot = F.one_hot(self.labels, self.settings["classes"]).bool()
        dimensions = (1, 2, 3)

        def run() -> tuple[np.ndarray, np.ndarray]:
            delta = self.delta.detach().requires_grad_(True)
            logits = model(self.images + delta)
            rivals = logits.masked_fill(one_hot, -torch.inf).logsumexp(1)
            loss = (rivals - logits[one_hot]).sum()
            (gradient,) = torch.autograd.grad(loss, delta)
            with torch.no_grad():
                norms = gradient.square().sum(dimensions, keepdim=True).sqrt()
                moved = delta + gradient / norms.clamp_min(SMALLEST_NORM) * (relative_step * epsilon)
                length = moved.square().sum(dimensions, keepdim=True).sqrt()
                projected = moved * (epsilon / length.clamp_min(SMALLEST_NORM)).clamp_max(1)
            return projected.numpy(), logits.detach().numpy()

        return run

    def _training(
        self, compiler: Compiler, *, fused: bool, padding: str = "symmetric"
    ) -> Work:
        plain = self.classifier(padding).train()
        optimiser = torch.optim.Adam(plain.parameters(), lr=self.settings["learningRate"], fused=fused)
        model = compiler(plain)

        def run() -> float:
            optimiser.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(self.images), self.labels)
            loss.backward()
            optimiser.step()
            return loss.item()

        return run

    def _certification(self, classifier: nn.Module, *, autocast: bool = False) -> Work:
        draws = self.settings["certification"]
        smooth = Smooth(classifier, self.settings["classes"], draws["sigma"])
        turn = iter_rows(self.images)
        batch = draws["batch"]

        def run() -> tuple[int, float]:
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                return smooth.certify(next(turn), draws["selectionDraws"], draws["draws"], draws["alpha"], batch)

        return run

    def _art(self) -> Work:
        draws = self.settings["certification"]
        shape = tuple(self.images.shape[1:])
        certifier = art_smoothing(self.classifier(), shape, self.settings["classes"], draws)
        turn = iter_rows(self.images)
        return lambda: certifier.certify(next(turn).unsqueeze(0).numpy(), draws["draws"], draws["batch"])

    # What both sides must agree on before they are timed, in the workbench's layout and with its padding.

    def agreement(self) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            representations = self.extractor("same")(self.images).numpy()
        moved, _ = self._pgd_step(as_it_is, "same")()
        step = self._training(as_it_is, fused=False, padding="same")
        losses = np.array([step() for _ in range(3)], dtype=np.float32)
        return {"representations": representations, "delta": moved.transpose(0, 2, 3, 1), "losses": losses}


def iter_rows(images: torch.Tensor):
    while True:
        yield from images
