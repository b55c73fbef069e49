# Celery workers and beat, with the packages that read h5ad files. Build it from the root of the repository:
#   docker build --file docker/worker.Dockerfile --tag cellenium-admin-worker .
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements/production.txt requirements/production.txt
RUN python3 -m venv --without-pip /opt/venv \
    && python3 -m pip --python /opt/venv/bin/python3 install --no-cache-dir --require-hashes \
        --requirement requirements/production.txt
COPY . .
RUN python3 -m compileall -q cellenium_admin grants studies imports \
    && chmod -R u=rwX,go=rX .

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin cellenium \
    && install -d -o cellenium -g cellenium -m 0750 /data/stores /data/scratch
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s CMD ["/app/docker/health.sh", "worker"]
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["worker"]
