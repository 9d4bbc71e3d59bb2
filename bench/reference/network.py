"""The workbench's WideResNet (src/main/engine/models/wideResNet.ts) in PyTorch: same layers, same order, same epsilon.

TensorFlow's "same" padding puts the odd row of a stride-2 convolution of an even image after it, PyTorch's padding=1 before it. The
arithmetic is equal and the sampling grid is shifted by a pixel. Both are here: "same" is the workbench's function, and what the two
sides are compared on before anything is timed; "symmetric" is what a PyTorch user writes, saves the copy of an explicit padding, and is
what is timed.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

STEM_CHANNELS = 16
BATCH_NORM_EPSILON = 1e-5
# PyTorch's momentum is the share of the new statistic, the workbench's that of the old.
BATCH_NORM_MOMENTUM = 0.1


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, padding: str):
        super().__init__()
        self.pad_after = stride == 2 and padding == "same"
        self.norm1 = nn.BatchNorm2d(inputs, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 0 if self.pad_after else 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.projection = None
        if inputs != outputs or stride != 1:
            self.projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        active = F.relu(self.norm1(x))
        shortcut = x if self.projection is None else self.projection(active)
        if self.pad_after:
            active = F.pad(active, (0, 1, 0, 1))
        return self.conv2(F.relu(self.norm2(self.conv1(active)))) + shortcut


class WideResNet(nn.Module):
    """From images [N, C, H, W] to representations [N, D]."""

    def __init__(self, blocks: list[int], width: int, channels: int, padding: str):
        super().__init__()
        self.stem = nn.Conv2d(channels, STEM_CHANNELS, 3, 1, 1, bias=False)
        made = []
        inputs = STEM_CHANNELS
        for stage, count in enumerate(blocks):
            outputs = STEM_CHANNELS * 2**stage * width
            for index in range(count):
                made.append(Block(inputs, outputs, 2 if stage > 0 and index == 0 else 1, padding))
                inputs = outputs
        self.blocks = nn.ModuleList(made)
        self.names = [f"stage{s + 1}.block{i + 1}" for s, count in enumerate(blocks) for i in range(count)]
        self.norm = nn.BatchNorm2d(inputs, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        return F.relu(self.norm(x)).mean((2, 3))


def load_extractor(net: WideResNet, arrays: dict[str, np.ndarray]) -> WideResNet:
    """The workbench's weights, under its names; every one of them has to find its place."""
    left = set(arrays)

    def take(name: str) -> torch.Tensor:
        left.remove(name)
        return torch.from_numpy(arrays[name])

    def convolution(layer: nn.Conv2d, name: str) -> None:
        layer.weight.copy_(take(f"{name}.weight").permute(3, 2, 0, 1))  # [k, k, in, out] → [out, in, k, k]

    def norm(layer: nn.BatchNorm2d, name: str) -> None:
        layer.weight.copy_(take(f"{name}.scale"))
        layer.bias.copy_(take(f"{name}.offset"))
        layer.running_mean.copy_(take(f"{name}.mean"))
        layer.running_var.copy_(take(f"{name}.variance"))

    with torch.no_grad():
        convolution(net.stem, "stem")
        for name, block in zip(net.names, net.blocks, strict=True):
            norm(block.norm1, f"{name}.norm1")
            convolution(block.conv1, f"{name}.conv1")
            norm(block.norm2, f"{name}.norm2")
            convolution(block.conv2, f"{name}.conv2")
            if block.projection is not None:
                convolution(block.projection, f"{name}.projection")
        norm(net.norm, "norm")
    if left:
        raise ValueError(f"loading the extractor: no place for {sorted(left)}")
    return net.to(memory_format=torch.channels_last)
