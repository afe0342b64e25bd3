#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. ./page.sh
sleep 1
head
half
half
foot
