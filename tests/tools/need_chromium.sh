#!/bin/sh
# The browser tests drive Debian's Chromium.
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium from Debian's packages"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null && exit 0
fi
echo "The browser tests need Chromium. Run as root:  apt-get update && apt-get install -y --no-install-recommends chromium" >&2
exit 1
