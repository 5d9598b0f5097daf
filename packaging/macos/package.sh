#!/bin/sh
# Makes udpecho-VERSION.pkg for the installer of macOS, in this folder and on macOS, of programs that
# were built for it elsewhere and need nothing but the system. On Debian:
#
#     cmake --preset dev && cmake --build --preset dev --target completions
#     cmake --preset macos-x86_64 -DUDPECHO_COMPLETIONS=$PWD/build/dev/packaging/completions
#     cmake --build --preset macos-x86_64
#     DESTDIR=$PWD/x86_64 cmake --install build/macos-x86_64     # and for macos-aarch64 likewise
#
# Then, on macOS:  sh packaging/macos/package.sh x86_64 aarch64
#
# The programs of several such folders become one that runs on all their processors. The package is
# not signed. This was only run over stand-ins for macOS' tools yet.
set -eu

if [ $# -eq 0 ]; then
    echo 'Usage: sh packaging/macos/package.sh DIRECTORY...' >&2
    exit 64
fi

packaging=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
version=$(sed -n 's/^project(udpecho VERSION \([0-9.]*\).*/\1/p' "$packaging/../CMakeLists.txt")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# lipo has the name of a program in each folder behind its other arguments.
join_programs() { # NAME DIRECTORY...
    name=$1
    shift
    for directory; do
        shift
        set -- "$@" "$directory/usr/local/$name"
    done
    lipo -create -output "$root/usr/local/$name" "$@"
}

cp -R "$1" "$root"
join_programs bin/udpecho "$@"
join_programs sbin/udpechod "$@"

mkdir -p "$root/usr/local/etc" "$root/Library/LaunchDaemons"
cp "$packaging/udpechod.conf" "$root/usr/local/etc/udpechod.conf.default"
cp "$packaging/macos/org.udpecho.udpechod.plist" "$root/Library/LaunchDaemons"
# launchd refuses a job that others than root can write.
chmod 644 "$root/Library/LaunchDaemons/org.udpecho.udpechod.plist"

pkgbuild --root "$root" --scripts "$packaging/macos/scripts" --ownership recommended \
    --identifier org.udpecho.udpechod --version "$version" "$work/udpecho.pkg"
productbuild --distribution "$packaging/macos/distribution.xml" --package-path "$work" \
    "udpecho-$version.pkg"
