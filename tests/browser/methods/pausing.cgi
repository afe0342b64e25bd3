#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. ./page.sh
head
half
sleep 2
half
foot
