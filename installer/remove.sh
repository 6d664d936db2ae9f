#!/usr/bin/env bash
# Take back what run.sh and test.sh have set up in this checkout: the Python environment, and nothing else.
# First a verified copy of this user's journal goes to OUT (~/cashier-kept), and what is still open is told.
# Journal, settings and keyring stay; an administrator deletes them when the copies are elsewhere.
set -euo pipefail
# shellcheck source=installer/system.sh
source "$(dirname "${BASH_SOURCE[0]}")/system.sh"

if [ -x "$PYTHON" ]; then
    (cd "$ROOT" && bash "$ROOT/installer/before_removal.sh" "${1:-$HOME/cashier-kept}" "$PYTHON" -m cashier)
fi
rm -rf "$ROOT/.venv" "$ROOT/.venv-uv" "$ROOT/tour"
say "The program's environment is removed. Journal, settings and keyring are where they were."
