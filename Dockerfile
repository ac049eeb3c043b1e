# The image for the service, the worker, `setup` and Prefect's server, in two variants: docs/deploy.md.
# Needs BuildKit. Has no `# syntax=` line, because that would download a front end from a registry.
ARG BASE_IMAGE=python:3.11-slim
# `light` has no PyTorch. `models` has it, for SigLIP, CLIP and DINOv2, and the text encoder voyage.
ARG VARIANT=light

# Later stages copy parts of the lock: what only developers need changes none of them.
FROM ${BASE_IMAGE} AS locks
COPY requirements.lock /locks/
RUN cd /locks; \
    sed '/^# models:/,$d' requirements.lock > light.lock; \
    sed '/^# development:/,$d' requirements.lock > models.lock; \
    awk '/^[a-z#]/ {keep = /^setuptools==/} keep' models.lock > setuptools.lock

FROM ${BASE_IMAGE} AS pip
COPY --from=locks /locks/setuptools.lock /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca --mount=type=secret,id=pip,target=/etc/pip.conf \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    set -eu; cd /tmp; \
    python3 -m venv /opt/pip; \
    /opt/pip/bin/pip install --no-deps --require-hashes -r setuptools.lock

# Packages bring their tests, C sources and stubs of types, which nothing here runs.
FROM ${BASE_IMAGE} AS light
ENV PATH=/opt/swatchbook/bin:$PATH
COPY --from=locks /locks/light.lock /tmp/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=pip,source=/opt/pip,target=/opt/pip \
    --mount=type=secret,id=ca --mount=type=secret,id=pip,target=/etc/pip.conf \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    set -eu; cd /tmp; \
    python3 -m venv --without-pip /opt/swatchbook; \
    /opt/pip/bin/pip --python /opt/swatchbook install --no-deps --require-hashes -r light.lock; \
    find /opt/swatchbook -type d '(' -name tests -o -path '*/pyarrow/include' -o -path '*/pymupdf/mupdf-devel' ')' \
        -prune -exec rm -rf {} +; \
    find /opt/swatchbook -type f -regextype posix-extended -regex '.*\.(a|c|cpp|h|hpp|pxd|pyi|pyx)' -delete; \
    rm -- *.lock

FROM light AS models
# A PyTorch index of your choice (its CPU builds are ten times smaller); empty: the builds that the lock pins.
ARG TORCH_INDEX=
COPY --from=locks /locks/models.lock /tmp/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=bind,from=pip,source=/opt/pip,target=/opt/pip \
    --mount=type=secret,id=ca --mount=type=secret,id=pip,target=/etc/pip.conf \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    set -eu; cd /tmp; lock=models.lock; pip="/opt/pip/bin/pip --python /opt/swatchbook"; \
    if [ -n "$TORCH_INDEX" ]; then \
        $pip install --index-url "$TORCH_INDEX" "$(grep -o '^torch==[0-9.]*' $lock)"; \
        awk '/^[a-z]/ {drop = /^(torch|triton|nvidia|cuda)/} !drop' $lock > rest.lock; lock=rest.lock; \
    fi; \
    $pip install --no-deps --require-hashes -r $lock; \
    rm -- *.lock

FROM pip AS wheel
WORKDIR /source
COPY . .
RUN /opt/pip/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . packages/*/

FROM ${VARIANT}
RUN useradd --uid 10001 --create-home --home-dir /var/lib/swatchbook swatchbook \
    && install --directory --owner=swatchbook --group=swatchbook /var/lib/models /var/lib/prefect
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels --mount=type=bind,from=pip,source=/opt/pip,target=/opt/pip \
    /opt/pip/bin/pip --python /opt/swatchbook install --no-index --no-deps /wheels/*.whl
ENV SWATCHBOOK_HOME=/var/lib/swatchbook \
    HF_HOME=/var/lib/models \
    PREFECT_HOME=/var/lib/swatchbook/prefect \
    PREFECT_RESULTS_DEFAULT_SERIALIZER=json \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    PYTHONUNBUFFERED=1
# By number: Kubernetes refuses `runAsNonRoot` with a name, because it cannot know whether that is root.
USER 10001:10001
WORKDIR /var/lib/swatchbook
EXPOSE 8420
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8420/live')"]
CMD ["swatchbook", "serve", "--host", "0.0.0.0"]
