"""`python -P -m engine.services NAME`: a helper process; see `engine.services.server`.

One entry for all of them, so that the descriptors are private and the asker is watched before torch is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module

from engine.services.server import serve

_NAMES = ("apply", "bench.contestant", "download", "estimate", "evaluate", "explore", "preflight")

if __name__ == "__main__":
    name = _NAMES[_NAMES.index(sys.argv[1])]
    serve(lambda: import_module(f"engine.services.{name}").HANDLER)
