#!/bin/sh
# Usage: install.sh PYTHON VENV demo|dev|bench|ready. Fills a virtual environment from the hashed lock files.
set -eu
python=$1 venv=$2 kind=$3
here=$(dirname "$0")

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; $python is $("$python" --version 2>&1). Try: make PYTHON=python3.13 ..." >&2
    exit 1
}
if [ ! -x "$venv/bin/python" ]; then
    echo "Making a virtual environment in $venv"
    "$python" -m venv "$venv" || {
        echo "The venv module is missing. As root: apt-get install -y python3-venv" >&2
        exit 1
    }
fi
if [ ! -x "$venv/bin/uv" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$here/installer.txt" || echo "uv is not to be had here; pip will do the same, only slower" >&2
fi

install() {
    echo "Installing $*"
    if [ -x "$venv/bin/uv" ]; then
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes "$@"
    else
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes "$@"
    fi
}

case $kind in
    demo) install -r "$here/sandbox.txt"; install --no-deps -r "$here/data.txt" ;;
    dev) install -r "$here/dev.txt"; install --no-deps -r "$here/data.txt" ;;
    bench) install -r "$here/bench.txt"; install --no-deps -r "$here/data.txt" ;;
    ready) install -r "$here/awscli.txt" ;;
esac
touch "$venv/.$kind"
