#!/bin/sh
# Runs a Windows program under Wine, without a display, in a Wine prefix of its own that is made
# when it is first needed. Its server ends by itself a minute after the last program.
#
# Usage: wine.sh PREFIX PROGRAM [ARGUMENT...]
# UDPECHO_WINEPREFIX names another prefix, WINEDEBUG what Wine tells if not nothing.
set -eu

WINEPREFIX=${UDPECHO_WINEPREFIX:-$1}
WINEDEBUG=${WINEDEBUG:--all}
WINEDLLOVERRIDES="mscoree,mshtml=" # .NET and a browser, which it would offer to download
LC_ALL=C.UTF-8 # the form of file names and arguments, which is nothing but ASCII otherwise
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES LC_ALL
unset DISPLAY WAYLAND_DISPLAY
shift

start_session() {
    if [ ! -e "$WINEPREFIX/complete" ]; then
        timeout 300 wine wineboot -i || return
        # In the session that made the prefix no service ever starts.
        wineserver -k || return
        touch "$WINEPREFIX/complete"
    fi
    # Without a server that stays, services end between two programs. It fails if one runs already.
    if wineserver -p60; then
        # Wine keeps no event log. What services would write there goes to session.log.
        : >"$WINEPREFIX/session.log"
        WINEDEBUG=-all,+eventlog timeout 60 wine wineboot
        # It would be Windows 7, which the installers refuse.
        timeout 60 wine winecfg -v win10
    fi
}

# Tests run in parallel, and one of them starts the session. The server outlives this script, so it
# must hold neither the lock nor whatever the caller reads the output from.
mkdir -p "$WINEPREFIX"
if ! (flock 9 && start_session </dev/null >>"$WINEPREFIX/session.log" 2>&1 9>&-) \
    9>"$WINEPREFIX/lock"; then
    echo "wine.sh: Wine does not start; see $WINEPREFIX/session.log" >&2
    exit 1
fi

# By exec, so that signals to this process reach the program: SIGINT is its Ctrl-C.
exec wine "$@" </dev/null
