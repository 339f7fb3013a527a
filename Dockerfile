# Images of the pipeline: `cpu` (watch, receiver, metrics, Prefect's servers; no torch), `gpu` (absorbs), `mlflow`.
# Every dependency is pinned by constraints.txt and checked by its hash while an image is built. docs/howto/containers.md
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1
WORKDIR /src
COPY constraints.txt ./
RUN ["python3", "-m", "venv", "/opt/build"]
RUN ["/opt/build/bin/pip", "install", "--quiet", "--constraint", "constraints.txt", "uv", "hatchling"]
ENV PATH=/opt/build/bin:${PATH}
RUN ["mkdir", "-p", "/dist", "/skeleton/grasp/cache", "/skeleton/grasp/data"]

FROM tools AS wheel
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY grasp_core grasp_core
COPY tasks tasks
COPY flows flows
COPY deployments deployments
RUN ["uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--python", "/opt/build/bin/python", "--out-dir", "/dist"]

# Dependencies before the code, so that a change of code fetches nothing anew.
FROM tools AS build-cpu
COPY pyproject.toml deployments/images/cpu.in ./
RUN ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--constraint", "constraints.txt", \
     "--output-file", "/dist/cpu.txt", "pyproject.toml", "cpu.in"]
RUN ["python3", "-m", "venv", "--without-pip", "/opt/grasp"]
RUN ["uv", "pip", "install", "--quiet", "--python", "/opt/grasp/bin/python", "--require-hashes", "--no-deps", \
     "--requirement", "/dist/cpu.txt"]
COPY --from=wheel /dist /dist
RUN ["uv", "pip", "install", "--quiet", "--python", "/opt/grasp/bin/python", "--no-deps", "--no-index", \
     "--find-links", "/dist", "grasp-pipeline"]

FROM tools AS build-mlflow
COPY deployments/images/mlflow.in ./
RUN ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--constraint", "constraints.txt", \
     "--output-file", "/dist/mlflow.txt", "mlflow.in"]
RUN ["python3", "-m", "venv", "--without-pip", "/opt/mlflow"]
RUN ["uv", "pip", "install", "--quiet", "--python", "/opt/mlflow/bin/python", "--require-hashes", "--no-deps", \
     "--requirement", "/dist/mlflow.txt"]

# A user by number needs no entry in /etc/passwd. Its home is where volumes go: they take over whose it is.
FROM ${BASE} AS runtime
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="GRASP pipeline" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV HOME=/home/grasp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DO_NOT_TRACK=1
COPY --from=tools --chown=10001:10001 /skeleton /home
WORKDIR /home/grasp
USER 10001:10001
STOPSIGNAL SIGTERM

# Workers and `grasp metrics` ask `python -m deployments.images.healthy` how they do; compose.yaml says which door.
FROM runtime AS cpu
ENV PATH=/opt/grasp/bin:${PATH} \
    PREFECT_HOME=/home/grasp/prefect \
    GRASP_CACHE_DIR=/home/grasp/cache
COPY --from=build-cpu /opt/grasp /opt/grasp
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-m", "deployments.images.healthy"]
ENTRYPOINT ["grasp"]
CMD ["worker", "cpu"]

FROM runtime AS mlflow
ENV PATH=/opt/mlflow/bin:${PATH} \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    HEALTH_URL=http://127.0.0.1:5000/health
COPY --from=build-mlflow /opt/mlflow /opt/mlflow
COPY deployments/images/healthy.py /opt/mlflow/healthy.py
EXPOSE 5000
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s CMD ["python", "/opt/mlflow/healthy.py"]
ENTRYPOINT ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000"]

# Last, because the classic builder builds every stage before the one that was asked for.
FROM tools AS build-gpu
COPY pyproject.toml ./
RUN ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--constraint", "constraints.txt", \
     "--extra", "absorb", "--output-file", "/dist/gpu.txt", "pyproject.toml"]
RUN ["python3", "-m", "venv", "--without-pip", "/opt/grasp"]
RUN ["uv", "pip", "install", "--quiet", "--python", "/opt/grasp/bin/python", "--require-hashes", "--no-deps", \
     "--requirement", "/dist/gpu.txt"]
COPY --from=wheel /dist /dist
RUN ["uv", "pip", "install", "--quiet", "--python", "/opt/grasp/bin/python", "--no-deps", "--no-index", \
     "--find-links", "/dist", "grasp-pipeline"]

FROM runtime AS gpu
ENV PATH=/opt/grasp/bin:${PATH} \
    PREFECT_HOME=/home/grasp/prefect \
    GRASP_CACHE_DIR=/home/grasp/cache
COPY --from=build-gpu /opt/grasp /opt/grasp
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-m", "deployments.images.healthy"]
ENTRYPOINT ["grasp"]
CMD ["worker", "gpu"]
