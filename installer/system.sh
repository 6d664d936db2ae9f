# shellcheck shell=bash
# Shared by run.sh and test.sh: brings a fresh Debian 12 or Ubuntu 24.04 to where the till runs.
# Sourced, not run. Sets ROOT (the checkout) and PYTHON (the environment's interpreter).

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
PYTHON="$ROOT/.venv/bin/python"
UV_VERSION_MIN="0.5"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The libraries of Qt's widgets, of Qt WebEngine, and of a real or virtual X display.
# A name with | is one package that has two names: Ubuntu 24.04 renamed some for 64-bit time.
PACKAGES=(
    ca-certificates python3 python3-venv
    "libglib2.0-0|libglib2.0-0t64" libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon0 libbrotli1
    libnss3 "libasound2|libasound2t64" libxcomposite1 libxdamage1 libxrandr2 libxtst6 libxkbfile1
    libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0 libxcb-xinerama0
    xvfb xauth fonts-dejavu-core
)

is_installed() {
    dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

is_known() {
    [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

missing_packages() {
    local choice name
    for choice in "${PACKAGES[@]}"; do
        local found=""
        for name in ${choice//|/ }; do
            if is_installed "$name"; then found=yes; fi
        done
        [ -n "$found" ] || printf '%s\n' "$choice"
    done
}

# Of a package's names, the one this system has. Without apt's lists (a fresh container) the renamed packages
# that are installed tell which system this is.
available_name() {
    local name
    for name in ${1//|/ }; do
        if is_known "$name"; then printf '%s\n' "$name"; return; fi
    done
    if [ -n "$(dpkg-query -W -f='${Package}\n' '*t64' 2>/dev/null)" ]; then
        printf '%s\n' "${1##*|}"
    else
        printf '%s\n' "${1%%|*}"
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Whether root's rights can be had; at a terminal sudo may ask for the password.
can_be_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || return
    if sudo -n true 2>/dev/null; then return; fi
    [ -t 0 ] && [ -t 2 ] && say "Some system packages are missing." && sudo -v
}

install_system_packages() {
    command -v dpkg-query >/dev/null || { say "No dpkg here: install the libraries of Qt yourself."; return; }
    local missing
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -eq 0 ] && return
    local names=() choice
    if ! can_be_root; then
        for choice in "${missing[@]}"; do names+=("$(available_name "$choice")"); done
        die "Ask an administrator to run this once, then start again:
    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${names[*]}"
    fi
    say "Installing system packages: ${missing[*]%%|*}"
    as_root apt-get update -qq || die "apt-get update failed."
    for choice in "${missing[@]}"; do names+=("$(available_name "$choice")"); done
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${names[@]}" \
        >&2 || die "apt-get install failed."
}

# uv, in a place of its own beside the environment unless the machine has one that is new enough.
find_uv() {
    local found
    if found="$(uv --version 2>/dev/null)"; then
        found="${found#uv }"
        if printf '%s\n' "$UV_VERSION_MIN" "${found%% *}" | sort -CV; then
            UV=uv
            return
        fi
    fi
    UV="$ROOT/.venv-uv/bin/uv"
    [ -x "$UV" ] && return
    say "Installing uv"
    python3 -m venv "$ROOT/.venv-uv" || die "python3 -m venv failed."
    "$ROOT/.venv-uv/bin/python" -m pip install --quiet --disable-pip-version-check "uv>=$UV_VERSION_MIN" >&2 \
        || die "Installing uv failed."
}

# Arguments pass on to `uv sync`, e.g. --no-dev.
# shellcheck disable=SC2120
install_environment() {
    find_uv
    (cd "$ROOT" && "$UV" sync --quiet --locked "$@") || die "Setting up the Python environment failed."
    [ -x "$PYTHON" ] || die "There is no Python environment at $ROOT/.venv."
}
