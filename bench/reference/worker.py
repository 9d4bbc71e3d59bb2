"""Does works on request: one JSON object a line on standard input, one a line on standard output, until the input ends.

    {"operation": "load", "weights": path, "settings": {…}}  → {"versions": {…}}
    {"operation": "agreement"}                               → {"arrays": {name: base64 of little-endian float32}}
    {"operation": "run", "work": name, "calls": k}           → {"milliseconds": of all k calls}

A request that fails is answered with {"error": text}, and the worker goes on.
"""

import base64
import json
import os
import platform
import sys
import time
import traceback

# Answers have standard output to themselves; whatever a library prints goes to standard error.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
os.dup2(2, 1)

import torch  # noqa: E402  (after the descriptors are set right)

from works import Works  # noqa: E402


def main(threads: int) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    works = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["operation"] == "load":
                works = Works(request["weights"], request["settings"])
                answer = {"versions": versions()}
            elif request["operation"] == "agreement":
                answer = {"arrays": {name: encoded(array) for name, array in works.agreement().items()}}
            else:
                answer = {"milliseconds": timed(works.work(request["work"]), request["calls"])}
        except Exception as error:  # noqa: BLE001  (whatever it is, the other side has to hear of it)
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")


def versions() -> dict[str, str]:
    return {"Python": platform.python_version(), "PyTorch": torch.__version__, "threads": str(torch.get_num_threads())}


def encoded(array) -> str:
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def timed(work, calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        work()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main(int(sys.argv[1]))
