#!/bin/sh
# Installs the command jwt-sso with its manual pages and completions.
#
#   install-command.sh BINARY PREFIX
set -eu
[ $# = 2 ] || { echo "usage: $0 BINARY PREFIX" >&2; exit 2; }
binary=$1
prefix=$2

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$binary" man --output-dir "$made/man1"
mkdir "$made/completions"
"$binary" completions bash >"$made/completions/jwt-sso"
"$binary" completions zsh >"$made/completions/_jwt-sso"
"$binary" completions fish >"$made/completions/jwt-sso.fish"

as_root() { if [ -w "$prefix" ] || [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
as_root install -D -m 755 "$binary" "$prefix/bin/jwt-sso"
as_root install -D -m 644 -t "$prefix/share/man/man1" "$made"/man1/*
as_root install -D -m 644 -t "$prefix/share/bash-completion/completions" "$made/completions/jwt-sso"
as_root install -D -m 644 -t "$prefix/share/zsh/site-functions" "$made/completions/_jwt-sso"
as_root install -D -m 644 -t "$prefix/share/fish/vendor_completions.d" "$made/completions/jwt-sso.fish"
echo "command: installed $prefix/bin/jwt-sso, its manual pages and completions"
