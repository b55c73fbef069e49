# The web server, and every management command that reads no h5ad file. Build it from the root of the repository:
#   docker build --file docker/web.Dockerfile --tag cellenium-admin-web .
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
RUN python3 -m venv --without-pip /opt/venv \
    && python3 -m pip --python /opt/venv/bin/python3 install --no-cache-dir --require-hashes \
        --requirement requirements/base.txt
COPY . .
# Django does not start without these; the values are of no use outside this one command.
RUN python3 clients/build.py \
    && CELLENIUM_ENVIRONMENT=production CELLENIUM_SECRET_KEY=collectstatic CELLENIUM_ALLOWED_HOSTS=localhost \
    CELLENIUM_DATABASE_URL=postgres://localhost/none CELLENIUM_REDIS_URL=redis://localhost \
    CELLENIUM_H5AD_STORE=/tmp CELLENIUM_STORE_DIR=/tmp CELLENIUM_SCRATCH_DIR=/tmp \
    /opt/venv/bin/python3 manage.py collectstatic --noinput \
    && python3 -m compileall -q cellenium_admin grants studies imports \
    && chmod -R u=rwX,go=rX .

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin cellenium \
    && install -d -o cellenium -g cellenium -m 0750 /data/stores /data/scratch
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/app/docker/health.sh", "web"]
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["web"]
