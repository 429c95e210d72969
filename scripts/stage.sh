# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: where the tree is, how builds are run, and stages that print their time.
#
#   stage "format" check_format          runs a function or program; prints its name, then its time
#   keep_going=1                         a failed stage is noted and the next one runs; finish tells at the end

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${KAGIBIN_JOBS:-$(nproc)}
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
keep_going=0
failed_stages=()
script_start=$EPOCHREALTIME

seconds_since() {  # of $EPOCHREALTIME, with one digit
  local tenths=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000))
  echo "$((tenths / 10)).$((tenths % 10))"
}

# Not to be called in a condition (`stage ... ||`): bash would ignore set -e inside.
stage() {
  local name=$1 start=$EPOCHREALTIME status
  shift
  echo "== $name"
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  set -e
  if ((status == 0)); then
    echo "== $name: $(seconds_since "$start") s"
    return 0
  fi
  echo "== $name: FAILED after $(seconds_since "$start") s"
  failed_stages+=("$name")
  if ((!keep_going)); then exit 1; fi
}

finish() {
  local name=$1
  if ((${#failed_stages[@]})); then
    local IFS=,
    echo "== $name: FAILED in ${failed_stages[*]}; $(seconds_since "$script_start") s in all"
    exit 1
  fi
  echo "== $name: passed; $(seconds_since "$script_start") s in all"
}

configure() {  # preset
  local log
  mkdir -p "$root/build"
  log=$(mktemp "$root/build/configure.XXXXXX")
  if cmake -S "$root" --preset "$1" >"$log" 2>&1; then
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
}

build() {  # preset [target...]: on a terminal one line that counts, else quiet; the compiler's words when it fails
  local preset=$1 quiet=(--quiet)
  shift
  if [[ -t 1 ]]; then quiet=(); fi
  configure "$preset"
  NINJA_STATUS='[%f/%t %es] ' ninja "${quiet[@]}" -C "$root/build/$preset" -j "$jobs" "$@"
}
