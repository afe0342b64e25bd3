#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Calls that are not used, and state that lib/ may not have.
. "${DI_TOP:?}/tests/guards/guard.inc"

sources=$(find mod_*.c mod_*.h directives filters handlers lib \
    ctl -name '*.[ch]')
some 'there are sources' "$sources"
ok 'no banned call' "$(grep -nwE \
    '(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|system|popen|alloca)[[:space:]]*\(' \
    $sources | grep -vE ':[[:space:]]*(/?\*|//)')"
ok 'every source names its licence' "$(grep -L 'SPDX-License-Identifier' \
    $sources)"
ok 'no unfinished work' "$(grep -nwE 'TODO|FIXME|XXX' $sources)"
ok 'no line over 80 columns' "$(grep -nE '^.{81,}' $sources)"

objects=$(find "${DI_BUILD:?}/lib" -name '*.o')
some 'there are objects' "$objects"
ok 'lib/ has no mutable file-scope variable' "$(objdump -t $objects |
    awk '/file format/ { file = $1 }
         $3 == "O" && ($4 == ".data" || $4 == ".bss") { print file, $NF }
         $4 == "O" && ($5 == ".data" || $5 == ".bss") { print file, $NF }' |
    grep -vE '__asan|__odr|__ubsan|\.Lubsan')"
finish
