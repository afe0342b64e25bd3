/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a rendition is chosen.
 *
 *   photograph   lossy formats, at the recipe's size; without one of them
 *                (only PNG is left) lossless at full size
 *   graphics     lossless formats and lossy ones at full size, because text
 *                does not bear scaling; at the recipe's size only when that
 *                is over the ceiling or no gain
 *
 * The smallest file of all that keep the floor wins.  Without a floor the
 * first lossy format sets it for the others, so that all are compared at
 * equal quality.  A file over the ceiling costs pixels, never the floor.
 *
 * A size other than the one at which the original is laid out needs a format
 * that carries that size, or a page that sets it (recipe.page_layout).
 */
#include "render/compose.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "render/candidate.h"
#include "render/container.h"
#include "render/render_avif.h"
#include "render/render_gm.h"
#include "render/render_heif.h"
#include "render/render_jpeg.h"
#include "render/render_jxl.h"
#include "render/render_lcms.h"
#include "render/render_png.h"
#include "render/render_webp.h"
#include "render/source.h"
#include "render/warm.h"

/* Above this they take seconds: lossless WebP and JPEG XL, lossy JPEG XL, and
   all of graphics' lossy formats in turn (docs/formats.md). */
#define SLOW_FROM_PX ((apr_uint64_t)4 << 20)

#define ICON_MOST_PX (128 * 128)

/* Smaller originals are left alone: the header of the answer is larger. */
#define LEAST_BYTES 128

/* Times that a picture is made smaller for the ceiling's sake. */
#define LOWER_MOST 2

/* Of a large picture a format is encoded in full when by its estimate it is
   larger than the best so far by no more than this, log2(1.03) in 1/4096: so
   much, besides what estimates are wrong, a rendition may be larger than the
   best of its formats would have been. */
#define NEAR_E12 175

typedef struct {
    const di_job_t *job;
    di_source_t source;
    di_scale_t scale;    /* of picture, as stored */
    di_raster_t picture; /* what is encoded now; owned */
    di_kind_t kind;
    di_candidate_t best;        /* owned */
    apr_uint32_t best_width_px; /* of best */
    apr_uint32_t best_height_px;
} compose_t;

/* ---- which formats may be ---- */

/* A page looks the same with a picture of this size in this format. */
static int is_shown_right(const compose_t *c, di_format_e format,
                          apr_uint32_t width_px, apr_uint32_t height_px)
{
    return c->job->recipe.page_layout || di_container_carries_size(format) ||
           (width_px == c->source.shown_width_px &&
            height_px == c->source.shown_height_px);
}

/* Formats that may be lossy (or lossless) at that size. */
static unsigned usable(const compose_t *c, int lossy, apr_uint32_t width_px,
                       apr_uint32_t height_px)
{
    unsigned set = 0;
    int format;

    for (format = DI_FORMAT_UNKNOWN + 1; format < DI_FORMAT_END; format++) {
        const di_codec_t *codec = di_codec_of((apr_uint32_t)format);

        if (DI_FORMAT_IN(c->job->formats, format) && codec->encode &&
            (lossy ? codec->lossy : codec->lossless) &&
            (codec->alpha || !c->kind.alpha) &&
            width_px <= codec->most_side_px &&
            height_px <= codec->most_side_px &&
            is_shown_right(c, codec->format, width_px, height_px)) {
            set |= 1u << format;
        }
    }
    return set;
}

static void upright(apr_uint32_t *width_px, apr_uint32_t *height_px,
                    const compose_t *c, const di_scale_t *scale)
{
    *width_px = c->source.turns ? scale->height_px : scale->width_px;
    *height_px = c->source.turns ? scale->width_px : scale->height_px;
}

static unsigned usable_at(const compose_t *c, int lossy,
                          const di_scale_t *scale)
{
    apr_uint32_t width_px, height_px;

    upright(&width_px, &height_px, c, scale);
    return usable(c, lossy, width_px, height_px);
}

/* ---- candidates ---- */

static int is_slow(const compose_t *c)
{
    return (apr_uint64_t)c->picture.width_px * c->picture.height_px >
           SLOW_FROM_PX;
}

/* A format that does not fit this picture will not fit it next time either, and
   another takes its place.  A failure may be one of the machine: what the other
   formats then made would be stored for ever as the best of all. */
static di_render_status_e left_out(di_render_status_e status)
{
    return status == DI_RENDER_NO_FORMAT ? DI_RENDER_OK : status;
}

