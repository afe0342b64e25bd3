#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The closed list of reasons and its explanation agree.
. "${DI_TOP:?}/tests/guards/guard.inc"

words=$(sed -n '/define DI_REASONS/,/^$/p' lib/image/reason.h |
    grep -oE '[A-Z_]+, "[a-z-]+"' | grep -oE '"[a-z-]+"' | tr -d '"' | sort)
listed=$(grep -oE '^\| `[a-z-]+` ' docs/reasons.md | grep -oE '[a-z-]+' | sort)
some 'reason.h has reasons' "$words"
tmp=$(mktemp -d)
printf '%s\n' "$words" >"$tmp/words"
printf '%s\n' "$listed" >"$tmp/listed"
ok 'every reason is explained' "$(comm -23 "$tmp/words" "$tmp/listed")"
ok 'every explained reason exists' "$(comm -13 "$tmp/words" "$tmp/listed")"
rm -rf "$tmp"
finish
