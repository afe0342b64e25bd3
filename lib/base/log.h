/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging for code that does not know httpd.
 *
 * Glue makes one ds_log_t per module with a callback that ends in
 * ap_log_error; tests make one that counts or prints; the render processes
 * make one that writes to standard error.  A unit that logs is handed the
 * ds_log_t by its maker and keeps the pointer.
 */
#ifndef DS_LOG_H
#define DS_LOG_H

#include <apr_errno.h>
#include <apr_pools.h>

/* Same order and meaning as httpd's levels. */
typedef enum {
    DS_LOG_ERROR = 3,
    DS_LOG_WARNING = 4,
    DS_LOG_NOTICE = 5,
    DS_LOG_INFO = 6,
    DS_LOG_DEBUG = 7,
    DS_LOG_TRACE = 8
} ds_log_level_e;

typedef struct ds_log_t ds_log_t;
struct ds_log_t {
    void *baton;         /* the callback's own */
    ds_log_level_e upto; /* less urgent messages are not formatted */
    /* @param text  one line without its end, tag included */
    void (*print)(void *baton, ds_log_level_e level, apr_status_t rv,
                  const char *text);
};

/**
 * Log one line: "TAG: text".
 * @param log  NULL logs nowhere
 * @param tag  the message's own tag, listed in docs/log-tags.md
 * @param rv   status to be explained in words behind the text; 0 for none
 * Lines over 1000 bytes are cut.
 */
void ds_log(const ds_log_t *log, ds_log_level_e level, const char *tag,
            apr_status_t rv, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
