#!/usr/bin/env bash
# Two feed readers for the end-to-end test: newsboat and sfeed, and a browser for the tests of the pages.
#
#   tests/services/readers.sh install        see to it that they are there (Debian and its kin, as root)
#   tests/services/readers.sh run COMMAND…   the same, then run the command
#
# Where they cannot be had, the tests that need them are skipped and say so; where CI is set, that is a failure.
set -euo pipefail

missing() { # packages whose program is not there
    local program package
    for program in newsboat:newsboat sfeed_update:sfeed curl:curl chromium:chromium; do
        package=${program#*:}
        command -v "${program%:*}" >/dev/null || echo "$package"
    done
}

install() {
    local packages
    packages=$(missing)
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "readers.sh: not here, and only root on Debian can install them:" $packages >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # one word for each package
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >&2
    [ -z "$(missing)" ]
}

case "${1:-}" in
install)
    install
    ;;
run)
    shift
    if ! install; then
        [ -z "${CI:-}" ] || exit 1
        echo "readers.sh: going on without; what needs them is skipped" >&2
    fi
    exec "$@"
    ;;
*)
    sed -n '2,7p' "$0"
    exit 2
    ;;
esac
