#!/bin/sh
# Makes the pictures of the README from real runs: live.svg is the terminal of udpecho while it asks
# six servers, plot.svg is what --plot writes about one of them. The servers run here, and --impair
# delays and drops their replies as distant networks do. Takes a minute and needs tmux.
#
# Usage: sh .github/pictures/make.sh BUILD, where BUILD/src has both programs
set -eu

if [ "${2-}" != inside ]; then
    exec unshare --map-root-user --mount --net --pid --fork --mount-proc --kill-child sh "$0" "$1" inside
fi
pictures=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PATH=$(CDPATH='' cd -- "$1/src" && pwd):$PATH
cd "$(mktemp -d)"
mount -t tmpfs none .
cd "$PWD"
ip link set lo up

impair() {
    printf 'listen=%s:7\nallow=192.0.2.0/24\nimpair=%s\n' "$address" "$1" > "$name.conf"
}

while read -r name address impairments; do
    ip address add "$address/32" dev lo
    printf '%s %s.example.net\n' "$address" "$name" >> hosts
    printf '%s.example.net\n' "$name" >> targets
    impair "$impairments"
    udpechod --config="$name.conf" 2> "$name.log" &
    echo $! > "$name.pid"
done << 'END'
frankfurt 192.0.2.1 delay=6ms,jitter=1ms,distribution=normal
amsterdam 192.0.2.2 delay=11ms,jitter=2ms,distribution=normal
london 192.0.2.3 delay=17ms,jitter=3ms,distribution=normal,drop=2%
newyork 192.0.2.4 delay=84ms,jitter=5ms,distribution=normal
singapore 192.0.2.5 delay=168ms,jitter=14ms,distribution=normal,drop=14%
sydney 192.0.2.6 delay=260ms,jitter=3ms,distribution=normal
END
mount --bind hosts /etc/hosts
sleep 1

tmux -L pictures -f /dev/null new-session -d -x 112 -y 9 "udpecho -i 500ms --targets=targets"
sleep 15
kill "$(cat sydney.pid)"
sleep 6
tmux -L pictures capture-pane -e -p | python3 "$pictures/terminal.py" > "$pictures/live.svg"
tmux -L pictures kill-server

udpecho -q -i 50ms -c 600 --plot="$pictures/plot.svg" london.example.net &
run=$!
name=london address=192.0.2.3
sleep 12
impair delay=32ms,jitter=12ms,drop=12%
kill -HUP "$(cat london.pid)"
sleep 8
impair delay=17ms,jitter=3ms,distribution=normal
kill -HUP "$(cat london.pid)"
wait "$run"
