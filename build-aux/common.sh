# SPDX-License-Identifier: Apache-2.0
# Shell functions that ./quickstart, ./runtests and the test drivers share:
# packages, building, and servers that run only as long as the script does.
# To be read by bash with `top` set to the root of the source tree.
# shellcheck shell=bash disable=SC2154
#
#   need_packages KIND...            install what build-aux/packages lists
#   build_tree DIR [configure flag]  configure and make in DIR, quietly
#   make_free_port VAR FIRST         a loopback port that nobody listens on
#   fill_template IN NAME=VALUE...   IN with every @NAME@ replaced, to stdout
#   start_server VAR LOG COMMAND...  run a server; VAR is set to its pid
#   await_port PID HOST PORT         until the server answers, or died
#   stop_servers                     all that start_server started, a running
#                                    build step too, and no more; for a trap
#
# A function that fails says why and ends the script with status 1.

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# ---- Packages ---------------------------------------------------------------

# Names of all packages of the kinds given, sorted.  A package that is there
# for one program is left out where that program is (unless=PROGRAM).
list_packages() {
    local name unless
    awk -v kinds=" $* " '
        /^#/ || NF == 0 { next }
        {   wanted = 0
            unless = "-"
            for (i = 2; i <= NF; i++) {
                if (index(kinds, " " $i " ")) wanted = 1
                if (sub(/^unless=/, "", $i)) unless = $i
            }
            if (wanted) print $1, unless
        }
    ' "$top/build-aux/packages" | sort -u |
        while read -r name unless; do
            [ "$unless" != - ] && command -v "$unless" >/dev/null ||
                printf '%s\n' "$name"
        done
}

# Reads names, prints those that dpkg does not have installed.
missing_packages() {
    local name
    while read -r name; do
        case $(dpkg-query -W -f='${Status}' "$name" 2>/dev/null) in
        *" ok installed") ;;
        *) printf '%s\n' "$name" ;;
        esac
    done
}

# The services that come with the packages are not wanted: the scripts start
# private ones.  policy-rc.d is Debian's way to say so; it is put there for
# the time of the installation only, and never over an existing one.
apt_install() {
    local log=$1 policy=/usr/sbin/policy-rc.d
    shift
    # shellcheck disable=SC2016  # for the inner shell
    "${as_root[@]}" sh -c '
        policy=$1
        shift
        if [ ! -e "$policy" ]; then
            trap "rm -f \"$policy\"" EXIT
            trap "exit 1" HUP INT TERM
            printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy"
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get -q update &&
            apt-get -q -y install --no-install-recommends "$@"
    ' apt "$policy" "$@" >"$log" 2>&1 </dev/null
}

