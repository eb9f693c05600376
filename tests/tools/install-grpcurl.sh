#!/usr/bin/env bash
# Obtain grpcurl for the tests and print its path; or print nothing where it cannot be had (the tests then use `buf curl`).
# Tried in this order: the PATH, the cache, a build of its Go module. Progress goes to stderr.
set -euo pipefail

readonly module=github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.8.9
cache=${BOREALIS_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/borealis-tests}
program=$cache/grpcurl-${module##*@}/grpcurl

say() { printf 'grpcurl: %s\n' "$*" >&2; }

if command -v grpcurl; then exit 0; fi
if [ -x "$program" ]; then
  printf '%s\n' "$program"
  exit 0
fi
mkdir -p "$(dirname "$program")"
exec 9>"$cache/.grpcurl.lock"
flock 9

go=/usr/lib/go-1.19/bin/go
[ -x "$go" ] || go=$(command -v go || true)
if [ -z "$go" ]; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq >&2 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
      --no-install-recommends golang-1.19-go ca-certificates >&2 && go=/usr/lib/go-1.19/bin/go
fi
if [ -z "$go" ] || ! env -u GOROOT GOFLAGS=-mod=mod CGO_ENABLED=0 GOBIN="$(dirname "$program")" "$go" install "$module" >&2; then
  say "cannot be built here; the tests use buf curl instead"
  exit 0
fi
printf '%s\n' "$program"
