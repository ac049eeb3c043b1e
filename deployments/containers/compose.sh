#!/usr/bin/env bash
# compose.sh up: checks .env, builds the image, starts compose.yaml and waits until all services are healthy.
# compose.sh down: stops and removes the containers; the volumes with all data stay.
# Variables: ENV_FILE, IMAGE, VARIANT (else that of ENV_FILE), BASE_IMAGE, TORCH_INDEX; CA_BUNDLE and PIP_CONFIG are files
# used only by the build.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SWATCHBOOK_IMAGE=${IMAGE:-swatchbook}
env_file=${ENV_FILE:-.env}
HEALTHY_SECONDS=300  # ~40 s on two idle cores; the first start creates and migrates the databases

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
    [ -f "$env_file" ] || refuse "$env_file not found: .env.example shows how to create it."
    if grep -q change-me <(grep -v '^ *#' "$env_file"); then
        refuse "$env_file still contains example secrets; .env.example shows how to replace them:" \
            "$(grep -n change-me "$env_file" | grep -v '^[0-9]*: *#' | sed 's/=.*//; s/^/  line /')"
    fi
}

value() {
    sed -n "s/^$1=//p" "$env_file"
}

# The parts of the profile that only the variant `models` can run. An empty value is the profile's default.
check_variant() {
    local profile encoder text
    profile=$(value PROFILE) encoder=$(value ENCODER) text=$(value TEXT_ENCODER)
    [ "$VARIANT" != models ] || return 0
    case "${encoder:-$profile} ${text:-$profile}" in
    *siglip* | *voyage* | *production*)
        refuse "PROFILE, ENCODER or TEXT_ENCODER of $env_file chooses what the light image lacks:" \
            "set VARIANT=models there, and run make up again."
        ;;
    esac
}

build() {
    local given=(--tag "$SWATCHBOOK_IMAGE:${VARIANT:-latest}" --build-arg "VARIANT=${VARIANT:-light}")
    [ -z "${BASE_IMAGE:-}" ] || given+=(--build-arg "BASE_IMAGE=$BASE_IMAGE")
    [ -z "${TORCH_INDEX:-}" ] || given+=(--build-arg "TORCH_INDEX=$TORCH_INDEX")
    [ -z "${CA_BUNDLE:-}" ] || given+=(--secret "id=ca,src=$CA_BUNDLE")
    [ -z "${PIP_CONFIG:-}" ] || given+=(--secret "id=pip,src=$PIP_CONFIG")
    DOCKER_BUILDKIT=1 docker build "${given[@]}" .
}

# Wait until all containers are healthy and `setup`, which ends, has exited with 0.
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

# Remove the containers of Prefect's Docker worker: Compose does not manage them, but they use its network.
remove_shards() {
    local project shards
    project=$(value COMPOSE_PROJECT_NAME)
    shards=$(docker ps --all --quiet --filter label=swatchbook=shard --filter "network=${project:-swatchbook}_default")
    [ -z "$shards" ] || xargs docker rm --force <<< "$shards"
}

main() {
    [ ! -f "$env_file" ] || export VARIANT=${VARIANT:-$(value VARIANT)}
    case "${1:-}" in
    up)
        check_secrets
        check_variant
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
