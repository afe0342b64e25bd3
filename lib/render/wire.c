/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames, all numbers little-endian, of 4 bytes but where (8) is said:
 *
 *   job      0 "DIJ2"              4 format           8 formats
 *           12 time limit, ms     16 urgency         20 priority
 *     recipe:
 *           24 fit_px             28 max_width_px    32 max_height_px
 *           36 scale_permille          40 quality         44 ssim_e4
 *           48 most_bytes         52 chroma          56 progressive
 *           60 colors             64 page_layout     68 background
 *           72 keep_copyright     76 quick
 *     limits:
 *           80 max_side_px        84 max_frames      88 max_scans
 *           92 max_profile_bytes  96 max_bytes (8)  104 max_pixels (8)
 *     the job's own:
 *          112 client (8)        120 original's bytes (8)
 *          128 deadline, us (8)
 *
 *   result   0 "DIR2"              4 status           8 format
 *           12 width              16 height          20 source width
 *           24 source height      28 quality         32 ssim_e4
 *           36 CPU time, us       40 bytes (8)
 *
 * One frame is one message of a SOCK_SEQPACKET socket; the job carries the
 * original's descriptor, a result with status OK the rendition's.
 */
#include "render/wire.h"

#include <stddef.h>
#include <string.h>

static void put32(unsigned char *b, apr_uint32_t value)
{
    b[0] = (unsigned char)value;
    b[1] = (unsigned char)(value >> 8);
    b[2] = (unsigned char)(value >> 16);
    b[3] = (unsigned char)(value >> 24);
}

static void put64(unsigned char *b, apr_uint64_t value)
{
    put32(b, (apr_uint32_t)value);
    put32(b + 4, (apr_uint32_t)(value >> 32));
}

static apr_uint32_t get32(const unsigned char *b)
{
    return (apr_uint32_t)b[3] << 24 | (apr_uint32_t)b[2] << 16 |
           (apr_uint32_t)b[1] << 8 | b[0];
}

static apr_uint64_t get64(const unsigned char *b)
{
    return (apr_uint64_t)get32(b + 4) << 32 | get32(b);
}

/* Where the members of 4 bytes are: one table for writing and reading. */
typedef struct {
    unsigned char at; /* in the frame */
    unsigned char of; /* in the structure */
} place_t;

#define JOB(at, member)                                                        \
    {                                                                          \
        at, (unsigned char)offsetof(di_job_t, member)                          \
    }
#define RESULT(at, member)                                                     \
    {                                                                          \
        at, (unsigned char)offsetof(di_result_t, member)                       \
    }
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const place_t job_places[] = {JOB(4, format),
                                     JOB(8, formats),
                                     JOB(12, time_limit_ms),
                                     JOB(16, urgency),
                                     JOB(20, priority),
                                     JOB(24, recipe.fit_px),
                                     JOB(28, recipe.max_width_px),
                                     JOB(32, recipe.max_height_px),
                                     JOB(36, recipe.scale_permille),
                                     JOB(40, recipe.quality),
                                     JOB(44, recipe.ssim_e4),
                                     JOB(48, recipe.most_bytes),
                                     JOB(52, recipe.chroma),
                                     JOB(56, recipe.progressive),
                                     JOB(60, recipe.colors),
                                     JOB(64, recipe.page_layout),
                                     JOB(68, recipe.background),
                                     JOB(72, recipe.keep_copyright),
                                     JOB(76, recipe.quick),
                                     JOB(80, limits.max_side_px),
                                     JOB(84, limits.max_frames),
                                     JOB(88, limits.max_scans),
                                     JOB(92, limits.max_profile_bytes)};

static const place_t result_places[] = {
    RESULT(4, status),           RESULT(8, format),
    RESULT(12, width_px),        RESULT(16, height_px),
    RESULT(20, source_width_px), RESULT(24, source_height_px),
    RESULT(28, quality),         RESULT(32, ssim_e4),
    RESULT(36, cpu_us)};

static void put_places(unsigned char *frame, const void *from,
                       const place_t *places, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        apr_uint32_t value;

        memcpy(&value, (const char *)from + places[i].of, sizeof(value));
        put32(frame + places[i].at, value);
    }
}

static void get_places(void *to, const unsigned char *frame,
                       const place_t *places, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        apr_uint32_t value = get32(frame + places[i].at);

        memcpy((char *)to + places[i].of, &value, sizeof(value));
    }
}

/* ---- jobs ---- */

#define LEAST_US 50000 /* ours: a small rendition takes that long */

/* Half a limit that is as short as that. */
apr_uint64_t di_wire_latest_us(const di_order_t *order, apr_uint32_t most_ms)
{
    apr_uint64_t limit_ms =
        order->job.time_limit_ms < most_ms ? order->job.time_limit_ms : most_ms;
    apr_uint64_t least_us = limit_ms * 1000 / 4;

    if (least_us < LEAST_US) {
        least_us = limit_ms * 500 < LEAST_US ? limit_ms * 500 : LEAST_US;
    }
    return order->deadline_us > least_us ? order->deadline_us - least_us : 0;
}

