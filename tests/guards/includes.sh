#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The dependency rule: httpd stops above lib/, arrows inside lib/ point
# image -> {store, render} -> base and speed -> base.
. "${DI_TOP:?}/tests/guards/guard.inc"

# includes FOLDER PATTERN: include lines of FOLDER that match.
includes() {
    grep -rnE "^#[[:space:]]*include[[:space:]]*[<\"]$2" "$1"
}

some 'lib/ has includes' "$(includes lib '')"
ok 'lib/ includes no header of httpd' "$(includes lib \
    '(httpd|http_[a-z]+|ap_[a-z_]+|util_[a-z]+|mod_[a-z_]+|mpm_[a-z]+|scoreboard|unixd)\.h')"
ok 'lib/base includes base only' "$(includes lib/base '(speed|image|store|render)/')"
ok 'lib/speed includes base and itself' "$(includes lib/speed '(image|store|render)/')"
ok 'lib/store includes base and itself' "$(includes lib/store '(speed|image|render)/')"
ok 'lib/render includes base and itself' "$(includes lib/render '(speed|image|store)/')"
ok 'lib/image does not include speed' "$(includes lib/image 'speed/')"
ok 'lib/ does not include ctl' "$(includes lib '(ctl/|ctl\.h|jsonread\.h)')"
ok 'only glue and directives see httpd' "$(grep -rlE '^#[[:space:]]*include[[:space:]]*"(httpd|http_[a-z]+)\.h"' \
    --include='*.[ch]' . | grep -vE '^\./(mod_[a-z]+\.[ch]|directives/|filters/|handlers/|tests/modules/|\.build/)')"
finish
