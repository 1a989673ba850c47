#!/usr/bin/env bash
# Run the GPU checks stage by stage, each with its own time limit, and write the results to $OUT. See README.md.
#   gpu_check.sh [--dry] [STAGE...]      stages: environment tests parity iterations bench train layers (all by default)
# Environment: OUT, TOTAL (seconds for everything), PYTHON, WHEELS, ONLY, RUNS, TRAIN_SECONDS, MAML_DATA_DIR.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
dry=
if [ "${1:-}" = --dry ]; then
  dry=--dry
  shift
fi
all="environment tests parity iterations bench train layers"
stages=${*:-$all}
for name in $stages; do
  case " $all " in
    *" $name "*) ;;
    *)
      echo "unknown stage: $name; stages: $all"
      exit 2
      ;;
  esac
done
python=${PYTHON:-python3}
export OUT=${OUT:-$PWD/gpu-out} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-4}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
end=$((SECONDS + ${TOTAL:-525}))
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root" || exit 1

# Wheels that the machine lacks, for one without a network.
site=$scratch/site
mkdir "$site"
if [ -d "${WHEELS:-.whl}" ]; then
  "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$site" \
    "${WHEELS:-.whl}"/*.whl >"$OUT/log.txt" 2>&1 || {
    echo "pip failed:"
    tail "$OUT/log.txt"
    exit 1
  }
fi
# Runs record the version of the distribution, which need not be installed here.
mkdir "$site/maml_tui-0.dist-info"
printf 'Metadata-Version: 2.1\nName: maml-tui\nVersion: 0\n' >"$site/maml_tui-0.dist-info/METADATA"
export PYTHONPATH="$root:$site${PYTHONPATH:+:$PYTHONPATH}"

state=$scratch
export MAML_STATE_DIR=$state/state MAML_CONFIG_DIR=$state/config
export MAML_CACHE_DIR=${MAML_CACHE_DIR:-$state/cache} MAML_DATA_DIR=${MAML_DATA_DIR:-$state/data} TRITON_CACHE_DIR=$state/triton TORCHINDUCTOR_CACHE_DIR=$state/inductor

limited() { # SECONDS COMMAND...: a limit where the system has timeout(1)
  local limit=$1
  shift
  if command -v timeout >/dev/null; then timeout -k 5 "$limit" "$@"; else "$@"; fi
}

stage() { # NAME LIMIT COMMAND...
  local name=$1 limit=$2 left=$((end - SECONDS)) began=$SECONDS code
  shift 2
  if [ "$left" -lt 8 ]; then
    echo "stage $name: not run, no time left" | tee -a "$OUT/summary.txt"
    failed=1
    return
  fi
  [ -n "$dry" ] && limit=280 # Triton's kernels are interpreted then
  [ "$limit" -gt "$left" ] && limit=$left
  echo "== stage $name, at most $limit s"
  STAGE_SECONDS=$((limit - 5)) limited "$limit" "$@" >"$scratch/out" 2>&1
  code=$?
  tail -c 900000 "$scratch/out" >>"$OUT/log.txt"
  tail -c 1500 "$scratch/out"
  [ $code -eq 0 ] || failed=1
  echo "stage $name: exit $code, $((SECONDS - began)) s" | tee -a "$OUT/summary.txt"
}

# Omniglot if it is imported, else synthetic characters of the same shape.
if [ -f "$MAML_DATA_DIR/omniglot/images.npy" ]; then chars=omniglot-5w1s; else chars=strokes-5w1s; fi
runs=${RUNS:-"chars:$chars:iterations=15000"}
workers=4
if [ -n "$dry" ]; then
  few=val_tasks=3,eval_tasks=3
  tiny="sinusoid:sinusoid-10shot:iterations=60,eval_every=20,$few"
  runs=${RUNS:-"$tiny chars:$chars:iterations=4,eval_every=2,filters=4,meta_batch_size=2,$few"}
  workers=0
fi

failed=0
for name in $stages; do
  case $name in
    environment) stage environment 40 "$python" "$here/environment.py" ;;
    tests)
      stage tests 95 "$python" -m pytest tests/engine/acceleration/test_on_gpu.py -n $workers --timeout 100 \
        -p no:cacheprovider -rfEs --durations 8
      ;;
    parity) stage parity 75 "$python" "$here/parity.py" $dry ;;
    iterations) stage iterations 120 "$python" "$here/iterations.py" $dry ;;
    bench) stage bench 80 "$python" "$here/bench.py" $dry ;;
    # shellcheck disable=SC2086 # several words are several runs
    train) stage train "${TRAIN_SECONDS:-105}" "$python" "$here/train.py" $dry $runs ;;
    layers) stage layers 110 "$python" "$here/layers.py" $dry ;;
  esac
done
"$python" "$here/summary.py" | tee -a "$OUT/summary.txt" || failed=1
exit $failed
