#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One file per foreign library.
. "${DI_TOP:?}/tests/guards/guard.inc"

# only NAME PATTERN FILE...: the headers are included by these files alone.
only() {
    name=$1 pattern=$2
    shift 2
    users=$(grep -rlE "^#[[:space:]]*include[[:space:]]*[<\"]$pattern" \
        --include='*.[ch]' lib mod_*.c directives filters handlers \
        ctl)
    some "$name is used" "$users"
    for file; do
        users=$(printf '%s\n' "$users" | grep -vx "$file")
    done
    ok "$name stays in its file" "$users"
}

only GraphicsMagick 'magick/' lib/render/render_gm.c
only libpng 'png\.h>' lib/render/render_png.c
only libjpeg 'j(peglib|error)\.h' lib/render/render_jpeg.c
only 'Little CMS' 'lcms2' lib/render/render_lcms.c
only libwebp 'webp/' lib/render/render_webp.c
only libavif 'avif/' lib/render/render_avif.c
only libheif 'libheif/' lib/render/render_heif.c
only libde265 'libde265/' lib/render/render_de265.c
only libjxl 'jxl/' lib/render/render_jxl.c
only libmemcached 'libmemcached' lib/store/store_memcached.c
only seccomp 'seccomp\.h|linux/seccomp' lib/render/sandbox.c
only zlib 'zlib\.h' lib/store/record.c lib/render/render_png.c
only OpenSSL 'openssl/' lib/base/seal.c lib/base/digest.c
# One file writes JSON, another one reads it.
only jansson 'jansson\.h' lib/base/json.c ctl/jsonread.c
only libcurl 'curl/' lib/base/fetch.c
only libxml2 'libxml/' ctl/links.c
finish
