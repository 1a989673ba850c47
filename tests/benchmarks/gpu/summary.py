"""Summary: failures and timings of all stages. Exit code 1 if there is a failure."""

import json
import os
import sys
from pathlib import Path

HIDDEN = ("trace", "kernels")


def is_failure(row):
    return bool(row.get("problem") or row.get("wrong"))


def main():
    failures = 0
    for file in sorted(Path(os.environ.get("OUT", "gpu-out")).glob("*.json")):
        rows = json.loads(file.read_text(encoding="utf-8"))
        failed = [row for row in rows if is_failure(row)]
        skipped = sum("skipped" in row for row in rows)
        failures += len(failed)
        print(f"{file.name}: {len(rows)} rows, {skipped} skipped, {len(failed)} failed")
        for row in failed:
            print("  !", {key: str(value)[:200] for key, value in row.items() if key not in HIDDEN})
        for row in rows:
            name = row.get("design") or row.get("contestant")
            if name and row.get("ms"):
                kernels = row.get("kernels", {}).get("count", "")
                print(
                    f"    {row['workload']:10} {name:34} tf32={row.get('tf32', '')!s:5} "
                    f"{row['ms']:9.3f} ms {1e3 / row['ms']:9.0f} it/s {kernels} kernels"
                )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
