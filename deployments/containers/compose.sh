#!/usr/bin/env bash
# compose.sh up: checks the secrets, builds the image, starts all of compose.yaml, waits until it is healthy.
# compose.sh down: stops and removes the containers; the volumes, and so all data, stay.
# Variables: ENV_FILE, IMAGE, BASE_IMAGE, TORCH_INDEX; CA_BUNDLE and PIP_CONFIG are files for the build alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SWATCHBOOK_IMAGE=${IMAGE:-swatchbook}
env_file=${ENV_FILE:-.env}
HEALTHY_SECONDS=300  # ~40 s on two idle cores; databases are made and migrated the first time

refuse() {
    printf '%s\n' "$@" >&2
    exit 1
}

compose() {
    if docker compose version > /dev/null 2>&1; then
        docker compose --env-file "$env_file" "$@"
    else
        docker-compose --env-file "$env_file" "$@"
    fi
}

check_secrets() {
    [ -f "$env_file" ] || refuse "There is no $env_file: .env.example says how to make one."
    if grep -q change-me <(grep -v '^ *#' "$env_file"); then
        refuse "$env_file still holds example secrets; .env.example says how to fill them in:" \
            "$(grep -n change-me "$env_file" | grep -v '^[0-9]*: *#' | sed 's/=.*//; s/^/  line /')"
    fi
}

build() {
    local given=(--tag "$SWATCHBOOK_IMAGE")
    [ -z "${BASE_IMAGE:-}" ] || given+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
    [ -z "${TORCH_INDEX:-}" ] || given+=(--build-arg "TORCH_INDEX=$TORCH_INDEX")
    [ -z "${CA_BUNDLE:-}" ] || given+=(--secret "id=ca,src=$CA_BUNDLE")
    [ -z "${PIP_CONFIG:-}" ] || given+=(--secret "id=pip,src=$PIP_CONFIG")
    DOCKER_BUILDKIT=1 docker build "${given[@]}" .
}

# All are healthy, and `setup`, which ends, has ended well.
wait_until_healthy() {
    local containers states
    local state='{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}} {{.State.ExitCode}}{{end}}'
    read -r -d '' -a containers < <(compose ps --all --quiet) || true  # macOS' bash has no mapfile
    for ((second = 0; second < HEALTHY_SECONDS; second++)); do
        states=$(docker inspect --format "{{.Name}} $state" "${containers[@]}")
        grep --quiet --invert-match --extended-regexp ' (healthy|exited 0)$' <<< "$states" || return 0
        sleep 1
    done
    compose logs --tail=30 >&2
    refuse "Not healthy after $HEALTHY_SECONDS s:" "$states"
}

# Those of Prefect's Docker worker, which Compose knows nothing of: they would hold on to its network.
remove_shards() {
    local project shards
    project=$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' "$env_file")
    shards=$(docker ps --all --quiet --filter label=swatchbook=shard --filter "network=${project:-swatchbook}_default")
    [ -z "$shards" ] || xargs docker rm --force <<< "$shards"
}

main() {
    case "${1:-}" in
    up)
        check_secrets
        build
        compose up --detach --no-build --remove-orphans
        wait_until_healthy
        echo "The service:   http://$(compose port service 8420)/docs"
        echo "Prefect's UI:  http://$(compose port prefect 4200)   (admin:PREFECT_PASSWORD of $env_file)"
        ;;
    down)
        compose stop
        remove_shards
        compose down --remove-orphans
        ;;
    *)
        refuse "usage: compose.sh up|down"
        ;;
    esac
}

main "$@"
