#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Counters: each counted somewhere, each explained in docs/metrics.md with the
# words of its list.
. "${DI_TOP:?}/tests/guards/guard.inc"

list=lib/speed/counters.h
tmp=$(mktemp -d)
perl -0ne 's/\s*\\\n\s*/ /g;
    print "$1 | `$2` | \L$3\E | $4 | $5 |\n"
        while /X\((\w+), "(\w+)", (\w+), "([^"]+)", "([^"]+)"\)/g' \
    $list >"$tmp/list"
sed 's/^[A-Z_0-9]* //' "$tmp/list" | sort >"$tmp/rows"
grep -E '^\| `[a-z_0-9]+` \|' docs/metrics.md | sort >"$tmp/listed"

some 'there are counters' "$(cat "$tmp/list")"
[ "$(grep -cE '^ +X\([A-Z]' $list)" = "$(wc -l <"$tmp/list")" ] || odd=$list
ok 'every entry of the list has its five parts' "${odd:-}"
ok 'every counter is explained, in the same words' \
    "$(comm -23 "$tmp/rows" "$tmp/listed")"
ok 'every explained counter exists' "$(comm -13 "$tmp/rows" "$tmp/listed")"
ok 'no name twice' "$(cut -d'|' -f2 "$tmp/rows" | sort | uniq -d)"
ok 'every counter is counted' "$(cut -d' ' -f1 "$tmp/list" |
    while read -r suffix; do
        grep -rqw "SP_COUNT_$suffix" mod_speedprobe.c directives filters \
            handlers || echo "SP_COUNT_$suffix"
    done)"
rm -rf "$tmp"
finish