static di_render_status_e consider(compose_t *c, di_candidate_t *other,
                                   di_render_status_e status)
{
    if (status != DI_RENDER_OK) {
        di_candidate_free(other);
    }
    else if (di_candidate_keep_smaller(&c->best, other)) {
        c->best_width_px = c->picture.width_px;
        c->best_height_px = c->picture.height_px;
    }
    return left_out(status);
}

/* Formats of a set, one after the other: every one in full. */
static di_render_status_e try_each(compose_t *c, di_subject_t *subject,
                                   unsigned set)
{
    unsigned floor_e4 = c->job->recipe.ssim_e4;
    di_render_status_e status = DI_RENDER_OK;
    int format;

    for (format = 1; format < DI_FORMAT_END && status == DI_RENDER_OK;
         format++) {
        di_candidate_t other;

        if (!DI_FORMAT_IN(set, format)) {
            continue;
        }
        set &= ~(1u << format);
        status = di_candidate_lossy(&other, di_codec_of((apr_uint32_t)format),
                                    subject, &c->job->recipe, floor_e4, NULL);
        if (status == DI_RENDER_OK && !floor_e4 && set) {
            status = di_candidate_measure(&other, subject);
            floor_e4 = other.ssim_e4;
        }
        status = consider(c, &other, status);
    }
    return status;
}

/* Estimate each format of a set; those that do not fit are left out. */
static di_render_status_e estimate_all(di_estimate_t *out, int *count,
                                       const compose_t *c,
                                       di_subject_t *subject, unsigned set)
{
    unsigned floor_e4 = c->job->recipe.ssim_e4;
    int format;

    *count = 0;
    for (format = 1; format < DI_FORMAT_END; format++) {
        di_render_status_e status;

        if (!DI_FORMAT_IN(set, format)) {
            continue;
        }
        status = di_candidate_estimate(&out[*count],
                                       di_codec_of((apr_uint32_t)format),
                                       subject, &c->job->recipe, &floor_e4);
        *count += status == DI_RENDER_OK;
        if (left_out(status) != DI_RENDER_OK) {
            return status;
        }
    }
    return DI_RENDER_OK;
}

static int by_bytes(const void *a, const void *b)
{
    const di_estimate_t *x = a, *y = b;

    return x->bytes_e12 != y->bytes_e12
               ? x->bytes_e12 - y->bytes_e12
               : (int)x->codec->format - (int)y->codec->format;
}

/* 1 when the picture in a format may be smaller than the best so far. */
static int may_be_smallest(const compose_t *c, const di_subject_t *subject,
                           const di_estimate_t *estimate)
{
    return !c->best.file.bytes ||
           estimate->bytes_e12 + di_subject_scale_e12(subject) <=
               di_search_bytes_e12(c->best.file.len) + NEAR_E12;
}

/* Formats of a large picture: in full only those that may be the smallest,
   the first of them in any case.  Without a floor its file is not measured,
   and so there is nothing that others could keep. */
static di_render_status_e try_likely(compose_t *c, di_subject_t *subject,
                                     unsigned set)
{
    unsigned floor_e4 = c->job->recipe.ssim_e4;
    di_estimate_t all[DI_FORMAT_END];
    int count, i, made = 0;
    di_render_status_e status = estimate_all(all, &count, c, subject, set);

    qsort(all, (size_t)count, sizeof(*all), by_bytes);
    for (i = 0; i < count && status == DI_RENDER_OK; i++) {
        di_candidate_t other;

        if (made && (!floor_e4 || !may_be_smallest(c, subject, &all[i]))) {
            break;
        }
        status = di_candidate_lossy(&other, all[i].codec, subject,
                                    &c->job->recipe, floor_e4, &all[i]);
        made |= status == DI_RENDER_OK;
        status = consider(c, &other, status);
    }
    return status;
}

static di_render_status_e try_lossy(compose_t *c, di_subject_t *subject,
                                    unsigned set)
{
    int one = !(set & (set - 1));

    if (c->job->recipe.quick) {
        set &= ~set + 1; /* the first: JPEG where it may be */
        one = 1;
    }
    return di_subject_is_large(subject) && (c->job->recipe.ssim_e4 || !one)
               ? try_likely(c, subject, set)
               : try_each(c, subject, set);
}

