#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. ./page.sh
head
half
half
foot
