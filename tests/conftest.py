"""Before torch is imported anywhere: one thread a process, since tests run side by side on tiny tensors.

Native code is compiled once for all test runs on a machine.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MAML_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"maml-tests-{os.getuid()}"))
