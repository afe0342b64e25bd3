#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The 32 known pitfalls of measuring, each a test that carries its number:
# "P7: ..." in Perl and JavaScript, p7_... in C, P7-... as a case on a line.
. "${DI_TOP:?}/tests/guards/guard.inc"

names=$(
    grep -rhoE "['\"({ ]P[0-9]+: |\bp[0-9]+_" tests/t tests/unit tests/link \
        tests/browser --include='*.t' --include='*.c' --include='*.mjs' \
        --exclude-dir=node_modules | grep -oE '[0-9]+'
    ls tests/link/cases | grep -oE '^P[0-9]+' | tr -d P
)
some 'tests carry numbers' "$names"
missing=
n=1
while [ $n -le 32 ]; do
    printf '%s\n' "$names" | grep -qx $n || missing="$missing P$n"
    n=$((n + 1))
done
ok 'every pitfall has a test' "$missing"
finish
