# SPDX-License-Identifier: Apache-2.0
# A link laboratory: two network namespaces and one line between them, whose
# rate, delay, queue, loss and jitter one sets.
# To be read by bash after build-aux/common.sh, with `top` set to the root of
# the source tree.
# shellcheck shell=bash disable=SC2154
#
#   server namespace 10.98.0.1 --- the line --- 10.98.0.2 client namespace
#                                               10.112.0.0/12 too
#
# Every address of 10.112.0.0/12 is the client's: a client that binds to
# another one is another visitor.
#
#   lab_enter SCRIPT ARG...          without root: SCRIPT again, in a user
#                                    namespace that may do the rest
#   lab_kind BUILD                   prints tun, tbf or nothing: what can be had
#   lab_start BUILD KIND DIR         the namespaces and the line; DIR keeps logs
#   lab_set PARAMETER=VALUE...       change the running line
#   lab_congestion NAME              how the server's TCP sends: cubic, bbr ...
#   lab_visitor ADDRESS              from now on clients that do not bind, a
#                                    browser, come from ADDRESS
#   lab_stat                         packets: down=sent,lost,full up=...
#   in_server COMMAND..., in_client COMMAND...
#
# Parameters, with what lab_start begins with:
#
#   down=10000  up=10000    kbit/s (1000 bit), towards the client and back
#   delay=10                ms, one way
#   queue=128               kB (1000 bytes) before each direction
#   loss=0                  packets in a million, each direction
#   jitter=0                ms, from 0 to this on top of the delay
#
# tun: everything, by tunlink (see tunlink.c).  tbf: a rate only, with veth and
# the kernel's token bucket; delay, loss and jitter are not there.
#
# The namespaces have no names; they and the line live as long as processes
# that start_server started, so stop_servers ends a lab, and labs do not see
# each other.  What a lab is stands in exported LAB_ variables: a child process
# that reads this file works on the lab of its parent.

LAB_SERVER=10.98.0.1
LAB_CLIENT=10.98.0.2
export LAB_SERVER LAB_CLIENT

lab_enter() {
    local how=(unshare --user --map-current-user --keep-caps --net)
    [ "$(id -u)" != 0 ] && [ -z "${LAB_ENTERED:-}" ] || return 0
    "${how[@]}" true 2>/dev/null || return 0
    LAB_ENTERED=1 exec "${how[@]}" "$@"
}

lab_kind() {
    local line
    line=$(unshare --net timeout 0.3 "$1/tests/link/tunlink" \
        server client 1 1 0 0 0 0 2>/dev/null)
    if [ "$line" = ready ]; then
        echo tun
    elif unshare --net sh -c 'ip link add c type veth peer name s &&
        tc qdisc replace dev c root tbf rate 1mbit burst 3kb limit 64kb' \
        2>/dev/null; then
        echo tbf
    fi
}

in_server() {
    nsenter --net --target "$LAB_SERVER_PID" "$@"
}

in_client() {
    nsenter --net --target "$LAB_CLIENT_PID" "$@"
}

# lab_keeper VAR: a process that keeps a namespace of its own.
lab_keeper() {
    local tries
    start_server "$1" "$LAB_DIR/lab.log" unshare --net sleep infinity
    for ((tries = 0; tries < 200; tries++)); do
        [ "$(readlink "/proc/${!1}/ns/net")" != \
            "$(readlink /proc/self/ns/net)" ] && return
        sleep 0.02
    done
    die "no network namespace"
}

lab_start() {
    local build=$1
    LAB_KIND=$2
    LAB_DIR=$3
    mkdir -p "$LAB_DIR"
    lab_keeper LAB_SERVER_PID
    lab_keeper LAB_CLIENT_PID
    export LAB_KIND LAB_DIR LAB_SERVER_PID LAB_CLIENT_PID
    printf 'down=10000 up=10000 delay=10 queue=128 loss=0 jitter=0' \
        >"$LAB_DIR/parameters"
    in_server ip link set lo up && in_client ip link set lo up &&
        "lab_start_$LAB_KIND" "$build" &&
        in_server ip addr add $LAB_SERVER/24 dev server &&
        in_client ip addr add $LAB_CLIENT/24 dev client &&
        in_client ip route add local 10.112.0.0/12 dev lo &&
        in_server ip link set server mtu 1500 txqueuelen 10000 up &&
        in_client ip link set client mtu 1500 txqueuelen 10000 up &&
        in_server ip route add 10.112.0.0/12 via $LAB_CLIENT dev server &&
        lab_set
}

lab_start_tun() {
    local build=$1 link
    local server_prefix=(nsenter --net --target "$LAB_CLIENT_PID")
    mkfifo "$LAB_DIR/control" &&
        start_server link "$LAB_DIR/link.log" "$build/tests/link/tunlink" \
            -s "${LAB_SEED:-1}" -c "$LAB_DIR/control" server client \
            10000 10000 10000 128000 0 0 &&
        lab_await 1 && in_client ip link set server netns "$LAB_SERVER_PID"
}

lab_start_tbf() {
    in_client ip link add client type veth peer name server &&
        in_client ip link set server netns "$LAB_SERVER_PID"
}

# Until tunlink has answered COUNT times.
lab_await() {
    local tries
    for ((tries = 0; tries < 250; tries++)); do
        [ "$(grep -c . "$LAB_DIR/link.log" 2>/dev/null)" -ge "$1" ] 2>/dev/null &&
            return
        sleep 0.02
    done
    tail -n 5 "$LAB_DIR/link.log" >&2
    die "tunlink does not answer"
}

# lab_command TEXT: to tunlink; its answer to standard output.
lab_command() {
    local before
    before=$(grep -c . "$LAB_DIR/link.log")
    printf '%s\n' "$1" >"$LAB_DIR/control"
    lab_await $((before + 1))
    tail -n 1 "$LAB_DIR/link.log"
}

lab_set() {
    local down up delay queue loss jitter pair
    for pair in $(cat "$LAB_DIR/parameters") "$@"; do
        case $pair in
        down=* | up=* | delay=* | queue=* | loss=* | jitter=*)
            declare "${pair%%=*}=${pair#*=}" ;;
        *) die "no such parameter of a link: $pair" ;;
        esac
    done
    if [ "$LAB_KIND" = tun ]; then
        [ "$(lab_command "$down $up $(lab_thousand "$delay") \
$(lab_thousand "$queue") $loss $(lab_thousand "$jitter")")" = ready ] ||
            die "tunlink refused: $*"
    else
        local bucket=(burst 3kb limit "${queue}000")
        in_server tc qdisc replace dev server root tbf rate "${down}kbit" \
            "${bucket[@]}" &&
            in_client tc qdisc replace dev client root tbf \
                rate "${up}kbit" "${bucket[@]}" || die "tc refused: $*"
    fi
    printf 'down=%s up=%s delay=%s queue=%s loss=%s jitter=%s' \
        "$down" "$up" "$delay" "$queue" "$loss" "$jitter" \
        >"$LAB_DIR/parameters"
}

# 1000 times a number that may have decimals.
lab_thousand() {
    awk -v n="$1" 'BEGIN { printf "%.0f", n * 1000 }'
}

# By the route: one is not allowed to set the default of a namespace.
lab_congestion() {
    in_server ip route replace 10.98.0.0/24 dev server scope link \
        src $LAB_SERVER congctl "$1" &&
        in_server ip route replace 10.112.0.0/12 via $LAB_CLIENT dev server \
            congctl "$1"
}

lab_visitor() {
    in_client ip route replace 10.98.0.0/24 dev client scope link src "$1"
}

lab_stat() {
    lab_command stat
}
