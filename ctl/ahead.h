/* SPDX-License-Identifier: Apache-2.0 */
/* Has the server prerender a list of pictures. */
#ifndef CTL_AHEAD_H
#define CTL_AHEAD_H

#include "ctl.h"
#include "pictures.h"
#include "progress.h"
#include "resume.h"

typedef struct {
    int jobs;      /* requests beside each other */
    int rate;      /* most pictures a second; 0: no bound */
    int pause_ms;  /* after each request */
    int batch_max; /* most URLs of a request, 1..64 */
    int retries;   /* of a request that found the server busy or away */
} ctl_ahead_terms_t;

typedef struct {
    int total;
    int skipped; /* done in an earlier run */
    int done;    /* without those skipped; failed ones, too */
    int failed;  /* URLs */
    apr_uint64_t made, stored, none, failures; /* renditions */
    apr_uint64_t bytes;
    apr_uint64_t cpu_us;
} ctl_ahead_sums_t;

/**
 * @param sums  added to
 * @param stop  becomes 1 when it shall end; requests under way are finished
 * @return CTL_OK; CTL_FAILED when some failed or were left; CTL_NO_HTTP,
 *         CTL_REFUSED after a sentence
 */
int ctl_ahead(ctl_ahead_sums_t *sums, const ctl_t *ctl,
              const ctl_ahead_terms_t *terms, const ctl_pictures_t *pictures,
              ctl_resume_t *resume, ctl_progress_t *progress,
              const volatile int *stop);

#endif