void di_wire_put_order(unsigned char frame[DI_WIRE_JOB_BYTES],
                       const di_order_t *order)
{
    const di_job_t *job = &order->job;

    memcpy(frame, "DIJ2", 4);
    put_places(frame, job, job_places, COUNT(job_places));
    put64(frame + 96, job->limits.max_bytes);
    put64(frame + 104, job->limits.max_pixels);
    put64(frame + 112, job->client);
    put64(frame + 120, order->original_bytes);
    put64(frame + 128, order->deadline_us);
}

static int sizes_are_legal(const di_recipe_t *recipe)
{
    return recipe->fit_px <= DI_SIDE_MAX_PX &&
           recipe->max_width_px <= DI_SIDE_MAX_PX &&
           recipe->max_height_px <= DI_SIDE_MAX_PX &&
           recipe->scale_permille <= 1000;
}

static int recipe_is_legal(const di_recipe_t *recipe)
{
    return sizes_are_legal(recipe) && recipe->quality <= 100 &&
           recipe->ssim_e4 <= 10000 && recipe->chroma <= DI_CHROMA_444 &&
           recipe->colors != 1 && recipe->colors <= 256 &&
           recipe->background <= 0xFFFFFF && recipe->progressive <= 1 &&
           recipe->page_layout <= 1 && recipe->keep_copyright <= 1 &&
           recipe->quick <= 1;
}

static int job_is_legal(const di_job_t *job)
{
    return job->format < DI_FORMAT_END &&
           DI_FORMAT_IN(DI_FORMATS_IN, job->format) && job->formats &&
           !(job->formats & ~DI_FORMATS_OUT) && job->time_limit_ms &&
           job->urgency < DI_URGENCY_END && job->priority <= 9 &&
           job->limits.max_pixels && job->limits.max_side_px &&
           job->limits.max_side_px <= DI_SIDE_MAX_PX &&
           recipe_is_legal(&job->recipe);
}

int di_wire_get_order(di_order_t *out, const unsigned char *frame,
                      apr_size_t len)
{
    di_job_t *job = &out->job;

    if (len != DI_WIRE_JOB_BYTES || memcmp(frame, "DIJ2", 4)) {
        return 0;
    }
    memset(job, 0, sizeof(*job));
    get_places(job, frame, job_places, COUNT(job_places));
    job->limits.max_bytes = get64(frame + 96);
    job->limits.max_pixels = get64(frame + 104);
    job->client = get64(frame + 112);
    out->original_bytes = get64(frame + 120);
    out->deadline_us = get64(frame + 128);
    return job_is_legal(job) && out->original_bytes &&
           out->original_bytes <= job->limits.max_bytes;
}

/* ---- results ---- */

void di_wire_put_result(unsigned char frame[DI_WIRE_RESULT_BYTES],
                        const di_result_t *result)
{
    di_result_t told = *result;

    if (told.status != DI_RENDER_OK) {
        told.format = told.width_px = told.height_px = 0;
        told.quality = told.ssim_e4 = 0;
        told.bytes = 0;
    }
    memcpy(frame, "DIR2", 4);
    put_places(frame, &told, result_places, COUNT(result_places));
    put64(frame + 40, told.bytes);
}

/* Whether the recipe's size is kept is not asked: graphics may keep their own
   in any format (compose.c). */
static int size_is_legal(const di_result_t *result)
{
    return result->width_px && result->height_px &&
           result->width_px <= result->source_width_px &&
           result->height_px <= result->source_height_px;
}

static int source_is_legal(const di_result_t *result, const di_limits_t *limits)
{
    return result->source_width_px <= limits->max_side_px &&
           result->source_height_px <= limits->max_side_px &&
           (apr_uint64_t)result->source_width_px * result->source_height_px <=
               limits->max_pixels;
}

/* The claims of a success fit together and to the job. */
static int success_is_legal(const di_result_t *result, const di_job_t *job)
{
    return result->format < DI_FORMAT_END &&
           DI_FORMAT_IN(job->formats & DI_FORMATS_OUT, result->format) &&
           size_is_legal(result) && source_is_legal(result, &job->limits) &&
           result->quality <= 100 && result->ssim_e4 <= 10000 &&
           result->bytes && result->bytes <= DI_WIRE_RENDITION_MAX_BYTES;
}

static int failure_is_legal(const di_result_t *result)
{
    return (result->status < DI_RENDER_TOLD ||
            result->status == DI_RENDER_BUSY ||
            result->status == DI_RENDER_NO_POOL) &&
           !result->format && !result->width_px && !result->height_px &&
           !result->quality && !result->ssim_e4 && !result->bytes;
}

int di_wire_get_result(di_result_t *out, const unsigned char *frame,
                       apr_size_t len, const di_job_t *job)
{
    if (len != DI_WIRE_RESULT_BYTES || memcmp(frame, "DIR2", 4)) {
        return 0;
    }
    get_places(out, frame, result_places, COUNT(result_places));
    out->bytes = get64(frame + 40);
    return out->status == DI_RENDER_OK ? success_is_legal(out, job)
                                       : failure_is_legal(out);
}