static di_render_status_e try_lossless(compose_t *c, di_subject_t *subject,
                                       unsigned set)
{
    di_render_status_e status = DI_RENDER_OK;
    di_candidate_t other;
    int format;

    for (format = 1; format < DI_FORMAT_END && status == DI_RENDER_OK;
         format++) {
        if (!DI_FORMAT_IN(set, format) ||
            (format != DI_FORMAT_PNG && is_slow(c)) ||
            /* 18-60 % larger than WebP, at ten times the cost. */
            (format == DI_FORMAT_JXL && c->best.file.bytes)) {
            continue;
        }
        status =
            di_candidate_lossless(&other, di_codec_of((apr_uint32_t)format),
                                  subject, &c->job->recipe);
        status = consider(c, &other, status);
    }
    if (status == DI_RENDER_OK && (set & DI_FORMAT_SET(PNG)) &&
        c->job->recipe.colors && c->kind.colors > c->job->recipe.colors) {
        status = di_candidate_palette(&other, subject, &c->job->recipe,
                                      c->job->recipe.ssim_e4);
        status = consider(c, &other, status);
    }
    return status;
}

/* Beside others that are as good as done, a format that takes seconds for a
   large picture is left out. */
static unsigned without_slow(const compose_t *c, unsigned lossy)
{
    unsigned others = lossy & ~DI_FORMAT_SET(JXL);

    return is_slow(c) && others ? others : lossy;
}

/* Encode the picture as it is now in the formats of both sets. */
static di_render_status_e try_formats(compose_t *c, unsigned lossy,
                                      unsigned lossless)
{
    di_render_status_e status = DI_RENDER_OK;
    di_subject_t subject;

    di_subject_init(&subject, &c->picture, c->kind.kind);
    if (lossless) {
        status = try_lossless(c, &subject, lossless);
    }
    if (status == DI_RENDER_OK && lossy) {
        status = try_lossy(c, &subject, without_slow(c, lossy));
    }
    di_subject_free(&subject);
    return status;
}

/* ---- sizes ---- */

static di_render_status_e shrink_to(compose_t *c, const di_scale_t *scale)
{
    apr_uint32_t width_px, height_px;
    di_render_status_e status = DI_RENDER_OK;

    upright(&width_px, &height_px, c, scale);
    if (width_px != c->picture.width_px || height_px != c->picture.height_px) {
        status = di_source_shrink(&c->picture, width_px, height_px);
    }
    c->scale = *scale;
    return status;
}

/* What the best file's format will say at that size; bytes, 0: nothing. */
static apr_size_t write_exif(unsigned char block[DI_EXIF_MAX],
                             const compose_t *c, apr_uint32_t width_px,
                             apr_uint32_t height_px)
{
    di_exif_wish_t wish = {.width_px = width_px,
                           .height_px = height_px,
                           .shown_width_px = c->source.shown_width_px,
                           .shown_height_px = c->source.shown_height_px};

    if (!di_container_carries_size(c->best.format)) {
        wish.shown_width_px = wish.width_px;
        wish.shown_height_px = wish.height_px;
    }
    if (c->job->recipe.keep_copyright) {
        wish.artist = c->source.exif.artist;
        wish.copyright = c->source.exif.copyright;
    }
    return di_exif_write(block, &wish);
}

static apr_size_t exif_bytes(const compose_t *c, apr_uint32_t width_px,
                             apr_uint32_t height_px)
{
    unsigned char block[DI_EXIF_MAX];
    apr_size_t len = write_exif(block, c, width_px, height_px);

    return len ? len + DI_CONTAINER_EXIF_BYTES : 0;
}

/* EXIF is added to the best alone, and counts. */
static int is_over(const compose_t *c)
{
    return c->job->recipe.most_bytes && c->best.file.bytes &&
           c->best.file.len +
                   exif_bytes(c, c->best_width_px, c->best_height_px) >
               c->job->recipe.most_bytes;
}

/* The next size that is expected to be under the ceiling, with the EXIF that a
   smaller picture has; 0: there is none. */
static int lower_size(di_scale_t *lower, const compose_t *c)
{
    apr_size_t exif = exif_bytes(c, 1, 1);
    apr_size_t most = c->job->recipe.most_bytes;

    return most > exif &&
           di_scale_lower(lower, c->source.header.width_px,
                          c->source.header.height_px, c->best.file.len,
                          most - exif) &&
           usable_at(c, 1, lower);
}

