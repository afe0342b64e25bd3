/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of di_workers_t: what httpd's parent (workers.c) and its children
 * (client.c) share by fork.
 */
#ifndef DI_WORKERS_IN_H
#define DI_WORKERS_IN_H

#include <sys/types.h>

#include "render/poolcount.h"
#include "render/workers.h"

struct di_workers_t {
    int listener;               /* where the dispatcher accepts */
    int address;                /* the listener's inode, opened by path only;
                                   whoever has it may connect */
    int renderers;              /* 0: none were started */
    pid_t owner;                /* httpd's parent, with which they end */
    apr_uint32_t time_limit_ms; /* of any job */
    di_poolcount_t *counts;     /* a mapping of its own, shared by fork */
    struct di_care_t *care;     /* of the parent, in pconf; NULL: none */
};

#endif
