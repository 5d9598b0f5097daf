#!/bin/sh
# Tries one of the README's two commands on a Debian 12 that has nothing yet: makes one, gives it a
# checkout, and runs the command there. Needs root, mmdebstrap and a network.
#
# Usage: sh tests/system/bare_root.sh run|test [--worktree]
#
# The checkout is HEAD's; with --worktree it is what lies here, changes and new files included.
set -eu

say() {
    printf '\n==== bare root: %s (%s s) ====\n' "$*" "$(($(date +%s) - started))" >&2
}

copy_tree() { # HEAD|worktree
    cd "$(dirname "$0")/../.."
    if [ "$1" = HEAD ]; then
        git archive HEAD
    else
        git ls-files -z --cached --others --exclude-standard | tar -c --null -T -
    fi
}

# The command as the README has it, with nothing of this machine in its environment.
in_root() { # run|test
    mount -t proc proc "$dir/root/proc"
    mount -t sysfs sysfs "$dir/root/sys"
    mount -t devpts -o ptmxmode=666 devpts "$dir/root/dev/pts"
    exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb chroot "$dir/root" \
        sh -c "cd /udpecho && exec sh packaging/bootstrap.sh $1"
}

# A client of its own: what comes back for one datagram, or nothing.
echo_of() { # text
    # shellcheck disable=SC2016 # bash is to expand this
    bash -c 'exec 3<> /dev/udp/127.0.0.1/8888 && printf %s "$0" >&3 &&
             timeout 10 head -c "${#0}" <&3' "$1"
}

check_run() {
    mkfifo "$dir/log"
    in_root run > "$dir/log" 2>&1 &
    heard=
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in
        *' info serving '*)
            say 'serves'
            heard=$(echo_of 'hello, echo') || :
            kill -TERM $!
            ;;
        esac
    done < "$dir/log"
    wait $!
    [ "$heard" = 'hello, echo' ]
}

case ${1-},${2-} in
run, | test,) tree=HEAD ;;
run,--worktree | test,--worktree) tree=worktree ;;
inside,run)
    started=$3 dir=$4
    check_run
    exit
    ;;
inside,test)
    started=$3 dir=$4
    in_root test
    ;;
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

mmdebstrap --quiet --variant=minbase bookworm "$dir/root"
cp /etc/resolv.conf "$dir/root/etc/"
printf '%s localhost\n' 127.0.0.1 ::1 > "$dir/root/etc/hosts" # which an installer would write
mkdir "$dir/root/udpecho"
copy_tree "$tree" | tar -x -C "$dir/root/udpecho"
say 'made'

# What the command mounts and starts ends with its namespaces, before the directory is removed.
unshare --mount --pid --fork --kill-child sh "$0" inside "$1" "$started" "$dir"
say "\"$1\" worked"
