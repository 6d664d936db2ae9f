#!/usr/bin/env bash
# Start the till in training mode on a fresh machine. With no display it runs the tour under a virtual one
# and says where the pictures are. Arguments pass on to `cashier`.
set -euo pipefail
# shellcheck source=installer/system.sh
source "$(dirname "${BASH_SOURCE[0]}")/system.sh"

install_system_packages
install_environment --no-dev --inexact

if [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; then
    exec "$PYTHON" -m cashier --training "$@"
fi
if [ "$#" -gt 0 ]; then
    exec xvfb-run --auto-servernum --server-args="-screen 0 1440x900x24" "$PYTHON" -m cashier --training "$@"
fi
OUT="$ROOT/tour"
mkdir -p "$OUT"
# A bare machine has no message bus and no graphics driver, and the page engine says so at length.
xvfb-run --auto-servernum --server-args="-screen 0 1440x900x24" "$PYTHON" -m cashier tour "$OUT" \
    2>"$OUT/messages.log" || { code=$?; cat "$OUT/messages.log" >&2; exit "$code"; }
say "No display here: a training sale was made under a virtual one. Its pictures are in $OUT"
