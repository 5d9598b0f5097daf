#!/bin/sh
# Tries one of the README's commands to bootstrap.sh, or all checks, on a Debian that has nothing yet:
# makes one, clones what is committed here into it, and runs the command there. Needs root, mmdebstrap
# and a network. The release is bookworm unless another is named; options behind "test" are ctest's.
#
# Usage: sh tests/system/bare_root.sh [-r RELEASE] run|test|package|check [OPTION]...
set -eu

say() {
    printf '\n==== bare root: %s (%s s) ====\n' "$*" "$(($(date +%s) - started))" >&2
}

# A command of the checkout, with nothing of this machine in its environment.
in_root() {
    # A mount of its own, without which unshare(1) makes no mount namespace in the root.
    mount --bind "$dir/root" "$dir/root"
    mount -t proc proc "$dir/root/proc"
    mount -t sysfs sysfs "$dir/root/sys"
    mount -t devpts -o ptmxmode=666 devpts "$dir/root/dev/pts"
    exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb chroot "$dir/root" \
        sh -c 'cd /udpecho && exec "$@"' sh "$@"
}

# What the README says to type in another terminal, word by word, in the root where that was built: 0
# if the server answers.
ask_as_the_readme_does() {
    typed=$(sed -n '/^PATH=/,/^udpecho /p' "$dir/root/udpecho/README.md")
    [ -n "$typed" ]
    say "$typed"
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$dir/root" sh -c "cd /udpecho && $typed"
}

check_run() {
    mkfifo "$dir/log"
    in_root sh packaging/bootstrap.sh run > "$dir/log" 2>&1 &
    answered=no
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in
        *' info serving '*)
            say 'serves'
            ask_as_the_readme_does && answered=yes
            kill -TERM $!
            ;;
        esac
    done < "$dir/log"
    wait $!
    [ $answered = yes ]
}

if [ "${1-}" = inside ]; then
    started=$2 dir=$3 command=$4
    shift 4
    case $command in
    run) check_run ;;
    test) in_root sh packaging/bootstrap.sh test "$@" ;;
    package) in_root sh packaging/bootstrap.sh package ;;
    check) in_root bash .ci/run ;;
    esac
    exit
fi

release=bookworm
if [ "${1-}" = -r ] && [ $# -gt 1 ]; then
    release=$2
    shift 2
fi
case $#,${1-} in
1,run | *,test | 1,package | 1,check) ;;
*)
    sed -n 's/^# Usage: /Usage: /p' "$0" >&2
    exit 64
    ;;
esac

started=$(date +%s)
# Not /tmp, which often allows no device files, such as the root's /dev/null.
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/udpecho-bare-root.XXXXXX")
chmod 755 "$dir" # for apt, which downloads as a user of its own
trap 'rm -rf --one-file-system "$dir"' EXIT
trap 'exit 1' HUP INT TERM

mmdebstrap --quiet --variant=minbase "$release" "$dir/root"
cp /etc/resolv.conf "$dir/root/etc/"
# As netbase has it, which an installer would bring.
printf '%s\n' '127.0.0.1 localhost' '::1 localhost ip6-localhost ip6-loopback' \
    > "$dir/root/etc/hosts"
git clone --quiet "$(dirname "$0")/../.." "$dir/root/udpecho"
say 'made'

# What the command mounts and starts ends with its namespaces, before the directory is removed.
unshare --mount --pid --fork --kill-child sh "$0" inside "$started" "$dir" "$@"
say "\"$*\" worked"
