"""Environment: versions, the GPU, and which packages can be imported. Exit code 1 if one that is needed is missing."""

import importlib.util
import platform
import shutil
import subprocess
import sys

PACKAGES = {  # what needs them: names of modules
    "every stage": ("torch", "numpy", "pydantic", "platformdirs", "psutil", "tomli_w", "PIL"),
    "tests": ("pytest", "pytest_timeout", "xdist"),
    "Triton designs of iterations and layers": ("triton",),
    "telemetry of train": ("pynvml",),
}
NEEDED = ("every stage", "tests")


def report_torch():
    import torch

    print("torch", torch.__version__, "threads", torch.get_num_threads())
    print("cuda", torch.version.cuda, "cudnn", torch.backends.cudnn.version())
    for number in range(torch.cuda.device_count()):
        print(torch.cuda.get_device_properties(number))


def main():
    print("python", sys.version.split()[0], platform.platform())
    missing = {
        use: [name for name in names if importlib.util.find_spec(name) is None]
        for use, names in PACKAGES.items()
    }
    for use, names in missing.items():
        print(f"needed for {use}:", f"{', '.join(names)} missing" if names else "complete")
    if "torch" not in missing["every stage"]:
        report_torch()
    if program := shutil.which("nvidia-smi"):
        subprocess.run([program], check=False)
    return 1 if any(missing[use] for use in NEEDED) else 0


if __name__ == "__main__":
    sys.exit(main())
