/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GraphicsMagick between rasters.
 *
 * What keeps hostile input away from the rest of the library: the picture's
 * structure and size were checked before; the reader is named, so the library
 * does not guess from content and run, say, its SVG reader on it; all coders
 * but those of the formats that the operator allows are unregistered; nothing
 * may be executed or fetched.  Memory is bounded by the library's limits and
 * by the process's; time only by the process's timer (render/renderer.h).
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

/* ---- how a call of the library ended ---- */

static di_render_status_e status_of(const ExceptionInfo *ex)
{
    if (ex->severity == CorruptImageWarning) {
        return DI_RENDER_BROKEN;
    }
    if (ex->severity < ErrorException) {
        return DI_RENDER_OK;
    }
    if (ex->severity == ResourceLimitError || ex->severity == CacheError ||
        (ex->reason && strstr(ex->reason, "Insufficient memory"))) {
        return DI_RENDER_NO_MEMORY;
    }
    return ex->severity == CorruptImageError || ex->severity == CoderError
               ? DI_RENDER_BROKEN
               : DI_RENDER_FAILED;
}

/* Of something that is not the reading of a file: there is no damage. */
static di_render_status_e work_status(const ExceptionInfo *ex)
{
    di_render_status_e status = status_of(ex);

    return status == DI_RENDER_NO_MEMORY ? status : DI_RENDER_FAILED;
}

/* ---- the library's pictures and ours ---- */

static const char *map_of(di_samples_e samples)
{
    switch (samples) {
    case DI_GREY:
        return "I";
    case DI_RGBA:
        return "RGBA";
    case DI_CMYK:
        return "CMYK";
    default:
        return "RGB";
    }
}

static di_samples_e samples_of(const Image *image)
{
    if (image->colorspace == CMYKColorspace) {
        return DI_CMYK;
    }
    return image->matte ? DI_RGBA : DI_RGB;
}

static di_render_status_e to_raster(di_raster_t *out, const Image *image,
                                    di_samples_e samples, ExceptionInfo *ex)
{
    if (!di_raster_make(out, (apr_uint32_t)image->columns,
                        (apr_uint32_t)image->rows, samples)) {
        return DI_RENDER_NO_MEMORY;
    }
    if (DispatchImage(image, 0, 0, image->columns, image->rows,
                      map_of(samples), CharPixel, out->pixels,
                      ex) == MagickFail) {
        di_raster_free(out);
        return work_status(ex);
    }
    return DI_RENDER_OK;
}

static Image *from_raster(const di_raster_t *picture, ExceptionInfo *ex)
{
    return ConstituteImage(picture->width_px, picture->height_px,
                           map_of(picture->samples), CharPixel,
                           picture->pixels, ex);
}

/* ---- decode ---- */

static const char *reader_of(di_format_e format)
{
    switch (format) {
    case DI_FORMAT_GIF:
        return "GIF";
    case DI_FORMAT_TIFF:
        return "TIFF";
    case DI_FORMAT_BMP:
        return "BMP";
    default:
        return NULL;
    }
}

static di_render_status_e take_profile(di_blob_t *out, const Image *image)
{
    size_t len = 0;
    const unsigned char *icc = GetImageProfile(image, "ICM", &len);

    if (!icc) {
        icc = GetImageProfile(image, "ICC", &len);
    }
    if (icc && len) {
        out->bytes = malloc(len);
        if (!out->bytes) {
            return DI_RENDER_NO_MEMORY;
        }
        memcpy(out->bytes, icc, len);
        out->len = len;
    }
    return DI_RENDER_OK;
}

/* A frame that does not fill its canvas: transparent around it, as browsers
   show it.  The picture becomes DI_RGBA. */
static di_render_status_e place(di_raster_t *picture, apr_uint32_t width_px,
                                apr_uint32_t height_px, long left, long top)
{
    di_raster_t canvas;
    apr_uint32_t y;

    if (left < 0 || top < 0 ||
        (apr_uint64_t)left + picture->width_px > width_px ||
        (apr_uint64_t)top + picture->height_px > height_px) {
        return DI_RENDER_BROKEN;
    }
    if (!di_raster_make(&canvas, width_px, height_px, DI_RGBA)) {
        return DI_RENDER_NO_MEMORY;
    }
    memset(canvas.pixels, 0, canvas.row_bytes * height_px);
    for (y = 0; y < picture->height_px; y++) {
        memcpy(di_raster_row(&canvas, y + (apr_uint32_t)top) + 4 * left,
               di_raster_row(picture, y), picture->row_bytes);
    }
    di_raster_replace(picture, &canvas);
    return DI_RENDER_OK;
}

static di_render_status_e convert(di_decoded_t *out, Image *image,
                                  di_format_e format, apr_uint32_t width_px,
                                  apr_uint32_t height_px, ExceptionInfo *ex)
{
    int placed = format == DI_FORMAT_GIF && (image->columns != width_px ||
                                             image->rows != height_px);
    di_render_status_e status = take_profile(&out->icc, image);

    if (status == DI_RENDER_OK) {
        status = to_raster(&out->picture, image,
                           placed ? DI_RGBA : samples_of(image), ex);
    }
    if (status == DI_RENDER_OK && placed) {
        status = place(&out->picture, width_px, height_px, image->page.x,
                       image->page.y);
    }
    return status;
}

/* The first frame alone, whatever else the file holds. */
static Image *read_blob(const char *reader, const unsigned char *bytes,
                        apr_size_t len, ExceptionInfo *ex)
{
    ImageInfo *info = CloneImageInfo(NULL);
    Image *image;

    apr_snprintf(info->filename, sizeof(info->filename), "%s:", reader);
    info->subimage = 0;
    info->subrange = 1;
    image = BlobToImage(info, bytes, len, ex);
    DestroyImageInfo(info);
    return image;
}

