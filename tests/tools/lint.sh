#!/bin/sh
# Usage: lint.sh BIN. Runs every linter and says which failed.
bin=$1 failed=0
run() { "$@" || { echo "failed: $*" >&2; failed=1; }; }
run "$bin/ruff" check .
run "$bin/ruff" format --check .
run "$bin/lint-imports"
for file in docker/*.Dockerfile; do run "$bin/hadolint" "$file"; done
run "$bin/check-jsonschema" --builtin-schema vendor.compose-spec docker/compose.yml
exit $failed
