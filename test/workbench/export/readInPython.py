"""Reads exported files with the packages that their users have, and prints what it saw as JSON.

    python3 readInPython.py safetensors FILE...   names, shapes, sums and metadata
    python3 readInPython.py onnx FILE...          checked by onnx itself; operators, inputs, outputs, metadata
"""

import json
import sys


def safetensors_facts(file):
    from safetensors import safe_open

    with safe_open(file, "np") as weights:
        arrays = {name: weights.get_tensor(name) for name in weights.keys()}
        return {
            "metadata": weights.metadata(),
            "arrays": {n: {"shape": list(a.shape), "dtype": str(a.dtype), "values": a.ravel().tolist()} for n, a in arrays.items()},
        }


def onnx_facts(file):
    import onnx

    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    sizes = lambda value: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
    return {
        "opset": [[o.domain, o.version] for o in model.opset_import],
        "inputs": {value.name: sizes(value) for value in model.graph.input},
        "outputs": {value.name: sizes(value) for value in model.graph.output},
        "metadata": {entry.key: entry.value for entry in model.metadata_props},
    }


kind, *files = sys.argv[1:]
print(json.dumps([{"safetensors": safetensors_facts, "onnx": onnx_facts}[kind](file) for file in files]))
