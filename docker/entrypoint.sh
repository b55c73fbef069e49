#!/bin/sh
# Usage: entrypoint.sh web|worker|beat [option...], or any management command: entrypoint.sh migrate, ... check_setup
# Each replaces this shell, so that it gets the container's signals itself.
set -eu
role=${1:-web}
[ $# -eq 0 ] || shift

case $role in
    web)
        exec gunicorn cellenium_admin.wsgi --bind 0.0.0.0:8000 --worker-tmp-dir /dev/shm --access-logfile - \
            --workers "${CELLENIUM_WEB_PROCESSES:-2}" --threads "${CELLENIUM_WEB_THREADS:-8}" --timeout 120 "$@"
        ;;
    worker)
        exec celery --app cellenium_admin worker --loglevel INFO --queues "${CELLENIUM_QUEUES:-default,imports,compute}" \
            --concurrency "${CELLENIUM_WORKER_PROCESSES:-2}" "$@"
        ;;
    beat)
        mkdir -p /tmp/beat
        exec celery --app cellenium_admin beat --loglevel INFO --schedule /tmp/beat/schedule --pidfile= "$@"
        ;;
    *) exec python3 -m cellenium_admin "$role" "$@" ;;
esac
