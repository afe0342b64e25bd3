/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units and small numbers that every part of the tree shares.
 *
 * A rate is in kbit/s of 1000 bit (never KiB/s); an instant ends in _at and a
 * span in _for when it is an apr_time_t (microseconds), or in _ms.
 */
#ifndef DS_UNITS_H
#define DS_UNITS_H

#include <apr.h>

#define DS_KIB ((apr_int64_t)1024)
#define DS_MIB (1024 * DS_KIB)
#define DS_GIB (1024 * DS_MIB)

/* Highest rate that any part accepts, kbit/s: 100 Gbit/s. */
#define DS_RATE_MAX_KBPS 100000000

/* Highest round trip that any part accepts, ms. */
#define DS_RTT_MAX_MS 60000

#endif