/* As long as the best file is over the ceiling: fewer pixels. */
static di_render_status_e keep_ceiling(compose_t *c)
{
    di_render_status_e status = DI_RENDER_OK;
    di_scale_t lower = c->scale;
    int times;

    for (times = 0; times < LOWER_MOST && status == DI_RENDER_OK && is_over(c);
         times++) {
        if (!lower_size(&lower, c)) {
            break;
        }
        status = shrink_to(c, &lower);
        if (status == DI_RENDER_OK) {
            status = try_formats(c, usable_at(c, 1, &lower), 0);
        }
    }
    return status;
}

/* ---- the two kinds ---- */

static di_render_status_e compose_photo(compose_t *c, const di_scale_t *wanted)
{
    unsigned lossy = usable_at(c, 1, wanted);
    di_render_status_e status;

    if (!lossy) {
        lossy = usable_at(c, 1, &c->scale);
        /* Without loss a JPEG's picture takes several times its bytes. */
        return try_formats(c, lossy,
                           lossy || c->source.header.format == DI_FORMAT_JPEG
                               ? 0
                               : usable_at(c, 0, &c->scale));
    }
    status = shrink_to(c, wanted);
    if (status == DI_RENDER_OK) {
        status = try_formats(c, lossy, 0);
    }
    return status;
}

static di_render_status_e compose_graphics(compose_t *c,
                                           const di_scale_t *wanted)
{
    unsigned lossless = usable_at(c, 0, &c->scale);
    /* Lossy WebP halves the colours' resolution, which coloured text does not
       bear. */
    unsigned lossy = (c->kind.colors > 256 && !is_slow(c)) || !lossless
                         ? usable_at(c, 1, &c->scale) & ~DI_FORMAT_SET(WEBP)
                         : 0;
    di_render_status_e status = try_formats(c, lossy, lossless);

    if (status == DI_RENDER_OK && wanted->width_px < c->scale.width_px &&
        (!c->best.file.bytes || is_over(c) ||
         c->best.file.len >= c->source.len) &&
        usable_at(c, 1, wanted)) {
        status = shrink_to(c, wanted);
        if (status == DI_RENDER_OK) {
            status = try_formats(c, usable_at(c, 1, wanted), 0);
        }
    }
    return status;
}

/* ---- the story ---- */

/* The size at which to decode.  A JPEG is decoded at the size wanted, since
   that is where decoding is cheap; others in full, because what they show
   decides. */
static void plan(di_scale_t *first, di_scale_t *wanted, const compose_t *c)
{
    const di_header_t *header = &c->source.header;
    di_scale_t full = {header->width_px, header->height_px, 8};

    di_scale_plan(wanted, header->width_px, header->height_px, c->source.turns,
                  &c->job->recipe);
    *first = header->format == DI_FORMAT_JPEG && usable_at(c, 1, wanted)
                 ? *wanted
                 : full;
}

/* No acceptable format holds transparent pixels: give them a background.  Not
   in a quick job, which is JPEG for its speed, whatever the client takes. */
static di_render_status_e flatten_if_needed(compose_t *c)
{
    if (!c->kind.alpha || c->job->recipe.quick ||
        (c->job->formats & ~DI_FORMAT_SET(JPEG))) {
        return DI_RENDER_OK;
    }
    if (!di_raster_flatten(&c->picture, c->job->recipe.background)) {
        return DI_RENDER_NO_MEMORY;
    }
    di_kind_of(&c->kind, &c->picture);
    return DI_RENDER_OK;
}

static di_render_status_e add_exif(compose_t *c)
{
    unsigned char block[DI_EXIF_MAX];
    di_render_status_e status;
    apr_size_t len = write_exif(block, c, c->best_width_px, c->best_height_px);

    if (!len) {
        return DI_RENDER_OK;
    }
    status =
        di_container_add_exif(&c->best.file, c->best.format, c->best_width_px,
                              c->best_height_px, c->kind.alpha, block, len);
    /* Only the texts are lost where a format takes no EXIF. */
    return status == DI_RENDER_NO_FORMAT ? DI_RENDER_OK : status;
}

static di_render_status_e decode(compose_t *c, const di_scale_t *first)
{
    di_render_status_e status =
        di_source_decode(&c->picture, &c->source, first);

    c->scale = *first;
    if (status == DI_RENDER_OK) {
        di_kind_of(&c->kind, &c->picture);
        status = flatten_if_needed(c);
    }
    return status;
}

/* Small and of few colours: lossless, because lossy formats smear what little
   there is of it, which a comparison of luma does not see. */
