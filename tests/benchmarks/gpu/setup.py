"""Setup: versions, the card, and which optional packages can be imported."""

import importlib.util
import platform
import shutil
import subprocess
import sys

import numpy as np
import torch

OPTIONAL = ("triton", "pynvml", "textual", "typer", "pytest_timeout", "xdist", "hypothesis")


def main():
    print(
        "python",
        sys.version.split()[0],
        platform.platform(),
        "torch",
        torch.__version__,
        "numpy",
        np.__version__,
    )
    print(
        "cuda",
        torch.version.cuda,
        "cudnn",
        torch.backends.cudnn.version(),
        "threads",
        torch.get_num_threads(),
    )
    for number in range(torch.cuda.device_count()):
        print(torch.cuda.get_device_properties(number))
    if program := shutil.which("nvidia-smi"):
        subprocess.run([program], check=False)
    print({name: importlib.util.find_spec(name) is not None for name in OPTIONAL})


if __name__ == "__main__":
    main()
