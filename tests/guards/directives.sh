#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What httpd says it takes = what docs/directives.md explains = what the
# annotated configurations show.
. "${DI_TOP:?}/tests/guards/guard.inc"

httpd=${HTTPD:-/usr/sbin/apache2}
modules=$("${APXS:-apxs}" -q LIBEXECDIR)
tmp=$(mktemp -d)
: >"$tmp/none.conf"
preload=
if ldd "${DI_BUILD:?}/.libs/mod_dynimage.so" | grep -q libasan; then
    preload=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)
fi
LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0 "$httpd" -f "$tmp/none.conf" \
    -C "LoadModule mpm_event_module $modules/mod_mpm_event.so" \
    -C "LoadModule speedprobe_module $DI_BUILD/.libs/mod_speedprobe.so" \
    -C "LoadModule dynimage_module $DI_BUILD/.libs/mod_dynimage.so" \
    -C "ErrorLog $tmp/log" -C "ServerName localhost" \
    -L >"$tmp/httpd" 2>"$tmp/err"
grep -oE '^(DynImage|SpeedProbe)[A-Za-z]* ' "$tmp/httpd" | tr -d ' ' |
    sort -u >"$tmp/taken"
grep -oE '^### (DynImage|SpeedProbe)[A-Za-z]*$' docs/directives.md |
    sed 's/### //' | sort >"$tmp/listed"
grep -ohE '^#? ?(DynImage|SpeedProbe)[A-Za-z]*( |$)' conf/dynimage.conf \
    conf/speedprobe.conf | tr -d '# ' | sort -u >"$tmp/shown"

some 'httpd -L lists directives' "$(cat "$tmp/taken")"
ok 'every directive is documented' "$(comm -23 "$tmp/taken" "$tmp/listed")"
ok 'every documented directive exists' "$(comm -13 "$tmp/taken" "$tmp/listed")"
ok 'no directive is documented twice' "$(uniq -d "$tmp/listed")"
ok 'every directive is in conf/' "$(comm -23 "$tmp/taken" "$tmp/shown")"
ok 'every directive in conf/ exists' "$(comm -13 "$tmp/taken" "$tmp/shown")"
for field in Syntax Default 'Unit and range' Context Merging 'What it does' \
    'Interacts with' Example Since; do
    ok "every entry has the field $field" "$(awk -v field="$field" '
        /^### / { if (name && !seen) print name; name = $2; seen = 0 }
        index($0, "**" field ":**") { seen = 1 }
        END { if (name && !seen) print name }' docs/directives.md)"
done
rm -rf "$tmp"
finish
