#!/bin/sh
# Usage: health.sh web|worker|beat. Exit code 0 when the container's process works.
set -eu

case $1 in
    web)
        # Django answers only under its own names, so the request carries the first of them.
        exec python3 - <<'PYTHON'
import http.client, os, sys

host = os.environ["CELLENIUM_ALLOWED_HOSTS"].split(",")[0].lstrip(".").replace("*", "localhost")
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
connection.request("GET", "/health/live", headers={"Host": host})
sys.exit(connection.getresponse().status != 200)
PYTHON
        ;;
    worker) exec celery --app cellenium_admin inspect ping --timeout 10 --destination "celery@$(hostname)" >/dev/null ;;
    beat)
        # Beat answers nobody, but writes its schedule every three minutes.
        find /tmp/beat -type f -mmin -10 | grep -q .
        ;;
esac
