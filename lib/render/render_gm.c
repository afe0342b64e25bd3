/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendering with GraphicsMagick, one format a row of a table: decode (the
 * reader forced by name), prepare (scale, turn, strip, count colours),
 * encode, finish (what the library's writers cannot say).
 *
 * What keeps hostile input away from the rest of the library: the picture's
 * structure is walked first (render/header.h) and its size refused there; the
 * reader is named, so the library does not guess from content and run, say,
 * its SVG reader on it; all other coders are unregistered; nothing may be
 * executed or fetched.  Memory is bounded by the library's limits and by the
 * process's; time only by the process's timer (render/renderer.h).
 *
 * The reader's warnings: libjpeg warns for harmless and for harmful things
 * alike, and the library keeps one text; damaged_text() tells them apart.
 */
#include "render/render_gm.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
/* The library's headers test a macro that gnu11 does not define. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <magick/api.h>
#include <magick/confirm_access.h>
#pragma GCC diagnostic pop

#include "render/density.h"
#include "render/header.h"
#include "render/pngcolor.h"
#include "render/scale.h"

/* Deflate level 7 with adaptive filters; 9 costs twice the time for 1 %. */
#define PNG_QUALITY 75

typedef struct {
    const di_job_t *job;
    const unsigned char *bytes; /* the original */
    apr_size_t len;
    di_header_t header;
    di_exif_t exif;
    Image *image;       /* owned */
    ImageInfo *info;    /* settings of the encoder, owned */
    const char *writer; /* name of the encoder */
    ExceptionInfo ex;
} render_t;

typedef struct {
    di_format_e format;
    const char *name; /* of reader and writer */
    /* From the decoded picture to one that only needs encoding. */
    di_render_status_e (*prepare)(render_t *r);
    /* From encoded bytes (malloc'd) to the rendition; may replace them. */
    di_render_status_e (*finish)(unsigned char **out, apr_size_t *len,
                                 const render_t *r);
} format_t;

/* ---- how a call of the library ended ---- */

/* Texts of libjpeg's warnings that mean lost picture data (jerror.h). */
static int damaged_text(const char *text)
{
    return text && !strstr(text, "extraneous bytes") &&
           (strstr(text, "Corrupt JPEG data") ||
            strstr(text, "Premature end") ||
            strstr(text, "Inconsistent progression"));
}

static di_render_status_e status_of(const ExceptionInfo *ex, di_format_e format)
{
    const char *text = ex->reason;

    if (ex->severity == CorruptImageWarning) {
        return format != DI_FORMAT_JPEG || damaged_text(text) ? DI_RENDER_BROKEN
                                                              : DI_RENDER_OK;
    }
    if (ex->severity < ErrorException) {
        return DI_RENDER_OK;
    }
    if (ex->severity == ResourceLimitError || ex->severity == CacheError ||
        (text && strstr(text, "Insufficient memory"))) {
        return DI_RENDER_NO_MEMORY;
    }
    return ex->severity == CorruptImageError || ex->severity == CoderError
               ? DI_RENDER_BROKEN
               : DI_RENDER_FAILED;
}

/* Damage found by the decoder is not damage when the encoder fails. */
static di_render_status_e encoder_status(const render_t *r,
                                         const ExceptionInfo *ex)
{
    di_render_status_e status = status_of(ex, (di_format_e)r->header.format);

    return status == DI_RENDER_BROKEN ? DI_RENDER_FAILED : status;
}

/* Put a new picture in place of the old one; NULL means it was not made. */
static di_render_status_e replace(render_t *r, Image *image)
{
    if (!image) {
        di_render_status_e status = encoder_status(r, &r->ex);

        return status == DI_RENDER_OK ? DI_RENDER_FAILED : status;
    }
    DestroyImageList(r->image);
    r->image = image;
    return DI_RENDER_OK;
}

/* ---- decode ---- */

static di_render_status_e decode(render_t *r, const format_t *format,
                                 const di_scale_t *scale)
{
    ImageInfo *info = CloneImageInfo(NULL);
    di_render_status_e status;
    char hint[32];

    apr_snprintf(info->filename, sizeof(info->filename), "%s:", format->name);
    if (scale->hint_width_px) {
        apr_snprintf(hint, sizeof(hint), "%ux%u", scale->hint_width_px,
                     scale->hint_height_px);
        CloneString(&info->size, hint);
    }
    r->image = BlobToImage(info, r->bytes, r->len, &r->ex);
    DestroyImageInfo(info);
    status = status_of(&r->ex, format->format);
    if (r->image && status == DI_RENDER_OK) {
        status = status_of(&r->image->exception, format->format);
    }
    if (!r->image) {
        return status == DI_RENDER_OK ? DI_RENDER_FAILED : status;
    }
    return status;
}

/* ---- prepare ---- */

static int is_color_profile(const char *name)
{
    return !strcmp(name, "ICM") || !strcmp(name, "ICC");
}

/* The first profile that does not stay, copied to name; 0 when all may. */
static int unwanted_profile(char *name, apr_size_t size, const Image *image,
                            int keep_exif)
{
    ImageProfileIterator it = AllocateImageProfileIterator(image);
    const unsigned char *bytes;
    const char *found;
    size_t len;
    int unwanted = 0;

    while (it && !unwanted &&
           NextImageProfile(it, &found, &bytes, &len) != MagickFail) {
        unwanted =
            !is_color_profile(found) && !(keep_exif && !strcmp(found, "EXIF"));
        if (unwanted) {
            apr_cpystrn(name, found, size);
        }
    }
    DeallocateImageProfileIterator(it);
    return unwanted;
}

static void strip(render_t *r, int keep_exif)
{
    char name[MaxTextExtent];

    while (unwanted_profile(name, sizeof(name), r->image, keep_exif) &&
           DeleteImageProfile(r->image, name) != MagickFail) {
    }
    (void)SetImageAttribute(r->image, "comment", NULL);
    (void)SetImageAttribute(r->image, "label", NULL);
}

static int has_profile(const render_t *r)
{
    size_t len;

    return GetImageProfile(r->image, "ICM", &len) ||
           GetImageProfile(r->image, "ICC", &len);
}

static di_render_status_e resize(render_t *r, const di_scale_t *scale)
{
    if (r->image->columns == scale->width_px &&
        r->image->rows == scale->height_px) {
        return DI_RENDER_OK;
    }
    return replace(r, ResizeImage(r->image, scale->width_px, scale->height_px,
                                  LanczosFilter, 1.0, &r->ex));
}

static di_render_status_e turn_upright(render_t *r)
{
    if (r->exif.orientation == 1) {
        return DI_RENDER_OK;
    }
    return replace(r, AutoOrientImage(r->image,
                                      (OrientationType)r->exif.orientation,
                                      &r->ex));
}

/* A profile for colour pixels does not apply to a grey file, and the writers
   make one of every grey-looking picture. */
static int must_stay_color(render_t *r, int profile)
{
    return profile && r->header.channels == 3 && IsGrayImage(r->image, &r->ex);
}

static di_render_status_e prepare_jpeg(render_t *r)
{
    di_scale_t scale;
    di_render_status_e status;
    int grey = 0;

    di_scale_plan(&scale, r->header.width_px, r->header.height_px,
                  r->job->fit_px);
    if ((status = resize(r, &scale)) != DI_RENDER_OK ||
        (status = turn_upright(r)) != DI_RENDER_OK) {
        return status;
    }
    strip(r, 0);
    r->image->x_resolution = r->image->y_resolution = 72;
    r->image->units = PixelsPerInchResolution;
    r->info->quality = r->job->quality;
    r->info->interlace = r->job->progressive ? LineInterlace : NoInterlace;
    if (must_stay_color(r, has_profile(r))) {
        /* The JPEG writer goes by this flag alone. */
        r->image->is_grayscale = MagickFalse;
    }
    else {
        grey = IsGrayImage(r->image, &r->ex);
    }
    CloneString(&r->info->sampling_factor, grey ? "1x1" : "2x2");
    return DI_RENDER_OK;
}

/* A palette, when the job wants one and no pixel is transparent. */
static di_render_status_e count_colors(render_t *r)
{
    QuantizeInfo quantize;

    if (!r->job->colors ||
        (r->image->storage_class == PseudoClass &&
         r->image->colors <= r->job->colors) ||
        (r->image->matte && !IsOpaqueImage(r->image, &r->ex))) {
        return DI_RENDER_OK;
    }
    r->image->matte = MagickFalse;
    GetQuantizeInfo(&quantize);
    quantize.number_colors = r->job->colors;
    quantize.dither = MagickTrue;
    if (QuantizeImage(&quantize, r->image) == MagickFail) {
        return encoder_status(r, &r->image->exception);
    }
    return DI_RENDER_OK;
}

/* Let the writer drop channels and bits that say nothing.  It can look for
   them by itself (OptimizeType), but then writes garbage for an alpha channel
   that is opaque throughout. */
static void simplify(render_t *r)
{
    if (r->image->matte && IsOpaqueImage(r->image, &r->ex)) {
        r->image->matte = MagickFalse;
    }
    if (IsGrayImage(r->image, &r->ex)) {
        (void)IsMonochromeImage(r->image, &r->ex);
    }
}

static const char *png_writer(render_t *r)
{
    if (!must_stay_color(r, di_pngcolor_has_profile(r->bytes, r->len))) {
        return "PNG";
    }
    if (r->image->storage_class == PseudoClass && !r->image->matte) {
        return "PNG8";
    }
    if (r->image->depth > 8) {
        return r->image->matte ? "PNG64" : "PNG48";
    }
    return r->image->matte ? "PNG32" : "PNG24";
}

static di_render_status_e prepare_png(render_t *r)
{
    di_render_status_e status = count_colors(r);

    simplify(r);
    strip(r, 0);
    r->info->quality = PNG_QUALITY;
    r->writer = png_writer(r);
    return status;
}

static di_render_status_e prepare_gif(render_t *r)
{
    strip(r, 0);
    return count_colors(r);
}

/* Some browsers turn a WebP by its EXIF and some do not; with the same EXIF
   each treats the rendition as it treats the original. */
static di_render_status_e prepare_webp(render_t *r)
{
    strip(r, r->exif.orientation != 1);
    r->info->quality = r->job->quality;
    (void)AddDefinitions(r->info, "webp:method=2", &r->ex);
    return DI_RENDER_OK;
}

/* ---- encode and finish ---- */

static di_render_status_e encode(unsigned char **out, apr_size_t *len,
                                 render_t *r)
{
    size_t count = 0;
    void *blob;

    apr_cpystrn(r->image->magick, r->writer, MaxTextExtent);
    blob = ImageToBlob(r->info, r->image, &count, &r->ex);
    if (!blob || !count) {
        di_render_status_e status = encoder_status(r, &r->ex);

        if (status == DI_RENDER_OK) {
            status = encoder_status(r, &r->image->exception);
        }
        MagickFree(blob);
        return status == DI_RENDER_OK ? DI_RENDER_FAILED : status;
    }
    /* The library's allocator is malloc's, unless told otherwise. */
    *out = blob;
    *len = count;
    return DI_RENDER_OK;
}

/* The size at which the original is laid out, turned upright. */
static void shown_size(apr_uint32_t *width_px, apr_uint32_t *height_px,
                       const render_t *r)
{
    apr_uint32_t width = r->header.width_px, height = r->header.height_px;

    di_density_shown(&width, &height, &r->exif);
    *width_px = di_exif_turns(r->exif.orientation) ? height : width;
    *height_px = di_exif_turns(r->exif.orientation) ? width : height;
}

/* Put bytes behind the first `at` bytes. */
static di_render_status_e insert(unsigned char **out, apr_size_t *len,
                                 apr_size_t at, const unsigned char *bytes,
                                 apr_size_t count)
{
    unsigned char *grown = realloc(*out, *len + count);

    if (!grown) {
        return DI_RENDER_NO_MEMORY;
    }
    memmove(grown + at + count, grown + at, *len - at);
    memcpy(grown + at, bytes, count);
    *out = grown;
    *len += count;
    return DI_RENDER_OK;
}

static di_render_status_e finish_jpeg(unsigned char **out, apr_size_t *len,
                                      const render_t *r)
{
    unsigned char block[DI_DENSITY_BYTES];
    apr_uint32_t width_px, height_px;

    shown_size(&width_px, &height_px, r);
    if (r->image->columns == width_px && r->image->rows == height_px) {
        return DI_RENDER_OK;
    }
    di_density_block(block, (apr_uint32_t)r->image->columns,
                     (apr_uint32_t)r->image->rows, width_px, height_px);
    return insert(out, len, 2, block, sizeof(block));
}

static di_render_status_e finish_png(unsigned char **out, apr_size_t *len,
                                     const render_t *r)
{
    unsigned char *merged = malloc(*len + r->len);
    apr_size_t count;

    if (!merged) {
        return DI_RENDER_NO_MEMORY;
    }
    count = di_pngcolor_merge(merged, *out, *len, r->bytes, r->len);
    free(*out);
    *out = merged;
    *len = count;
    return count ? DI_RENDER_OK : DI_RENDER_FAILED;
}

static di_render_status_e finish_as_is(unsigned char **out, apr_size_t *len,
                                       const render_t *r)
{
    return DI_RENDER_OK;
}

static const format_t formats[] = {
    {DI_FORMAT_JPEG, "JPEG", prepare_jpeg, finish_jpeg},
    {DI_FORMAT_PNG, "PNG", prepare_png, finish_png},
    {DI_FORMAT_GIF, "GIF", prepare_gif, finish_as_is},
    {DI_FORMAT_WEBP, "WEBP", prepare_webp, finish_as_is},
};

#define FORMATS (sizeof(formats) / sizeof(*formats))

static const format_t *format_of(apr_uint32_t format)
{
    apr_size_t i;

    for (i = 0; i < FORMATS; i++) {
        if ((apr_uint32_t)formats[i].format == format) {
            return &formats[i];
        }
    }
    return NULL;
}

/* ---- one render ---- */

static di_render_status_e check(render_t *r)
{
    const di_job_t *job = r->job;
    di_render_status_e status;

    if (r->len > job->max_bytes) {
        return DI_RENDER_TOO_LARGE;
    }
    status =
        di_header_read(&r->header, (di_format_e)job->format, r->bytes, r->len);
    if (r->header.width_px > DI_SIDE_MAX_PX ||
        r->header.height_px > DI_SIDE_MAX_PX ||
        (apr_uint64_t)r->header.width_px * r->header.height_px >
            job->max_pixels) {
        return DI_RENDER_TOO_LARGE;
    }
    if (status == DI_RENDER_OK && r->header.frames > 1) {
        return DI_RENDER_ANIMATED;
    }
    if (status == DI_RENDER_OK && r->header.channels == 4) {
        return DI_RENDER_UNSUPPORTED;
    }
    return status;
}

static di_render_status_e run(unsigned char **out, apr_size_t *len, render_t *r,
                              const format_t *format)
{
    di_scale_t scale = {0, 0, 0, 0};
    di_render_status_e status;

    if (format->format == DI_FORMAT_JPEG) {
        di_scale_plan(&scale, r->header.width_px, r->header.height_px,
                      r->job->fit_px);
    }
    (void)SetMagickResourceLimit(PixelsResource,
                                 (magick_int64_t)r->job->max_pixels);
    if ((status = decode(r, format, &scale)) != DI_RENDER_OK ||
        (status = format->prepare(r)) != DI_RENDER_OK ||
        (status = encode(out, len, r)) != DI_RENDER_OK) {
        return status;
    }
    return format->finish(out, len, r);
}

static void describe(di_result_t *result, const render_t *r)
{
    int turns = di_exif_turns(r->exif.orientation) &&
                r->header.format == DI_FORMAT_JPEG;

    result->format = r->header.format;
    result->source_width_px = turns ? r->header.height_px : r->header.width_px;
    result->source_height_px = turns ? r->header.width_px : r->header.height_px;
}

/* The pixels of the rendition; a GIF's frame may be smaller than the GIF. */
static void describe_output(di_result_t *result, const render_t *r,
                            apr_size_t len)
{
    int jpeg = r->header.format == DI_FORMAT_JPEG;

    result->width_px =
        jpeg ? (apr_uint32_t)r->image->columns : r->header.width_px;
    result->height_px =
        jpeg ? (apr_uint32_t)r->image->rows : r->header.height_px;
    result->bytes = len;
}

void di_gm_render(di_result_t *result, unsigned char **out, const di_job_t *job,
                  const unsigned char *bytes, apr_size_t len)
{
    render_t r = {.job = job, .bytes = bytes, .len = len};
    const format_t *format = format_of(job->format);
    di_render_status_e status = DI_RENDER_UNSUPPORTED;
    apr_size_t count = 0;

    *out = NULL;
    memset(result, 0, sizeof(*result));
    GetExceptionInfo(&r.ex);
    if (format && (status = check(&r)) == DI_RENDER_OK) {
        di_exif_read(&r.exif, bytes + r.header.exif.at, r.header.exif.len);
        r.info = CloneImageInfo(NULL);
        r.writer = format->name;
        status = run(out, &count, &r, format);
        describe(result, &r);
    }
    if (status == DI_RENDER_OK) {
        describe_output(result, &r, count);
    }
    else {
        free(*out);
        *out = NULL;
    }
    result->status = (apr_uint32_t)status;
    if (r.image) {
        DestroyImageList(r.image);
    }
    if (r.info) {
        DestroyImageInfo(r.info);
    }
    DestroyExceptionInfo(&r.ex);
}

/* ---- start and stop ---- */

static MagickPassFail deny_access(const ConfirmAccessMode mode,
                                  const char *path, ExceptionInfo *ex)
{
    return MagickFail;
}

static int is_needed(const char *name)
{
    static const char *const needed[] = {"JPEG",  "PNG",   "PNG8",
                                         "PNG24", "PNG32", "PNG48",
                                         "PNG64", "GIF",   "WEBP"};
    apr_size_t i;

    for (i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
        if (!strcmp(name, needed[i])) {
            return 1;
        }
    }
    return 0;
}

/* Leave the library without any other reader or writer. */
static int unregister_others(ExceptionInfo *ex)
{
    MagickInfo **all = GetMagickInfoArray(ex);
    char name[MaxTextExtent];
    apr_size_t i;

    for (i = 0; all && all[i]; i++) {
        if (!is_needed(all[i]->name)) {
            apr_cpystrn(name, all[i]->name, sizeof(name));
            (void)UnregisterMagickInfo(name);
        }
    }
    MagickFree(all);
    return all != NULL;
}

static void set_limits(apr_uint64_t memory_bytes)
{
    magick_int64_t memory = memory_bytes > APR_INT64_MAX
                                ? APR_INT64_MAX
                                : (magick_int64_t)memory_bytes;

    (void)SetMagickResourceLimit(MemoryResource, memory);
    (void)SetMagickResourceLimit(ReadResource, memory);
    (void)SetMagickResourceLimit(MapResource, 0);
    (void)SetMagickResourceLimit(DiskResource, 0);
    (void)SetMagickResourceLimit(ThreadsResource, 1);
    (void)SetMagickResourceLimit(WidthResource, DI_SIDE_MAX_PX);
    (void)SetMagickResourceLimit(HeightResource, DI_SIDE_MAX_PX);
}

#define WARM_PX 40

/* A small colour picture with soft alpha, so that all writers' paths run.  27
   colours: more than the palettes asked for, and few, because reducing many
   is most of a start's time. */
static Image *warm_picture(ExceptionInfo *ex)
{
    unsigned char pixels[WARM_PX * WARM_PX * 4];
    unsigned i;

    for (i = 0; i < WARM_PX * WARM_PX; i++) {
        pixels[4 * i] = (unsigned char)(i % 3 * 100);
        pixels[4 * i + 1] = (unsigned char)(i / WARM_PX % 3 * 100);
        pixels[4 * i + 2] = (unsigned char)(i / 7 % 3 * 100);
        pixels[4 * i + 3] = (unsigned char)(i % 5 ? 255 : 128);
    }
    return ConstituteImage(WARM_PX, WARM_PX, "RGBA", CharPixel, pixels, ex);
}

/* Encode the small picture in a format and render the result. */
static int warm_up(const format_t *format, int alpha, const di_job_t *job)
{
    ExceptionInfo ex;
    ImageInfo *info = CloneImageInfo(NULL);
    unsigned char *blob = NULL, *out = NULL;
    di_result_t result = {.status = DI_RENDER_FAILED};
    size_t len = 0;
    Image *image;

    GetExceptionInfo(&ex);
    image = warm_picture(&ex);
    if (image) {
        apr_cpystrn(image->magick, format->name, MaxTextExtent);
        image->matte = alpha ? MagickTrue : MagickFalse;
        blob = ImageToBlob(info, image, &len, &ex);
        DestroyImage(image);
    }
    if (blob) {
        di_gm_render(&result, &out, job, blob, len);
    }
    free(out);
    MagickFree(blob);
    DestroyImageInfo(info);
    DestroyExceptionInfo(&ex);
    return result.status == DI_RENDER_OK;
}

static int warm_up_all(void)
{
    di_job_t job = {
        .quality = 50, .max_pixels = WARM_PX * WARM_PX, .max_bytes = 1 << 20};
    int ok = 1;
    apr_size_t i;
    unsigned variant;

    for (i = 0; i < FORMATS; i++) {
        job.format = (apr_uint32_t)formats[i].format;
        for (variant = 0; variant < 4; variant++) {
            job.colors = variant & 1 ? 16 : 0;
            job.progressive = variant & 1;
            job.fit_px = variant & 1 ? WARM_PX / 10 : WARM_PX / 2;
            ok &= warm_up(&formats[i], variant & 2, &job);
        }
    }
    return ok;
}

int di_gm_start(apr_uint64_t memory_bytes)
{
    ExceptionInfo ex;
    int ok;

    GetExceptionInfo(&ex);
    ok = InitializeMagickEx(NULL, MAGICK_OPT_NO_SIGNAL_HANDER, &ex) !=
             MagickFail &&
         unregister_others(&ex);
    DestroyExceptionInfo(&ex);
    if (!ok) {
        return 0;
    }
    (void)MagickSetConfirmAccessHandler(deny_access);
    (void)SetErrorHandler(NULL);
    (void)SetWarningHandler(NULL);
    set_limits(memory_bytes);
    return warm_up_all();
}

const char *di_gm_version(void)
{
    unsigned long number;

    return GetMagickVersion(&number);
}

void di_gm_stop(void)
{
    DestroyMagick();
}
