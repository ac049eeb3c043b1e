#!/bin/sh
# The image of PostgreSQL runs this once, on an empty volume: two databases, each with an owner who sees no other.
set -eu

make_database() {  # its name and its owner's password
    psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8';
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database swatchbook "$LEDGER_PASSWORD"
make_database prefect "$PREFECT_DATABASE_PASSWORD"
