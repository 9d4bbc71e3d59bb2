"""Reads a safetensors file of float32 arrays; the format is small enough to need no package."""

import json
from pathlib import Path

import numpy as np


def read_safetensors(path: str) -> dict[str, np.ndarray]:
    data = Path(path).read_bytes()
    header_length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_length])
    base = 8 + header_length
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f'reading weights: "{name}" is {entry["dtype"]}, expected F32')
        start, end = entry["data_offsets"]
        flat = np.frombuffer(data[base + start : base + end], dtype="<f4")
        arrays[name] = flat.reshape(entry["shape"]).copy()
    return arrays
