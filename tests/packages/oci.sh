#!/bin/sh
# Builds the image of packaging/oci and asks a container of it for echoes and for its health. None of
# ctest's tests, as it takes minutes, root, podman, runc, mmdebstrap and a mirror of Debian. No
# registry is asked: a Debian that mmdebstrap makes stands in for the one from there.
#
# The container shares the network of this host, so it is not tested how an engine forwards ports.
set -eu
cd "$(dirname "$0")/../.."

base=localhost/debian
work=$(mktemp -d)

# Nothing of what is here already is touched. Of the runtimes, runc also takes hosts with both kinds
# of control groups.
run_podman() {
    podman --storage-driver vfs --root "$work/images" --runroot "$work/run" \
        --cgroup-manager cgroupfs --runtime runc "$@"
}

finish() {
    run_podman rm --all --force > /dev/null || :
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# Prints the address that a line of the server's log has.
find_address() { # LINE
    run_podman logs udpechod 2>&1 | sed -n "s/.* info $1 address=\([^ ]*\).*/\1/p"
}

mmdebstrap --quiet --variant=apt bookworm "$work/debian.tar"
run_podman import --quiet "$work/debian.tar" "$base"
run_podman build --isolation chroot --pull=never --layers=false --build-arg "DEBIAN=$base" \
    --tag udpecho --file packaging/oci/Containerfile .

# Podman would raise these two limits, which not every root may.
run_podman run --detach --name udpechod --network host --read-only --cap-drop all \
    --security-opt no-new-privileges --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
    localhost/udpecho --listen=127.0.0.1:0 --metrics-listen=127.0.0.1:0
tries=0
until run_podman logs udpechod 2>&1 | grep ' info serving '; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] && sleep 0.2
done

run_podman exec udpechod /usr/bin/udpecho --count=3 --interval=200ms "$(find_address listening)"
python3 -c 'import sys, urllib.request as http; print(http.urlopen(sys.argv[1]).read().decode())' \
    "http://$(find_address metrics)/healthz"
[ "$(run_podman top udpechod huser | tail -n 1)" = 65532 ]
run_podman stop udpechod
[ "$(run_podman inspect --format '{{.State.ExitCode}}' udpechod)" = 0 ]
run_podman images localhost/udpecho
echo 'oci.sh: passed'
