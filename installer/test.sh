#!/usr/bin/env bash
# Run every test on a fresh machine, offscreen. Arguments pass on to pytest.
set -euo pipefail
# shellcheck source=installer/system.sh
source "$(dirname "${BASH_SOURCE[0]}")/system.sh"

# The hub is tested on PostgreSQL, too; the till itself never needs it.
PACKAGES+=(postgresql)

install_system_packages
install_environment

cd "$ROOT"
export QT_QPA_PLATFORM=offscreen
# The tests start some hundred programs of ours, and each would be compiled again.
unset PYTHONDONTWRITEBYTECODE
"$PYTHON" -m ruff check cashier tests
"$PYTHON" -m ruff format --check cashier tests
"$PYTHON" -m mypy cashier
# Two at a time, a file at a time: the whole must fit a quarter of an hour on two cores. In the order of their
# names: by the number of their tests, long files of few tests would be last, and one of the two would wait.
# A process that ends in mid-test (the limit of a hanging one, see pyproject.toml) is not started again.
exec "$PYTHON" -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 "$@"
