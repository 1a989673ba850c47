"""Before torch is imported anywhere: one thread a process, since tests run side by side on tiny tensors."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
