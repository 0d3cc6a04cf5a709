# Dataflow's workers on GPUs, and a launcher of the flex template. Built from the clone's root:
#   docker build --file templates/worker-gpu.Dockerfile --tag IMAGE .
ARG PYTHON_IMAGE=python:3.13.14-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8
ARG GO_IMAGE=golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d
ARG LAUNCHER_IMAGE=gcr.io/dataflow-templates-base/python313-template-launcher-base@sha256:3b739eee1143263b8f4740beb0b18a28e511533ebb8b1577bd3fdf2b05bd223d

FROM ${LAUNCHER_IMAGE} AS launcher

# Beam's program that starts a worker's Python, from its source; Go's checksum database vouches for it.
FROM ${GO_IMAGE} AS boot
RUN CGO_ENABLED=0 go install github.com/apache/beam/sdks/v2/python/container@v2.77.0

FROM ${PYTHON_IMAGE}
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher
COPY --from=boot /go/bin/container /opt/apache/beam/boot

COPY requirements/worker-gpu.txt /opt/beam_audio/requirements.txt
RUN pip install --no-cache-dir --only-binary :all: --require-hashes --requirement /opt/beam_audio/requirements.txt
COPY setup.py pyproject.toml README.md LICENSE NOTICE /opt/beam_audio/source/
COPY beam_audio /opt/beam_audio/source/beam_audio
COPY models /opt/beam_audio/source/models
RUN pip install --no-cache-dir --no-deps --no-build-isolation /opt/beam_audio/source && pip check

# The launcher logs below /var/log, and Dataflow hands files to workers below /var/opt.
RUN useradd --create-home --uid 10001 beam \
    && mkdir -p /opt/beam_audio/cache /var/log/dataflow/template_launcher /var/opt/google \
    && chown -R beam /opt/beam_audio/cache /var/log/dataflow /var/opt/google
ARG RUN_AS=beam
USER ${RUN_AS}

ARG MODELS="whisper-tiny.en whisper-base"
ARG PRECISIONS="float16"
# CUDA and cuDNN are Python packages here; the driver is the machine's, put there by Dataflow.
ENV LD_LIBRARY_PATH=/usr/local/nvidia/lib64
ENV BEAM_AUDIO_CACHE=/opt/beam_audio/cache
# Beam loads Arrow before it loads beam_audio, which sets this elsewhere.
ENV ARROW_DEFAULT_MEMORY_POOL=system
RUN for model in ${MODELS}; do for precision in ${PRECISIONS}; do \
    beam-audio models build "$model" --precision="$precision" || exit 1; done; done

COPY templates/launcher.py /opt/beam_audio/launcher.py
ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/opt/beam_audio/launcher.py
# Nothing is installed when a worker starts, so it needs no environment of its own.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
ENTRYPOINT ["/opt/apache/beam/boot"]