static int is_icon(const compose_t *c)
{
    return c->kind.colors <= 256 &&
           c->picture.width_px * c->picture.height_px <= ICON_MOST_PX;
}

static di_render_status_e choose(compose_t *c, const di_scale_t *wanted)
{
    /* A JPEG has been through lossy coding: nothing in it is flat any more. */
    int photo = (c->kind.kind == DI_KIND_PHOTO && !is_icon(c)) ||
                c->job->recipe.quick ||
                c->source.header.format == DI_FORMAT_JPEG;
    di_render_status_e status =
        photo ? compose_photo(c, wanted) : compose_graphics(c, wanted);

    if (status == DI_RENDER_OK) {
        status = keep_ceiling(c);
    }
    if (status == DI_RENDER_OK && !c->best.file.bytes) {
        status = DI_RENDER_NO_FORMAT;
    }
    return status;
}

static di_render_status_e run(compose_t *c)
{
    di_scale_t first, wanted;
    di_render_status_e status;

    if (c->source.len < LEAST_BYTES) {
        return DI_RENDER_NO_GAIN;
    }
    plan(&first, &wanted, c);
    if ((status = decode(c, &first)) != DI_RENDER_OK ||
        (status = choose(c, &wanted)) != DI_RENDER_OK ||
        (status = add_exif(c)) != DI_RENDER_OK) {
        return status;
    }
    return c->best.file.len < c->source.len ? DI_RENDER_OK : DI_RENDER_NO_GAIN;
}

static void describe(di_result_t *result, const compose_t *c)
{
    const di_source_t *source = &c->source;

    result->source_width_px =
        source->turns ? source->header.height_px : source->header.width_px;
    result->source_height_px =
        source->turns ? source->header.width_px : source->header.height_px;
    if (result->status != DI_RENDER_OK) {
        return;
    }
    result->format = c->best.format;
    result->width_px = c->best_width_px;
    result->height_px = c->best_height_px;
    result->quality = (apr_uint32_t)c->best.quality;
    result->ssim_e4 = c->best.ssim_e4;
    result->bytes = c->best.file.len;
}

void di_compose(di_result_t *result, unsigned char **out, const di_job_t *job,
                const unsigned char *bytes, apr_size_t len)
{
    compose_t c;
    di_render_status_e status;

    *out = NULL;
    memset(result, 0, sizeof(*result));
    memset(&c, 0, sizeof(c));
    c.job = job;
    status = di_source_read(&c.source, job, bytes, len);
    if (status == DI_RENDER_OK) {
        status = run(&c);
    }
    result->status = (apr_uint32_t)status;
    describe(result, &c);
    if (status == DI_RENDER_OK) {
        *out = c.best.file.bytes;
        c.best.file.bytes = NULL;
    }
    di_candidate_free(&c.best);
    di_raster_free(&c.picture);
}

/* ---- start and stop ---- */

int di_compose_start(unsigned formats, apr_uint64_t memory_bytes)
{
    return di_gm_start(formats, memory_bytes) && di_color_start() &&
           (!DI_FORMAT_IN(formats, DI_FORMAT_HEIC) || di_heif_start()) &&
           di_warm_up(formats);
}

/* "GraphicsMagick 1.3.40 2023-01-14 Q16 ..." -> "1.3.40-Q16": with fewer bits
   a sample other pictures come out of Lanczos. */
static const char *gm_number(apr_pool_t *p)
{
    const char *text = strchr(di_gm_version(), ' ');
    const char *depth;

    text = text ? text + 1 : "";
    depth = strstr(text, " Q");
    depth = depth ? depth + 1 : "";
    return apr_psprintf(p, "%.*s-%.*s", (int)strcspn(text, " "), text,
                        (int)strcspn(depth, " "), depth);
}

/*
 * Two are not in it as they run.  libjpeg-turbo tells its version to those
 * who compile only; what it writes and reads is held to fixed checksums by its
 * own tests.  libtiff, under GraphicsMagick, tells it only once that is
 * started; most of what it decodes is without loss.
 */
const char *di_compose_version(apr_pool_t *p)
{
    return apr_psprintf(p,
                        "gm-%s/jpeg-%u/png-%u/webp-%u/avif-%u/jxl-%u/"
                        "heif-%u/lcms-%u",
                        gm_number(p), di_jpeg_version(), di_png_version(),
                        di_webp_version(), di_avif_version(), di_jxl_version(),
                        di_heif_version(), di_color_version());
}

void di_compose_stop(void)
{
    di_gm_stop();
}
