#!/usr/bin/env bash
# Before the program is removed from a machine: at each till on it, keep a verified copy of the journal below OUT
# and say what is still open. While anything is, or a copy cannot be made, it ends with 1, and nothing is to be
# removed; CASHIER_REMOVE_ANYWAY=1 warns and goes on. No data folder is ever removed, by this or by what calls it.
#
#   before_removal.sh OUT PROGRAM [ARGUMENT …]
#
# PROGRAM with its arguments is `cashier`. As root every user's till is looked after, as that user.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

if [ "$#" -lt 2 ]; then
    say "before_removal.sh OUT PROGRAM [ARGUMENT …]"
    exit 2
fi
OUT="$1"
shift

FAULTS=0
is_root() { [ "$(id -u)" = 0 ]; }

# One user's till: who, their home, and where their copies go. Without settings there is no till that takes money.
look_after() {
    local who="$1" home="$2" out="$3" code=0
    local settings="${4:-$home/.config}/cashier/settings.toml"
    shift 4
    [ -e "$settings" ] || return 0
    say "The till of $who:"
    if is_root && [ "$who" != root ]; then
        mkdir -p "$out"
        chown "$who" "$out"
        chmod 700 "$out"
        runuser -u "$who" -- env -u XDG_CONFIG_HOME -u XDG_DATA_HOME "HOME=$home" \
            "$@" --settings "$settings" retire "$out" >&2 </dev/null || code=$?
    else
        HOME="$home" "$@" --settings "$settings" retire "$out" >&2 </dev/null || code=$?
    fi
    [ "$code" = 0 ] || FAULTS=$((FAULTS + 1))
}

if is_root; then
    mkdir -p "$OUT"
    while IFS=: read -r who _ _ _ _ home _; do
        [ -d "$home" ] || continue
        look_after "$who" "$home" "$OUT/$who" "" "$@"
    done < <(getent passwd)
else
    look_after "$(id -un)" "$HOME" "$OUT" "${XDG_CONFIG_HOME:-}" "$@"
fi

if [ "$FAULTS" -gt 0 ]; then
    if [ "${CASHIER_REMOVE_ANYWAY:-}" = 1 ]; then
        say "Something above is still open. Going on all the same, as CASHIER_REMOVE_ANYWAY=1 says."
        exit 0
    fi
    say "Not removed: something above is still open, or was not kept. See to it and try again, or set"
    say "CASHIER_REMOVE_ANYWAY=1. The data folders stay in either case."
    exit 1
fi