need_packages() {
    local missing log
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null
    then
        say "This is neither Debian nor Ubuntu. Please install what these" \
            "Debian packages hold, then build by hand (see README):" >&2
        list_packages "$@" | sed 's/^/  /' >&2
        exit 1
    fi
    missing=$(list_packages "$@" | missing_packages | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0

    as_root=()
    if [ "$(id -u)" != 0 ]; then
        as_root=(sudo -n)
        sudo -n true 2>/dev/null || {
            say "These packages are missing; please run" >&2
            say "  sudo apt-get update && sudo apt-get install $missing" >&2
            exit 1
        }
    fi
    say "Installing: $missing"
    log=$(mktemp)
    # shellcheck disable=SC2086  # a list of names
    apt_install "$log" $missing || {
        tail -n 15 "$log" >&2
        die "the packages could not be installed (all of it: $log)"
    }
    rm -f "$log"
}

# ---- Building ---------------------------------------------------------------

# Run a step in a folder with its output in a file; show the end of it on
# failure.  In the background, because bash runs a trap only between commands:
# a build must not delay the answer to a signal.
step_pid=
logged() {
    local log=$1 dir=$2
    shift 2
    (cd "$dir" && exec setsid "$@") >>"$log" 2>&1 </dev/null 8>&- &
    step_pid=$!
    if wait "$step_pid"; then
        step_pid=
        return
    fi
    step_pid=
    tail -n 25 "$log" >&2
    die "'$*' failed (all of it: $log)"
}

# Out of tree, so that the same sources serve several builds.  configure runs
# when it has not yet, or with other flags; make itself knows the rest.
build_tree() {
    local dir=$1 log want
    shift
    mkdir -p "$dir" || die "cannot make the folder $dir"
    dir=$(cd "$dir" && pwd)
    log=$dir/build.log
    want="$top $*"
    {
        flock 8
        : >"$log"
        [ ! -e "$top/config.status" ] ||
            die "the source folder itself is configured; 'make distclean' first"
        [ -x "$top/configure" ] || {
            say "Preparing the build (autotools)"
            logged "$log" "$top" ./autogen.sh
        }
        if [ ! -e "$dir/Makefile" ] ||
            [ "$(cat "$dir/.configured" 2>/dev/null)" != "$want" ]; then
            say "Configuring"
            logged "$log" "$dir" "$top/configure" "$@"
            printf '%s\n' "$want" >"$dir/.configured"
        fi
        make -C "$dir" -q all >/dev/null 2>&1 || {
            say "Compiling"
            logged "$log" "$dir" make -j"$(nproc)" all
        }
    } 8>"$dir/.lock"
}

# ---- Servers ----------------------------------------------------------------

server_pids=()
server_prefix=() # for instance: enter another network namespace first

# Whether something listens on HOST PORT.
port_answers() {
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

make_free_port() {
    local _port=$2 _last=$(($2 + 200)) # not the name of a caller's variable
    while port_answers 127.0.0.1 "$_port"; do
        _port=$((_port + 1))
        [ "$_port" -le "$_last" ] || die "no free port from $2 to $_last"
    done
    printf -v "$1" %s "$_port"
}

fill_template() {
    local in=$1 pair
    local edit=()
    shift
    for pair in "$@"; do
        edit+=(-e "s|@${pair%%=*}@|${pair#*=}|g")
    done
    sed "${edit[@]}" "$in"
}

# A session of its own keeps the terminal's Ctrl-C away from the server, so
# that one place decides; the death signal ends it when this script is killed
# in a way that it cannot catch.
start_server() {
    local _var=$1 _log=$2
    shift 2
    setsid setpriv --pdeathsig TERM "${server_prefix[@]}" "$@" \
        >>"$_log" 2>&1 </dev/null 8>&- 9>&- &
    server_pids+=($!)
    printf -v "$_var" %s $!
}

# In the order of start, last first: TERM, up to five seconds, then KILL to
# the whole process group.  Nothing is found by name.
stop_servers() {
    local i pid tries
    [ -z "$step_pid" ] || kill -TERM -- "-$step_pid" 2>/dev/null
    for ((i = ${#server_pids[@]} - 1; i >= 0; i--)); do
        pid=${server_pids[i]}
        kill -TERM "$pid" 2>/dev/null
        for ((tries = 0; tries < 50; tries++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    server_pids=()
}

# @return 1 when the process has ended, or does not answer within 15 s
await_port() {
    local pid=$1 host=$2 port=$3 tries
    for ((tries = 0; tries < 300; tries++)); do
        port_answers "$host" "$port" && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

# ---- httpd and memcached ----------------------------------------------------

# The unprivileged user of the children when root starts the servers.
server_user() {
    if [ "$(id -u)" = 0 ]; then
        printf 'www-data'
    else
        id -un
    fi
}

start_memcached() {
    local drop=()
    [ "$(id -u)" != 0 ] ||
        drop=(setpriv --reuid=www-data --regid=www-data --clear-groups
            --pdeathsig TERM)
    start_server "$1" "$3" "${drop[@]}" \
        memcached -l 127.0.0.1 -p "$2" -U 0 -m 64 -c 512
}

# Our httpd, and where its own modules are, from the build.
httpd_program() {
    sed -n 's/^HTTPD = //p' "$1/Makefile"
}

httpd_modules() {
    "$(sed -n 's/^APXS = //p' "$1/Makefile")" -q LIBEXECDIR
}
