#!/usr/bin/env bash
# A PostgreSQL for the tests: a cluster of its own in a temporary folder, on a free port of the loopback address.
#
#   tests/services/postgres.sh run COMMAND…   start one, run the command with TEST_POSTGRES_URL set, stop and remove it
#   tests/services/postgres.sh install        only see to it that there is one (Debian and its kin, as root)
#
# Where PostgreSQL cannot be had, the command runs without the variable, and the tests that need it are skipped; where
# CI is set, that is a failure.
set -euo pipefail

programs() { # the folder of initdb and pg_ctl, the newest version first
    local folder
    for folder in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV) \
        "$(dirname "$(command -v pg_ctl || echo /nowhere/pg_ctl)")"; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

install() {
    programs >/dev/null && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "postgres.sh: no PostgreSQL here, and it can be installed by root on Debian only" >&2
        return 1
    fi
    # Without the cluster that Debian starts for everybody: the tests have their own.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/feedclean-tests.conf
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >&2
    programs >/dev/null
}

as_owner() { # PostgreSQL refuses to run as root
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u "$owner" -- "$@")
    else
        "$@"
    fi
}

start() { # sets `folder` and TEST_POSTGRES_URL
    local bin port password try
    bin=$(programs)
    owner=$(id -un)
    if [ "$(id -u)" = 0 ]; then owner=$(id -un postgres 2>/dev/null || echo nobody); fi
    folder=$(mktemp -d "${TMPDIR:-/tmp}/feedclean-postgres.XXXXXX")
    password=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
    echo "$password" >"$folder/password"
    chmod 700 "$folder"
    if [ "$(id -u)" = 0 ]; then chown -R "$owner" "$folder"; fi
    as_owner "$bin/initdb" --pgdata="$folder/data" --username=tests --pwfile="$folder/password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C --no-sync >"$folder/initdb.log"
    for try in 1 2 3 4 5 6 7 8; do # the port may be taken
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 40000))
        if as_owner "$bin/pg_ctl" start --pgdata="$folder/data" --log="$folder/log" --wait --silent \
            --options="-h 127.0.0.1 -p $port -k '' -c fsync=off -c max_connections=200" >/dev/null 2>&1; then
            export TEST_POSTGRES_URL="postgresql://tests:$password@127.0.0.1:$port/postgres"
            return
        fi
    done
    cat "$folder/log" >&2
    return 1
}

stop() {
    [ -n "${folder:-}" ] || return 0
    as_owner "$(programs)/pg_ctl" stop --pgdata="$folder/data" --mode=immediate --silent >/dev/null 2>&1 || true
    rm -rf "$folder"
}

case "${1:-}" in
install)
    install
    ;;
run)
    shift
    trap stop EXIT
    trap 'exit 130' INT TERM
    if [ -z "${TEST_POSTGRES_URL:-}" ]; then
        if ! { install && start; }; then
            [ -z "${CI:-}" ] || exit 1
            echo "postgres.sh: going on without; what needs it is skipped" >&2
        fi
    fi
    "$@"
    ;;
*)
    sed -n '2,8p' "$0"
    exit 2
    ;;
esac
