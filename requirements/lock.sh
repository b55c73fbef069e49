#!/bin/sh
# Compiles requirements/*.in; every file takes its versions from dev.txt, so that no two disagree.
set -eu
cd "$(dirname "$0")"
case ${UV:-uv} in */*) UV=$(cd .. && realpath "$UV") ;; *) UV=uv ;; esac

compile() {
    "$UV" pip compile --universal --python-version 3.11 --generate-hashes --quiet --no-annotate \
        --custom-compile-command "make lock" "$@"
}

compile dev.in -o dev.txt
for name in base compute sandbox production test installer; do
    compile "$name.in" -c dev.txt -o "$name.txt"
done
compile --no-deps data.in -c dev.txt -o data.txt
compile bench.in -c dev.txt -o bench.txt
compile awscli.in -o awscli.txt
