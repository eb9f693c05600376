#!/usr/bin/env bash
# Obtain Prometheus for the tests and print its path. Tried in this order: the PATH, the cache, Debian's own package, which
# is downloaded and unpacked, not installed: that takes no root. Progress goes to stderr.
set -euo pipefail

cache=${BOREALIS_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/borealis-tests}
program=$cache/prometheus/prometheus

say() { printf 'prometheus: %s\n' "$*" >&2; }

if command -v prometheus; then exit 0; fi
if [ -x "$program" ]; then
  printf '%s\n' "$program"
  exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/.prometheus.lock"
flock 9 # two test runs on one machine download once
if [ -x "$program" ]; then
  printf '%s\n' "$program"
  exit 0
fi

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
  say "this is no Debian: install Prometheus yourself, so that it is on the PATH"
  exit 1
}
work=$(mktemp -d "$cache/prometheus.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Package lists of its own where the machine has none, or old ones, so that nothing of the machine changes.
lists=(-o "Dir::State::Lists=$work/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "APT::Sandbox::User=")
download() { (cd "$work" && apt-get "$@" download -qq prometheus >&2); }
if ! download 2>/dev/null; then
  say "reading Debian's package lists"
  mkdir -p "$work/lists/partial"
  apt-get "${lists[@]}" update -qq >&2
  download "${lists[@]}" || {
    say "cannot be downloaded: install Prometheus yourself, so that it is on the PATH"
    exit 1
  }
fi
(cd "$work" && dpkg-deb -x prometheus_*.deb unpacked)
mkdir -p "$(dirname "$program")"
install -m 0755 "$work/unpacked/usr/bin/prometheus" "$program.new"
mv "$program.new" "$program"
printf '%s\n' "$program"
