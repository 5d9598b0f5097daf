#!/bin/sh
# From a checkout to a running server, or through all tests, on a machine that has nothing yet.
# Where everything is there already, nothing is installed and neither root nor a network needed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

say() {
    printf 'bootstrap: %s\n' "$*" >&2
}

usage() {
    cat << 'END'
Usage: sh packaging/bootstrap.sh run [OPTION]...        build, run udpechod with these options
       sh packaging/bootstrap.sh test [OPTION]...       build, run ctest with these options
       sh packaging/bootstrap.sh package                build a .deb and an .rpm of each program
       sh packaging/bootstrap.sh deps run|test|package|check|bench
                                                        only install what that needs; "check" is
                                                        what .ci/run needs, "bench" the servers
                                                        that udpechod is measured beside; these
                                                        three on Debian
END
}

# ---- What each system calls things ----

find_manager() {
    manager=
    case $(uname -s) in
    MINGW* | MSYS* | UCRT*) manager=msys2 ;;
    *)
        for name in apt-get dnf zypper apk pacman pkg brew; do
            if command -v $name > /dev/null; then
                manager=$name
                return
            fi
        done
        ;;
    esac
}

# Sets lists of packages: `build` for building, `test` for testing besides, `tools` without which
# single tests skip themselves, `package` for packages,
# `check` for .ci/run, `bench` for tests/bench; and the commands `has`, whether packages are
# installed, `knows`, whether they could be, `refresh`, to find out anew, and `install`.
# Only Debian has all of it, and only there has any of this been tried.
describe_manager() {
    build='' test='' tools='' package='' check='' bench='' has=true knows=true refresh=true install=''
    commands='cc cmake make pkg-config' # by which `build` is recognised
    case $manager in
    apt-get)
        build='gcc libc6-dev make cmake pkg-config libapr1-dev libaprutil1-dev libseccomp-dev
               libmicrohttpd-dev libsodium-dev'
        test='ninja-build libcmocka-dev python3'
        tools='strace iproute2 ethtool nftables tcpdump procps util-linux mandoc
               bash zsh fish perl netbase nmap hping3 socat ncat netcat-openbsd
               monitoring-plugins-basic tshark python3-scapy'
        package='ninja-build dpkg-dev file rpm'
        check='git clang clang-format clang-tidy cppcheck libclang-rt-14-dev shellcheck mksh mmdebstrap
               python3-yaml ruby
               gcc-arm-linux-gnueabi libc6-dev-armel-cross gcc-s390x-linux-gnu
               libc6-dev-s390x-cross qemu-user-static musl-tools
               prometheus gcc-mingw-w64-x86-64-win32 wine wine64 wixl msitools nsis mandoc dpkg-dev llvm'
        # Where Node.js is not Debian's, it brings an npm and excludes the package.
        command -v npm > /dev/null || check="$check npm"
        bench='valgrind python3-uvloop libuv1-dev golang-go rustc inetutils-inetd socat'
        command -v node > /dev/null || bench="$bench nodejs"
        has=has_debian_packages knows='apt-get install --simulate'
        # Another apt may be at work on a machine that has only just started.
        apt='as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300'
        refresh="$apt update" install="$apt install -y --no-install-recommends"
        ;;
    dnf)
        build='gcc make cmake pkgconf-pkg-config pkgconfig(apr-1) pkgconfig(apr-util-1)
               pkgconfig(libseccomp) pkgconfig(libmicrohttpd) pkgconfig(libsodium)'
        test='ninja-build pkgconfig(cmocka) python3'
        tools='strace iproute ethtool nftables tcpdump procps-ng util-linux'
        has='rpm -q' install='as_root dnf install -y'
        ;;
    zypper)
        build='gcc make cmake pkgconf-pkg-config pkgconfig(apr-1) pkgconfig(apr-util-1)
               pkgconfig(libseccomp) pkgconfig(libmicrohttpd) pkgconfig(libsodium)'
        test='ninja pkgconfig(cmocka) python3'
        tools='strace iproute2 ethtool nftables tcpdump procps util-linux'
        has='rpm -q' install='as_root zypper --non-interactive install --no-recommends'
        ;;
    apk)
        build='gcc musl-dev make cmake pkgconf apr-dev apr-util-dev libseccomp-dev
               libmicrohttpd-dev libsodium-dev'
        test='samurai cmocka-dev python3'
        tools='strace iproute2 ethtool nftables tcpdump procps util-linux'
        has='apk info -e' refresh='as_root apk update' install='as_root apk add'
        ;;
    pacman)
        build='gcc make cmake pkgconf apr apr-util libseccomp libmicrohttpd libsodium'
        test='ninja cmocka python'
        tools='strace iproute2 ethtool nftables tcpdump procps-ng util-linux'
        has='pacman -Q' refresh='as_root pacman -Sy'
        install='as_root pacman -S --needed --noconfirm'
        ;;
    msys2)
        p=mingw-w64-ucrt-x86_64
        commands='gcc cmake ninja pkg-config' # CMake takes ninja there unasked
        build="$p-gcc $p-cmake $p-ninja $p-pkgconf $p-apr $p-apr-util $p-libsodium"
        test="$p-cmocka $p-python"
        refresh='pacman -Sy' install='pacman -S --needed --noconfirm'
        ;;
    pkg) # FreeBSD: the compiler and make come with the system, apr-util with apr
        build='cmake pkgconf apr libsodium' test='ninja cmocka python3' install='as_root pkg install -y'
        ;;
    brew) # refuses to run as root, and keeps APR out of the way of Apple's old one
        build='cmake pkgconf apr apr-util libsodium' test='ninja cmocka python3' install='brew install'
        opt=$(brew --prefix)/opt
        export PKG_CONFIG_PATH="$opt/apr/lib/pkgconfig:$opt/apr-util/lib/pkgconfig"
        ;;
    esac
}

