#!/bin/sh
# Builds both images without a registry and looks inside. As root; needs Debian's archive and PyPI, takes minutes.
# A minimal Debian stands in for the base image, so this proves the recipes, not the base image.
#   CELLENIUM_PROOF_DIR   where everything is kept, 3 GB (/var/tmp/cellenium-docker-proof)
#   CELLENIUM_PROOF_CA    certificates pip should trust instead of its own, for networks that re-sign traffic
set -eu
cd "$(dirname "$0")/.."
directory=${CELLENIUM_PROOF_DIR:-/var/tmp/cellenium-docker-proof}

[ "$(id -u)" = 0 ] || { echo "Run this as root: it makes a root file system." >&2; exit 1; }
for tool in mmdebstrap buildah; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing. Run: apt-get install -y --no-install-recommends" \
            "buildah mmdebstrap fuse-overlayfs uidmap crun netavark" >&2
        exit 1
    }
done

storage="--storage-driver vfs --root $directory/storage --runroot $directory/run"
trust=
if [ -n "${CELLENIUM_PROOF_CA:-}" ]; then
    trust="--volume $CELLENIUM_PROOF_CA:/etc/ssl/certs/ca-certificates.crt:ro --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt"
fi

say() { echo "[$(date +%T)] $*"; }

build() {
    # shellcheck disable=SC2086 -- both are lists of options
    buildah $storage build --isolation chroot --network host --pull-never --format docker $trust "$@"
}

inside() {
    image=$1
    shift
    container=$(buildah $storage from --pull-never "localhost/$image")
    code=0
    buildah $storage run --isolation chroot "$container" -- "$@" || code=$?
    buildah $storage rm "$container" >/dev/null
    return $code
}

make_stand_in() {
    base=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' docker/web.Dockerfile | head -1)
    if [ ! -e "$directory/base.tar" ]; then
        say "Making a minimal Debian"
        mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
            bookworm "$directory/base.tar.new"
        mv "$directory/base.tar.new" "$directory/base.tar"
    fi
    say "It stands in for $base"
    printf 'FROM scratch\nADD base.tar /\nCMD ["python3"]\n' > "$directory/base.Dockerfile"
    build --quiet --tag "docker.io/library/$base" --file "$directory/base.Dockerfile" "$directory"
}

settings='CELLENIUM_ENVIRONMENT=production CELLENIUM_SECRET_KEY=proof CELLENIUM_ALLOWED_HOSTS=localhost
    CELLENIUM_DATABASE_URL=postgres://localhost/none CELLENIUM_REDIS_URL=redis://localhost
    CELLENIUM_H5AD_STORE=/tmp CELLENIUM_STORE_DIR=/data/stores CELLENIUM_SCRATCH_DIR=/data/scratch'

look_inside() {
    # shellcheck disable=SC2086 -- a list of assignments
    inside "cellenium-admin-$1" env $settings python3 -c "$(cat docker/proof.py)" "$1"
}

mkdir -p "$directory"
make_stand_in
for image in web worker; do
    say "Building $image"
    build --quiet --tag "cellenium-admin-$image" --file "docker/$image.Dockerfile" .
    say "Looking into $image"
    look_inside "$image"
done
say "Both images build and hold what they should."
