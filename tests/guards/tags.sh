#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Log tags: each used in one place, each explained in docs/log-tags.md.
. "${DI_TOP:?}/tests/guards/guard.inc"

used=$(grep -rhoE '"(DI|SP)[0-9]{4}(:|")' --include='*.c' mod_*.c directives \
    filters handlers lib | grep -oE '(DI|SP)[0-9]{4}' | sort)
listed=$(grep -oE '^\| (DI|SP)[0-9]{4} ' docs/log-tags.md |
    grep -oE '(DI|SP)[0-9]{4}' | sort)
some 'tags are used' "$used"
ok 'no tag is used twice' "$(printf '%s\n' "$used" | uniq -d)"
ok 'no tag is listed twice' "$(printf '%s\n' "$listed" | uniq -d)"
tmp=$(mktemp -d)
printf '%s\n' "$used" | uniq >"$tmp/used"
printf '%s\n' "$listed" | uniq >"$tmp/listed"
ok 'every tag used is listed' "$(comm -23 "$tmp/used" "$tmp/listed")"
ok 'every tag listed is used' "$(comm -13 "$tmp/used" "$tmp/listed")"
rm -rf "$tmp"
finish
