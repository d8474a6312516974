#!/bin/sh
# Runs the Node that this repository pins (npm puts it into node_modules; some npm versions do not link it), or the
# user's own where there is none for this machine. It replaces this shell, so signals reach Monitor itself.
root=$(dirname "$0")/..
# Compiled code of the last start is kept beside the packages: main and workers start in half the time.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE-$root/node_modules/.cache/compiled}
export NODE_COMPILE_CACHE
# glibc would give each of a dozen threads an arena of malloc of its own, and keep what each had at its height.
MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX-2}
export MALLOC_ARENA_MAX
# Buffers of this size and more are mapped and given back whole; else they raise glibc's threshold to their own size and leave
# holes between what stays. Other maps are needed, too: not all may be buffers.
MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_-65536}
MALLOC_MMAP_MAX_=${MALLOC_MMAP_MAX_-16384}
export MALLOC_MMAP_THRESHOLD_ MALLOC_MMAP_MAX_
for node in "$root"/node_modules/node-linux-*/bin/node; do
  # Whether it runs is asked once: a start would take 15 ms longer. Without its loader it is on another machine now, or beside another libc.
  case $node in *-arm64/*) loader=/lib/ld-linux-aarch64.so.1 ;; *) loader=/lib64/ld-linux-x86-64.so.2 ;; esac
  [ -x "$node" ] || continue
  if [ -e "$node.runs" ] && [ -e "$loader" ] || "$node" --version >/dev/null 2>&1; then
    # Nothing is lost but time where the folder may not be written to.
    [ -e "$node.runs" ] || touch "$node.runs" 2>/dev/null
    PATH=$(cd "$(dirname "$node")" && pwd):$PATH
    export PATH
    exec node "$@"
  fi
done
case $(node --version 2>/dev/null) in
  v2[4-9].*|v[3-9][0-9].*) exec node "$@" ;;
  *) echo "monitor: needs Node 24.14.1 or newer; this machine has $(node --version 2>/dev/null || echo none), and npm installed none for it" >&2; exit 1 ;;
esac