# dpkg-query's exit status alone takes a removed package's leftover configuration for the package.
has_debian_packages() {
    states=$(dpkg-query -W -f='${db:Status-Status}\n' "$@") &&
        [ "$(printf '%s\n' "$states" | sort -u)" = installed ]
}

# ---- Installing ----

may_be_root() {
    [ "$(id -u)" -eq 0 ] || command -v sudo > /dev/null
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif may_be_root; then
        sudo "$@"
    else
        say "needs root, and there is no sudo, to run: $*"
        exit 77
    fi
}

# shellcheck disable=SC2086 # the lists are to be split into words
needs_are_there() {
    for command in $commands; do
        command -v "$command" > /dev/null || return 1
    done
    pkg-config --exists $modules || return 1
    [ -z "$asked" ] || $has $asked > /dev/null 2>&1
}

# shellcheck disable=SC2086 # here too
install_packages() { # package...
    # The lists of what could be installed may be missing, or so old that downloads fail.
    $knows "$@" > /dev/null 2>&1 || $refresh
    $install "$@" || { $refresh && $install "$@"; }
}

# What single tests need, which skip themselves without it.
# shellcheck disable=SC2086 # here too
install_tools() { # package...
    lacking=
    for tool; do
        $has "$tool" > /dev/null 2>&1 || lacking="$lacking $tool"
    done
    [ -n "$lacking" ] || return 0
    if may_be_root && install_packages $lacking; then
        return
    fi
    say "goes on without$lacking, which could not be installed; tests that need them skip themselves"
}

# shellcheck disable=SC2086 # here too
install_what() { # run|test|package|check|bench
    find_manager
    describe_manager
    packages=$build modules='apr-1 apr-util-1' asked='' optional=''
    if [ "$(uname -s)" = Linux ]; then
        modules="$modules libseccomp libmicrohttpd libsodium"
    fi
    if [ "$1" != run ] && [ "$1" != package ]; then
        packages="$packages $test" modules="$modules cmocka" optional=$tools
        commands="$commands ninja python3"
    fi
    case $1 in
    package) besides=$package ;;
    check) besides="$package $check" ;;
    bench) besides=$bench ;;
    *) besides='' ;;
    esac
    if [ -n "$besides" ]; then
        packages="$packages $besides" asked=$besides
    elif [ "$1" != run ] && [ "$1" != test ]; then
        say "installs what \"$1\" needs besides on Debian only"
    fi
    if ! needs_are_there; then
        install_needs
    fi
    install_tools $optional
}

# shellcheck disable=SC2086 # here too
install_needs() {
    if [ -z "$manager" ]; then
        say 'does not know this system. Please install a C11 compiler, make, CMake 3.18,' \
            'pkg-config, APR 1.7 and APR-util 1.6 with their headers, on Linux libseccomp 2.5' \
            'libmicrohttpd 0.9.71 and libsodium 1.0.12 too; for the tests CMake 3.21,' \
            'Ninja, cmocka and Python 3.9; or later versions of these.'
        exit 69
    fi
    install_packages $packages
}

# ---- The commands ----

run() {
    install_what run
    cmake -S "$root" -B "$root/build/run" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
    cmake --build "$root/build/run"
    exec "$root/build/run/src/udpechod" "$@"
}

run_tests() {
    install_what test
    cd "$root" # where CMake looks for the presets
    cmake --preset dev
    cmake --build --preset dev
    exec ctest --preset dev "$@"
}

build_packages() {
    install_what package
    cd "$root"
    cmake --preset package
    cmake --build --preset package
}

case $#,${1-},${2-} in
2,deps,run | 2,deps,test | 2,deps,package | 2,deps,check | 2,deps,bench) install_what "$2" ;;
*,run,*) shift && run "$@" ;;
*,test,*) shift && run_tests "$@" ;;
1,package,) build_packages ;;
1,-h, | 1,--help,) usage ;;
*)
    usage >&2
    exit 64
    ;;
esac
