#!@RCD_SCRIPTS_SHELL@

# PROVIDE: udpechod
# REQUIRE: DAEMON
# KEYWORD: shutdown

# Never run on NetBSD yet, only over a stand-in for its rc.subr.
#
# "udpechod=YES" in rc.conf(5) has it started with the system. What else can be said there:
#
#   udpechod_config  the configuration file
#   udpechod_flags   more options, which win over the file
#   udpechod_user    the user; "root" for a port below 1024

# shellcheck shell=sh disable=SC1091,SC2034,SC2154 # rc.subr is the system's and reads these
. @SYSCONFBASE@/rc.subr

name=udpechod
rcvar=$name

load_rc_config $name

: "${udpechod_config:=@PKG_SYSCONFDIR@/udpechod.conf}"
: "${udpechod_user:=@UDPECHOD_USER@}"

command=@PREFIX@/sbin/udpechod
required_files=$udpechod_config
extra_commands="reload configtest"
start_precmd=udpechod_configtest
reload_precmd=udpechod_configtest
configtest_cmd=udpechod_configtest

# udpechod stays in the foreground and logs to standard error. NetBSD has no program that takes
# this from it, but rc.subr has the shell read the command line, which can therefore do the same.
# It needs no pid file: rc.subr finds the process by its command.
command_args="--config=$udpechod_config < /dev/null 2>&1 | logger -t $name -p daemon.info &"

# What is started in the background could not tell of a mistake.
udpechod_configtest()
{
    # shellcheck disable=SC2086 # flags are to be split into words
    $command --config="$udpechod_config" $rc_flags --check-config > /dev/null
}

run_rc_command "$1"
