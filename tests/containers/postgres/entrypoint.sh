#!/bin/bash
# The official image's contract, as far as compose.yaml leans on it: POSTGRES_PASSWORD, and scripts for an empty volume.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") --auth-local=trust --auth-host=scram-sha-256
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    pg_ctl --wait start --options="-c listen_addresses=''"
    for script in /docker-entrypoint-initdb.d/*.sh; do "$script"; done
    pg_ctl --wait stop
fi
exec "$@" -c listen_addresses='*'
