# SPDX-License-Identifier: Apache-2.0
# The httpd behind the line, and what it serves.  To be read by bash after
# build-aux/common.sh and lab.sh.
# shellcheck shell=bash disable=SC2154
#
#   site_start BUILD DIR    httpd on http://10.98.0.1:8080/, without and on
#                           8081 with the script in pages; sets httpd_pid;
#                           logs in DIR/logs
#
#   https://10.98.0.1:8443/ too, with HTTP/2 on it and on 8080
#
#   /1k.bin /20k.bin ... /16m.bin    noise of 1000-byte kB and 10^6-byte MB
#   /1k.html /20k.html /100k.html    pages, text that no filter shortens
#   /photo.jpg                       dynimage works on it
#   /slow/first?MS&BYTES             waits MS before the first byte
#   /slow/middle?MS&BYTES&N          N pauses of MS, evenly within the body

site_files() {
    local dir=$1 size
    perl -e '
        my ($dir, %bytes) = @ARGV;
        srand 1;
        my $noise = join "", map { pack "L", rand 2**32 } 1 .. 250_000;
        for my $name (keys %bytes) {
            open my $out, ">:raw", "$dir/$name.bin" or die "$name: $!";
            print $out substr $noise x ($bytes{$name} / 1e6 + 1), 0, $bytes{$name};
        }
        my $text = unpack "H*", $noise;
        for my $k (1, 20, 100) {
            open my $out, ">", "$dir/${k}k.html" or die $!;
            my $head = "<!DOCTYPE html><html><head><meta charset=utf-8>"
              . "<title>page</title><link rel=icon href=data:,></head><body><p>";
            my $tail = "</p></body></html>\n";
            print $out $head, substr($text, 0, $k * 1000 - length "$head$tail"), $tail;
        }' "$dir" 1k 1000 20k 20000 50k 50000 100k 100000 256k 256000 \
        512k 512000 1m 1000000 4m 4000000 16m 16000000
    # The photograph is taken as it is, several times under other names.
    for size in photo a b c d e f; do
        cp "$top/site/photos/$(cd "$top/site/photos" && ls -S -- *.jpg | head -n 1)" \
            "$dir/$size.jpg"
    done
}

site_start() {
    local build=$1 dir=$2 log=$2/logs/startup.log
    mkdir -p "$dir/site" "$dir/logs" "$dir/run" "$dir/cache"
    site_files "$dir/site"
    cp "$top/tests/link/slow.pl" "$dir/site/slow"
    chmod 755 "$dir/site/slow"
    chmod -R a+rX "$dir"
    [ "$(id -u)" != 0 ] || chown www-data: "$dir/cache" "$dir/run"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
        -keyout "$dir/run/localhost.pem" -out "$dir/run/localhost.crt" \
        2>>"$log" || die "openssl made no certificate: $(cat "$log")"
    cat "$dir/run/localhost.crt" >>"$dir/run/localhost.pem"
    cat "$top/tests/link/httpd.conf.in" ${3:+"$3"} >"$dir/httpd.conf.in"
    fill_template "$dir/httpd.conf.in" \
        RUN="$dir/run" LOGS="$dir/logs" SITE="$dir/site" \
        CACHE="$dir/cache" SERVER="$LAB_SERVER" \
        USER="$(server_user)" GROUP="$(id -gn "$(server_user)")" \
        MODULES="$(httpd_modules "$build")" OURS="$build/.libs" \
        >"$dir/httpd.conf"
    local server_prefix=(nsenter --net --target "$LAB_SERVER_PID")
    start_server httpd_pid "$log" "$(httpd_program "$build")" \
        -f "$dir/httpd.conf" ${SITE_DEFINES:-} -DFOREGROUND
    site_await "$httpd_pid" && return
    tail -q -n 20 "$dir"/logs/* >&2
    die "httpd did not start"
}

site_takes() {
    local build=$1 file status
    file=$(mktemp)
    printf '%s\n' "LoadModule mpm_event_module \
        $(httpd_modules "$build")/mod_mpm_event.so" \
        "LoadModule speedprobe_module $build/.libs/mod_speedprobe.so" \
        "ServerName localhost" "ErrorLog /dev/null" "$2" >"$file"
    "$(httpd_program "$build")" -t -f "$file" >/dev/null 2>&1
    status=$?
    rm -f "$file"
    return $status
}

# Within its own namespace, so that the line stays untouched.
site_await() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        in_server bash -c "exec 3<>/dev/tcp/$LAB_SERVER/8080" 2>/dev/null &&
            return 0
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}
