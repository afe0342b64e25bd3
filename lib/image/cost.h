/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a render will cost, before anything was decoded: enough to tell a
 * cheap one from one that a slow client should not wait for.  Pure.
 */
#ifndef DI_COST_H
#define DI_COST_H

#include "render/header.h"
#include "render/render.h"

/**
 * Expected CPU time of a job, ms; within a factor of three or so.
 * @param header  of the original, as di_header_read told it from the first
 *                bytes of the file or all of it
 */
apr_uint32_t di_cost_ms(const di_job_t *job, const di_header_t *header);

#endif
