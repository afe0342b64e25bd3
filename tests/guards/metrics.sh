#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Counters: each counted somewhere, each explained in docs/metrics.md with the
# words of its list.
. "${DI_TOP:?}/tests/guards/guard.inc"

tmp=$(mktemp -d)
# entries LIST: "SUFFIX | `name` | kind | unit | help |", one a line.
entries() {
    perl -0ne 's/\s*\\\n\s*/ /g;
        print "$1 | `$2` | \L$3\E | $4 | $5 |\n"
            while /X\((\w+), "(\w+)", (\w+), "([^"]+)", "([^"]+)"\)/g' "$1"
}

# check LIST PREFIX FILE...: a list whose counters are used in these files.
check() {
    list=$1 prefix=$2
    shift 2
    entries "$list" >"$tmp/list"
    cat "$tmp/list" >>"$tmp/all"
    some "$list has counters" "$(cat "$tmp/list")"
    odd=
    [ "$(grep -cE '^ +X\([A-Z]' "$list")" = "$(wc -l <"$tmp/list")" ] ||
        odd=$list
    ok "every entry of $list has its five parts" "$odd"
    ok "every counter of $list is counted" "$(cut -d' ' -f1 "$tmp/list" |
        while read -r suffix; do
            grep -rqw "$prefix$suffix" "$@" || echo "$prefix$suffix"
        done)"
    ok "no name twice in $list" "$(cut -d'|' -f2 "$tmp/list" | sort | uniq -d)"
}

check lib/speed/counters.h SP_COUNT_ mod_speedprobe.c directives filters handlers
check lib/image/counters.h DI_COUNT_ mod_dynimage.c directives filters handlers
sed 's/^[A-Z_0-9]* //' "$tmp/all" | sort >"$tmp/rows"
grep -E '^\| `[a-z_0-9]+` \|' docs/metrics.md | sort >"$tmp/listed"
ok 'every counter is explained, in the same words' \
    "$(comm -23 "$tmp/rows" "$tmp/listed")"
ok 'every explained counter exists' "$(comm -13 "$tmp/rows" "$tmp/listed")"
rm -rf "$tmp"
finish
