#!/usr/bin/env bash
# Obtain a Kubernetes control plane for the tests, and print the folder that holds it.
#
# Tried in this order: KUBEBUILDER_ASSETS, the cache, a build from Debian's own source package. The build runs once per
# machine; its result stays in the user's cache, outside the checkout. Progress goes to stderr, the folder to stdout.
# With --find nothing is built: it prints the folder, or fails with one line that says what to do.
set -euo pipefail

readonly version=1.20.2
readonly build=2 # counts up when what is built changes: each build has a cache of its own
readonly programs=(kube-apiserver kube-controller-manager kube-scheduler kubemark kubectl)
cache=${BOREALIS_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/borealis-tests}
assets=$cache/kubernetes-$version-$build

say() { printf 'kube: %s\n' "$*" >&2; }
die() {
  say "$*"
  say "install etcd and kube-apiserver yourself and set KUBEBUILDER_ASSETS to their folder, or run as root on Debian 12"
  exit 1
}
complete() { # folder
  local program
  for program in etcd "${programs[@]}"; do [ -x "$1/$program" ] || return 1; done
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >&2
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  [ -x "$KUBEBUILDER_ASSETS/kube-apiserver" ] && [ -x "$KUBEBUILDER_ASSETS/etcd" ] ||
    die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS holds no etcd and kube-apiserver"
  if complete "$KUBEBUILDER_ASSETS"; then
    printf '%s\n' "$KUBEBUILDER_ASSETS"
    exit 0
  fi
  say "KUBEBUILDER_ASSETS lacks controllers or the hollow kubelet: falling back to the cache or a build"
fi
if complete "$assets"; then
  printf '%s\n' "$assets"
  exit 0
fi

if [ "${1:-}" = --find ]; then
  say "no Kubernetes programs on this machine: run tests/kube/install.sh (root on Debian 12; once, 4 to 8 minutes)," \
    "or set KUBEBUILDER_ASSETS to a folder with etcd ${programs[*]}"
  exit 1
fi

mkdir -p "$cache"
exec 9>"$cache/.kube.lock"
flock 9 # two test runs on one machine build once
if complete "$assets"; then
  printf '%s\n' "$assets"
  exit 0
fi

command -v apt-get >/dev/null || die "no apt-get here: cannot build Kubernetes from Debian's source package"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT

say "building Kubernetes $version from Debian's source package (once per machine, 4 to 8 minutes)"
apt update -qq || die "apt-get update failed"
apt install -y -qq --no-install-recommends golang-1.19-go dpkg-dev rsync jq make openssl ca-certificates ||
  die "could not install the build tools"
# Only the files of etcd are wanted, not its service: unpack the package instead of installing it.
(cd "$work" && apt-get download -qq etcd-server >&2 && dpkg-deb -x etcd-server_*.deb etcd) || die "could not get etcd-server"

# A private source list, so that the machine's own configuration stays as it was.
sources=$work/sources
mkdir -p "$sources/lists/partial"
shopt -s nullglob
for list in /etc/apt/sources.list.d/*.sources; do
  # Debian's own entries only; other vendors' lists may have no sources.
  if grep -q 'debian-archive-keyring' "$list"; then
    sed 's/^Types:.*/Types: deb-src/' "$list" >"$sources/$(basename "$list")"
  fi
done
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -f "$list" ] && grep -E '^deb +(\[[^]]*\] +)?[^ ]+ +bookworm' "$list" | sed 's/^deb /deb-src /' >>"$sources/all.list" || true
done
[ -n "$(ls "$sources"/*.sources 2>/dev/null)" ] || [ -s "$sources/all.list" ] || die "found no Debian source entry in /etc/apt"
apt_src=(-o "Dir::Etc::SourceParts=$sources" -o "Dir::Etc::SourceList=/dev/null" -o "Dir::State::Lists=$sources/lists"
  -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "APT::Sandbox::User=root")
apt-get "${apt_src[@]}" update -qq >&2 || die "could not read Debian's source index"
mkdir -p "$work/gopath/src/k8s.io"
(cd "$work" && apt-get "${apt_src[@]}" source -qq --download-only "kubernetes" >&2) || die "could not download the source package"
kubernetes=$work/gopath/src/k8s.io/kubernetes
(cd "$work" && dpkg-source -x kubernetes_*.dsc "$kubernetes" >&2) || die "could not unpack the source package"

# The vendored reflect2 1.0.1 reads maps in a way that Go ended with 1.18: an API server built with it dies when a custom
# resource is stored. Debian's own package holds 1.0.2.
reflect2=golang-github-modern-go-reflect2-dev
(cd "$work" && apt-get download -qq "$reflect2" >&2 && dpkg-deb -x "$reflect2"_*.deb reflect2) || die "could not get reflect2"
rm -rf "$kubernetes/vendor/github.com/modern-go/reflect2"
cp -R "$work/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2" "$kubernetes/vendor/github.com/modern-go/" ||
  die "could not replace reflect2"

# The vendored code of this release does not build with a newer Go: Debian's own comes first on the PATH.
what=("${programs[@]/#/cmd/}")
(
  cd "$kubernetes"
  env -u GOFLAGS -u GOROOT PATH="/usr/lib/go-1.19/bin:$PATH" GOPATH="$work/gopath" GOCACHE="$work/gocache" HOME="$work" \
    CGO_ENABLED=0 GO111MODULE=off KUBE_GIT_VERSION=v$version KUBE_GIT_TREE_STATE=clean KUBE_GIT_COMMIT=0 \
    make GOFLAGS=-tags=providerless GOLDFLAGS="-s -w" WHAT="${what[*]}" >&2
) || die "the build failed"

staged=$work/assets
mkdir -p "$staged"
for program in "${programs[@]}"; do
  install -m 0755 "$kubernetes/_output/bin/$program" "$staged/$program"
done
install -m 0755 "$work/etcd/usr/bin/etcd" "$staged/etcd"
rm -rf "$assets"
mv "$staged" "$assets"
say "done"
printf '%s\n' "$assets"
