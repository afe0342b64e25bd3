#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. ./page.sh
head
for i in 1 2 3 4 5 6 7 8 9 10; do
    printf "%0*d" 4000 0
    sleep 0.2
done
foot
