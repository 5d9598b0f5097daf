#!/bin/sh
# Unpacks Debian's source packages as DIRECTORY/PACKAGE, with Debian's patches. They become part of
# the programs of cross builds, so apt checks their signatures, and security fixes come the way that
# all of Debian's do. The machine's own list of sources is left alone; no privilege is needed.
#
# Usage: fetch.sh DIRECTORY PACKAGE...
# UDPECHO_DEBIAN_MIRROR and UDPECHO_DEBIAN_RELEASE say where from, if not bookworm at deb.debian.org.
set -eu

mirror=${UDPECHO_DEBIAN_MIRROR:-http://deb.debian.org}
release=${UDPECHO_DEBIAN_RELEASE:-bookworm}
signed="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
directory=$1
shift

private_apt() {
    # The user _apt, whom apt would otherwise become, may not be able to write here.
    apt-get -qq -o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

rm -rf "$directory"
mkdir -p "$directory/apt/lists/partial" "$directory/apt/cache/archives/partial"
cd "$directory"
cat >apt/sources.list <<EOF
deb-src $signed $mirror/debian $release main
deb-src $signed $mirror/debian-security $release-security main
EOF
private_apt update
private_apt source "$@"
rm -r apt
for package; do
    mv "$package"-[0-9]*/ "$package"
done
