/* SPDX-License-Identifier: Apache-2.0 */
/* Formatting of log lines; where they go is the caller's callback. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void ds_log(const ds_log_t *log, ds_log_level_e level, const char *tag,
            apr_status_t rv, const char *format, ...)
{
    char line[1000];
    va_list args;
    int used;

    if (!log || !log->print || level > log->upto) {
        return;
    }
    used = snprintf(line, sizeof(line), "%s: ", tag);
    va_start(args, format);
    (void)vsnprintf(line + used, sizeof(line) - (size_t)used, format, args);
    va_end(args);
    log->print(log->baton, level, rv, line);
}