di_render_status_e di_gm_decode(di_decoded_t *out, di_format_e format,
                                const unsigned char *bytes, apr_size_t len,
                                apr_uint32_t width_px, apr_uint32_t height_px)
{
    const char *reader = reader_of(format);
    di_render_status_e status;
    ExceptionInfo ex;
    Image *image;

    memset(out, 0, sizeof(*out));
    if (!reader) {
        return DI_RENDER_UNSUPPORTED;
    }
    GetExceptionInfo(&ex);
    (void)SetMagickResourceLimit(PixelsResource,
                                 (magick_int64_t)width_px * height_px);
    image = read_blob(reader, bytes, len, &ex);
    status = status_of(&ex);
    if (image && status == DI_RENDER_OK) {
        status = status_of(&image->exception);
    }
    if (!image && status == DI_RENDER_OK) {
        status = DI_RENDER_FAILED;
    }
    if (status == DI_RENDER_OK) {
        status = convert(out, image, format, width_px, height_px, &ex);
    }
    if (status != DI_RENDER_OK) {
        di_decoded_free(out);
    }
    if (image) {
        DestroyImageList(image);
    }
    DestroyExceptionInfo(&ex);
    return status;
}

/* ---- work on a raster ---- */

/* Grey with alpha has no map of the library's; it goes as RGBA. */
static int widen(di_raster_t *out, const di_raster_t *picture)
{
    apr_size_t i, count = (apr_size_t)picture->width_px * picture->height_px;

    if (!di_raster_make(out, picture->width_px, picture->height_px, DI_RGBA)) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        memset(out->pixels + 4 * i, picture->pixels[2 * i], 3);
        out->pixels[4 * i + 3] = picture->pixels[2 * i + 1];
    }
    return 1;
}

typedef Image *work_fn(Image *image, const unsigned *how, ExceptionInfo *ex);

/* Through the library: in, work, out again with the same samples; DI_RGBA for
   DI_GREY_ALPHA. */
static di_render_status_e through(di_raster_t *picture, work_fn *work,
                                  const unsigned *how)
{
    di_render_status_e status = DI_RENDER_FAILED;
    di_samples_e samples = picture->samples;
    Image *image = NULL, *done = NULL;
    di_raster_t out, wide = {.pixels = NULL};
    ExceptionInfo ex;

    if (samples == DI_GREY_ALPHA) {
        if (!widen(&wide, picture)) {
            return DI_RENDER_NO_MEMORY;
        }
        samples = DI_RGBA;
    }
    GetExceptionInfo(&ex);
    (void)SetMagickResourceLimit(
        PixelsResource, (magick_int64_t)DI_SIDE_MAX_PX * DI_SIDE_MAX_PX);
    image = from_raster(wide.pixels ? &wide : picture, &ex);
    di_raster_free(&wide);
    if (image) {
        done = work(image, how, &ex);
    }
    if (done) {
        status = to_raster(&out, done, samples, &ex);
    }
    else {
        status = work_status(&ex);
    }
    if (status == DI_RENDER_OK) {
        di_raster_replace(picture, &out);
    }
    if (done && done != image) {
        DestroyImage(done);
    }
    if (image) {
        DestroyImage(image);
    }
    DestroyExceptionInfo(&ex);
    return status;
}

static Image *resized(Image *image, const unsigned *how, ExceptionInfo *ex)
{
    return ResizeImage(image, how[0], how[1], LanczosFilter, 1.0, ex);
}

di_render_status_e di_gm_resize(di_raster_t *picture, apr_uint32_t width_px,
                                apr_uint32_t height_px)
{
    const unsigned how[] = {width_px, height_px};

    return through(picture, resized, how);
}

static Image *reduced(Image *image, const unsigned *how, ExceptionInfo *ex)
{
    QuantizeInfo quantize;

    GetQuantizeInfo(&quantize);
    quantize.number_colors = how[0];
    quantize.dither = MagickTrue;
    return QuantizeImage(&quantize, image) == MagickFail ? NULL : image;
}

di_render_status_e di_gm_reduce_colors(di_raster_t *picture, unsigned colors)
{
    return through(picture, reduced, &colors);
}

/* ---- start and stop ---- */

static MagickPassFail deny_access(const ConfirmAccessMode mode,
                                  const char *path, ExceptionInfo *ex)
{
    return MagickFail;
}

static int is_needed(const char *name, unsigned formats)
{
    int format;

    for (format = DI_FORMAT_UNKNOWN + 1; format < DI_FORMAT_END; format++) {
        const char *reader = reader_of((di_format_e)format);

        if (DI_FORMAT_IN(formats, format) && reader && !strcmp(name, reader)) {
            return 1;
        }
    }
    return 0;
}

/* Leave the library without any other reader or writer. */
static int unregister_others(unsigned formats, ExceptionInfo *ex)
{
    MagickInfo **all = GetMagickInfoArray(ex);
    char name[MaxTextExtent];
    apr_size_t i;

    for (i = 0; all && all[i]; i++) {
        if (!is_needed(all[i]->name, formats)) {
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

int di_gm_start(unsigned formats, apr_uint64_t memory_bytes)
{
    ExceptionInfo ex;
    int ok;

    GetExceptionInfo(&ex);
    ok = InitializeMagickEx(NULL, MAGICK_OPT_NO_SIGNAL_HANDER, &ex) !=
             MagickFail &&
         unregister_others(formats, &ex);
    DestroyExceptionInfo(&ex);
    if (!ok) {
        return 0;
    }
    (void)MagickSetConfirmAccessHandler(deny_access);
    (void)SetErrorHandler(NULL);
    (void)SetWarningHandler(NULL);
    set_limits(memory_bytes);
    return 1;
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
