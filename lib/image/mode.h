/* SPDX-License-Identifier: Apache-2.0 */
/* When renditions are made, and whether they are kept. */
#ifndef DI_MODE_H
#define DI_MODE_H

typedef enum {
    DI_MODE_HYBRID = 0, /* by the first request, and kept */
    DI_MODE_SINGLE,     /* by each request, for those who wait at the time */
    DI_MODE_STATIC      /* ahead; no request waits for a full one */
} di_mode_e;

/* The words of DynImageMode, in the order of the numbers. */
#define DI_MODE_WORDS "hybrid|single|static"

#endif
