#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. ./page.sh
sleep 20
printf "Content-Type: image/png\r\n\r\n"
