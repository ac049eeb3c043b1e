#!/bin/sh
# Run once by the PostgreSQL image on an empty volume: creates two databases, each with its own role.
set -eu

create_database() {  # name, password of its role
    psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8';
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

create_database swatchbook "$LEDGER_PASSWORD"
create_database prefect "$PREFECT_DATABASE_PASSWORD"
