# One image for the service, the worker, `setup` and Prefect's server: docs/deploy.md.
# Needs BuildKit. Has no `# syntax=` line, because that would download a front end from a registry.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS dependencies
# A PyTorch index of your choice (its CPU builds are ten times smaller); empty: the builds that the lock file pins.
ARG TORCH_INDEX=
ENV PATH=/opt/swatchbook/bin:$PATH
COPY requirements-models.lock /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca --mount=type=secret,id=pip,target=/etc/pip.conf \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    set -eu; cd /tmp; lock=requirements-models.lock; \
    python3 -m venv /opt/swatchbook; \
    if [ -n "$TORCH_INDEX" ]; then \
        pip install --index-url "$TORCH_INDEX" "$(grep -o '^torch==[0-9.]*' $lock)"; \
        awk '/^[a-z]/ {drop = /^(torch|triton|nvidia|cuda)/} !drop' $lock > rest.lock; lock=rest.lock; \
    fi; \
    pip install --no-deps --require-hashes -r $lock; \
    rm -- *.lock

FROM dependencies AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels .

FROM dependencies
RUN useradd --uid 10001 --create-home --home-dir /var/lib/swatchbook swatchbook \
    && install --directory --owner=swatchbook --group=swatchbook /var/lib/models /var/lib/prefect
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels pip install --no-index --no-deps /wheels/*.whl
ENV SWATCHBOOK_HOME=/var/lib/swatchbook \
    HF_HOME=/var/lib/models \
    PREFECT_HOME=/var/lib/swatchbook/prefect \
    PREFECT_RESULTS_DEFAULT_SERIALIZER=json \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    PYTHONUNBUFFERED=1
USER swatchbook
WORKDIR /var/lib/swatchbook
EXPOSE 8420
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8420/live')"]
CMD ["swatchbook", "serve", "--host", "0.0.0.0"]
