#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every test is built, every source and document is in a Makefile.
. "${DI_TOP:?}/tests/guards/guard.inc"

makefiles="Makefile.am lib/*/local.mk ctl/local.mk"
units=$(find tests/unit tests/fuzz -name '*.c')
some 'there are tests' "$units"
missing=
for file in $units $(find mod_*.[ch] directives filters handlers lib \
    ctl -name '*.[ch]'); do
    grep -qF "$file" $makefiles || missing="$missing $file"
done
ok 'every source and header is in a Makefile' "$missing"
missing=
for file in docs/*; do
    grep -qF "$file" Makefile.am || missing="$missing $file"
done
ok 'every document is installed' "$missing"
missing=
for file in tests/fuzz/fuzz_*.c; do
    name=${file##*/fuzz_}
    [ -n "$(ls "tests/fuzz/corpus/${name%.c}" 2>/dev/null)" ] ||
        missing="$missing $name"
done
ok 'every fuzz target has a corpus' "$missing"
missing=
for name in $(grep -ohE 'tests/(unit/test|fuzz/fuzz)_[a-z_0-9]+( |$)' lib/*/local.mk ctl/local.mk); do
    [ -x "${DI_BUILD:?}/$name" ] || missing="$missing $name"
done
ok 'every test program was built' "$missing"
finish
