#!/usr/bin/env bash
# Installs Debian's Chromium for the browser tests where neither it nor another one, named by CHROMIUM, is on this machine.
set -euo pipefail
browser=${CHROMIUM:-/usr/bin/chromium}
if [ -x "$browser" ]; then exit 0; fi

missing() {
  echo "the browser tests need Chromium: $browser isn't there, and $1. Install it (apt-get install chromium), or set CHROMIUM to one." >&2
  exit 1
}
if [ -n "${CHROMIUM:-}" ]; then missing "CHROMIUM names it"; fi
command -v apt-get >/dev/null || missing "there is no apt-get to install it by"
root=()
if [ "$(id -u)" != 0 ]; then
  sudo -n true 2>/dev/null || missing "apt-get needs root or sudo without a password"
  root=(sudo -n)
fi
echo "installing Chromium (a minute, once)"
"${root[@]}" apt-get update -qq || missing "apt-get can't read its lists"
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null || missing "apt-get can't install it"
if [ ! -x "$browser" ]; then missing "the package chromium doesn't bring it"; fi
