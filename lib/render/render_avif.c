/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AVIF file (AV1 Image File Format 1.1) is made of boxes:
 *
 *   ftyp "avif"
 *   meta: where the pictures lie, their sizes, colours, which is alpha
 *   mdat: one AV1 key frame of colour, one of alpha
 *
 * Of the library's encoders libaom alone starts no thread, at one thread; the
 * others would be killed in a renderer.  Of its decoders dav1d is the fastest.
 *
 * Speed 9, the same as 10, is the one at which the format costs less CPU than
 * WebP and still fewer bytes; docs/formats.md compares.  There is nothing
 * faster, so that "fast" changes nothing.
 *
 * Lossless coding is not offered: YCbCr of 8 bits loses colours, and RGB as it
 * is takes more bytes than lossless WebP.
 */
#include "render/render_avif.h"

#include <stdlib.h>
#include <string.h>

#include <avif/avif.h>

#include "render/h273.h"

#define SPEED 9

/* libaom takes 16 bytes a pixel (8 Mpx: 127 MB, 32 Mpx: 480 MB), and the
   memory of a renderer has a limit at which libavif would end the process.  A
   larger picture gets another format. */
#define PIXELS_MAX (32u << 20)

/* ---- decoding ---- */

/* The usual superblock of AV1. */
#define BLOCK_PX 64

static di_render_status_e status_of(avifResult result)
{
    switch (result) {
    case AVIF_RESULT_OK:
        return DI_RENDER_OK;
    case AVIF_RESULT_OUT_OF_MEMORY:
        return DI_RENDER_NO_MEMORY;
    case AVIF_RESULT_UNSUPPORTED_DEPTH:
    case AVIF_RESULT_NOT_IMPLEMENTED:
        return DI_RENDER_UNSUPPORTED;
    case AVIF_RESULT_NO_CODEC_AVAILABLE:
    case AVIF_RESULT_INVALID_ARGUMENT:
    case AVIF_RESULT_IO_NOT_SET:
        return DI_RENDER_FAILED;
    default:
        return DI_RENDER_BROKEN;
    }
}

/* Of something that is not the reading of a file: there is no damage. */
static di_render_status_e work_status(avifResult result)
{
    di_render_status_e status = status_of(result);

    return status == DI_RENDER_OK || status == DI_RENDER_NO_MEMORY
               ? status
               : DI_RENDER_FAILED;
}

/* dav1d where the library was built with it. */
static avifCodecChoice decoder_choice(void)
{
    return avifCodecName(AVIF_CODEC_CHOICE_DAV1D, AVIF_CODEC_FLAG_CAN_DECODE)
               ? AVIF_CODEC_CHOICE_DAV1D
               : AVIF_CODEC_CHOICE_AOM;
}

static void configure_decoder(avifDecoder *decoder, apr_uint64_t pixels_max)
{
    decoder->codecChoice = decoder_choice();
    decoder->maxThreads = 1;
    decoder->ignoreExif = AVIF_TRUE;
    decoder->ignoreXMP = AVIF_TRUE;
    decoder->imageDimensionLimit = DI_SIDE_MAX_PX;
    if (pixels_max < AVIF_DEFAULT_IMAGE_SIZE_LIMIT) {
        decoder->imageSizeLimit = (apr_uint32_t)pixels_max;
    }
    /* Files of older libheif have no 'pixi', and browsers show them. */
    decoder->strictFlags = AVIF_STRICT_ENABLED & ~AVIF_STRICT_PIXI_REQUIRED;
    (void)avifDecoderSetSource(decoder, AVIF_DECODER_SOURCE_PRIMARY_ITEM);
}

/* No browser shows them as they are meant. */
static int has_odd_pixels(const avifImage *image)
{
    return (image->transformFlags & AVIF_TRANSFORM_PASP) &&
           image->pasp.hSpacing != image->pasp.vSpacing;
}

static di_render_status_e take_colors(di_decoded_t *out, const avifImage *image)
{
    float xy[8]; /* red, green, blue, white */

    if (image->icc.size) {
        out->icc.bytes = malloc(image->icc.size);
        if (!out->icc.bytes) {
            return DI_RENDER_NO_MEMORY;
        }
        memcpy(out->icc.bytes, image->icc.data, image->icc.size);
        out->icc.len = image->icc.size;
        return DI_RENDER_OK;
    }
    avifColorPrimariesGetValues(image->colorPrimaries, xy);
    return di_h273_colors(out, image->transferCharacteristics,
                          image->colorPrimaries, xy);
}

/* A sample of a plane, made 8 bits and full range. */
static unsigned char sample_at(const unsigned char *row, apr_uint32_t x,
                               unsigned depth, int limited)
{
    apr_uint16_t wide;
    int value;

    if (depth == 8) {
        value = row[x];
    }
    else {
        memcpy(&wide, row + 2 * (apr_size_t)x, 2);
        value = wide;
    }
    if (limited) {
        value = avifLimitedToFullY((int)depth, value);
    }
    if (depth != 8) {
        int most = (1 << depth) - 1;

        value = (value * 255 + most / 2) / most;
    }
    return (unsigned char)value;
}

/* Spread a plane over one of the picture's channels. */
static void take_plane(const di_raster_t *out, unsigned channel,
                       const unsigned char *plane, apr_uint32_t row_bytes,
                       unsigned depth, int limited)
{
    apr_uint32_t x, y;

    for (y = 0; y < out->height_px; y++) {
        const unsigned char *from = plane + (apr_size_t)y * row_bytes;
        unsigned char *to = di_raster_row(out, y) + channel;

        for (x = 0; x < out->width_px; x++, to += out->channels) {
            *to = sample_at(from, x, depth, limited);
        }
    }
}

static di_render_status_e take_grey(di_raster_t *out, const avifImage *image)
{
    int alpha = image->alphaPlane != NULL;

    if (!di_raster_make(out, image->width, image->height,
                        alpha ? DI_GREY_ALPHA : DI_GREY)) {
        return DI_RENDER_NO_MEMORY;
    }
    take_plane(out, 0, image->yuvPlanes[AVIF_CHAN_Y],
               image->yuvRowBytes[AVIF_CHAN_Y], image->depth,
               image->yuvRange == AVIF_RANGE_LIMITED);
    if (alpha) {
        take_plane(out, 1, image->alphaPlane, image->alphaRowBytes,
                   image->depth, 0);
    }
    return DI_RENDER_OK;
}

static avifRGBImage wrap(const di_raster_t *picture, const avifImage *image)
{
    avifRGBImage rgb;

    avifRGBImageSetDefaults(&rgb, image);
    rgb.depth = 8;
    rgb.format = picture->samples == DI_RGBA ? AVIF_RGB_FORMAT_RGBA
                                             : AVIF_RGB_FORMAT_RGB;
    rgb.pixels = picture->pixels;
    rgb.rowBytes = (apr_uint32_t)picture->row_bytes;
    return rgb;
}

static di_render_status_e take_color(di_raster_t *out, const avifImage *image)
{
    avifRGBImage rgb;

    if (!di_raster_make(out, image->width, image->height,
                        image->alphaPlane ? DI_RGBA : DI_RGB)) {
        return DI_RENDER_NO_MEMORY;
    }
    rgb = wrap(out, image);
    return status_of(avifImageYUVToRGB(image, &rgb));
}

/* The library multiplies alpha out of colours alone. */
static int is_plain_grey(const avifImage *image)
{
    return image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400 &&
           !image->alphaPremultiplied;
}

/* The decoder's picture is its own. */
static di_render_status_e read_picture(avifDecoder *decoder,
                                       const unsigned char *bytes,
                                       apr_size_t len, apr_uint64_t pixels_max)
{
    avifResult result;

    configure_decoder(decoder, pixels_max);
    result = avifDecoderSetIOMemory(decoder, bytes, len);
    if (result == AVIF_RESULT_OK) {
        result = avifDecoderParse(decoder);
    }
    if (result == AVIF_RESULT_OK && has_odd_pixels(decoder->image)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (result == AVIF_RESULT_OK) {
        result = avifDecoderNextImage(decoder);
    }
    return status_of(result);
}

/* What a clean aperture leaves of the picture; *out is a view of it. */
static di_render_status_e crop(avifImage *out, const avifImage *image)
{
    avifCropRect rect = {0, 0, image->width, image->height};
    avifDiagnostics diagnostics;

    avifDiagnosticsClearError(&diagnostics);
    if ((image->transformFlags & AVIF_TRANSFORM_CLAP) &&
        !avifCropRectConvertCleanApertureBox(&rect, &image->clap, image->width,
                                             image->height, image->yuvFormat,
                                             &diagnostics)) {
        return DI_RENDER_UNSUPPORTED;
    }
    return work_status(avifImageSetViewRect(out, image, &rect));
}

static di_render_status_e take_pixels(di_raster_t *out, const avifImage *image)
{
    avifImage *view = avifImageCreateEmpty();
    di_render_status_e status;

    if (!view) {
        return DI_RENDER_NO_MEMORY;
    }
    status = crop(view, image);
    if (status == DI_RENDER_OK) {
        view->alphaPremultiplied = image->alphaPremultiplied;
        status = (is_plain_grey(view) ? take_grey : take_color)(out, view);
    }
    avifImageDestroy(view);
    return status;
}

/* A header's size is that of the clean aperture, which may leave a part of the
   last block away. */
static apr_uint64_t coded_pixels(apr_uint32_t width_px, apr_uint32_t height_px)
{
    return ((apr_uint64_t)width_px + BLOCK_PX - 1) *
           ((apr_uint64_t)height_px + BLOCK_PX - 1);
}

di_render_status_e di_avif_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, apr_uint32_t width_px,
                                  apr_uint32_t height_px)
{
    avifDecoder *decoder = avifDecoderCreate();
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    if (!decoder) {
        return DI_RENDER_NO_MEMORY;
    }
    status =
        read_picture(decoder, bytes, len, coded_pixels(width_px, height_px));
    if (status == DI_RENDER_OK) {
        status = take_colors(out, decoder->image);
    }
    if (status == DI_RENDER_OK) {
        status = take_pixels(&out->picture, decoder->image);
    }
    avifDecoderDestroy(decoder);
    if (status != DI_RENDER_OK) {
        di_decoded_free(out);
    }
    return status;
}

/* What we encode has the luma that is compared for its Y. */
di_render_status_e di_avif_check(di_raster_t *out, const di_blob_t *encoded)
{
    avifDecoder *decoder = avifDecoderCreate();
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    if (!decoder) {
        return DI_RENDER_NO_MEMORY;
    }
    status = read_picture(decoder, encoded->bytes, encoded->len,
                          AVIF_DEFAULT_IMAGE_SIZE_LIMIT);
    if (status == DI_RENDER_OK) {
        status = take_grey(out, decoder->image);
    }
    avifDecoderDestroy(decoder);
    return status;
}

/* ---- encoding ---- */

/*
 * The quantizer, 0..63, whose luma SSIM is about that of libjpeg at a quality:
 * the mean of four photographs at 900 px (mountains, nuthatch, autumn, dogs of
 * the demo site).  Single ones are up to 6 away from it, those with much detail
 * above and smooth ones below.  In between linear; 0 would be lossless.
 */
static int quantizer_of(int quality)
{
    static const int points[][2] = {{1, 63},  {10, 49}, {20, 40}, {30, 35},
                                    {50, 30}, {70, 25}, {80, 20}, {90, 13},
                                    {98, 3},  {100, 1}};
    unsigned i = 1;
    int along, over;

    while (quality > points[i][0]) {
        i++;
    }
    along = quality - points[i - 1][0];
    over = points[i][0] - points[i - 1][0];
    return points[i - 1][1] -
           ((points[i - 1][1] - points[i][1]) * along + over / 2) / over;
}

static void configure_encoder(avifEncoder *encoder, const di_encode_t *how)
{
    encoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
    encoder->maxThreads = 1;
    encoder->speed = SPEED;
    encoder->minQuantizer = encoder->maxQuantizer = quantizer_of(how->quality);
    encoder->minQuantizerAlpha = encoder->maxQuantizerAlpha =
        AVIF_QUANTIZER_LOSSLESS;
}

/* One of the picture's channels as a plane. */
static void fill_plane(unsigned char *plane, apr_uint32_t row_bytes,
                       const di_raster_t *picture, unsigned channel)
{
    apr_uint32_t x, y;

    for (y = 0; y < picture->height_px; y++) {
        const unsigned char *from = di_raster_row(picture, y) + channel;
        unsigned char *to = plane + (apr_size_t)y * row_bytes;

        for (x = 0; x < picture->width_px; x++, from += picture->channels) {
            to[x] = *from;
        }
    }
}

static int is_grey(const di_raster_t *picture)
{
    return picture->samples == DI_GREY || picture->samples == DI_GREY_ALPHA;
}

static avifResult fill_planes(avifImage *image, const di_raster_t *picture)
{
    avifRGBImage rgb = wrap(picture, image);
    avifPlanesFlags planes =
        AVIF_PLANES_YUV | (di_raster_has_alpha(picture) ? AVIF_PLANES_A : 0u);
    avifResult result;

    if (!is_grey(picture)) {
        return avifImageRGBToYUV(image, &rgb);
    }
    result = avifImageAllocatePlanes(image, planes);
    if (result != AVIF_RESULT_OK) {
        return result;
    }
    fill_plane(image->yuvPlanes[AVIF_CHAN_Y], image->yuvRowBytes[AVIF_CHAN_Y],
               picture, 0);
    if (planes & AVIF_PLANES_A) {
        fill_plane(image->alphaPlane, image->alphaRowBytes, picture, 1);
    }
    return result;
}

/* NULL when memory is short. */
static avifImage *describe(const di_raster_t *picture, di_chroma_e chroma)
{
    avifImage *image =
        avifImageCreate(picture->width_px, picture->height_px, 8,
                        is_grey(picture)          ? AVIF_PIXEL_FORMAT_YUV400
                        : chroma == DI_CHROMA_420 ? AVIF_PIXEL_FORMAT_YUV420
                                                  : AVIF_PIXEL_FORMAT_YUV444);

    if (image) {
        image->yuvRange = AVIF_RANGE_FULL;
        image->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
        image->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
        image->matrixCoefficients = AVIF_MATRIX_COEFFICIENTS_BT601;
    }
    return image;
}

/* The library's bytes are freed by its own function. */
static di_render_status_e copy_output(di_blob_t *out, const avifRWData *file)
{
    unsigned char *bytes = malloc(file->size);

    if (!bytes) {
        return DI_RENDER_NO_MEMORY;
    }
    memcpy(bytes, file->data, file->size);
    out->bytes = bytes;
    out->len = file->size;
    return DI_RENDER_OK;
}

static di_render_status_e write_file(di_blob_t *out, avifImage *image,
                                     const di_raster_t *picture,
                                     const di_encode_t *how)
{
    avifEncoder *encoder = avifEncoderCreate();
    avifRWData file = AVIF_DATA_EMPTY;
    di_render_status_e status;

    if (!encoder) {
        return DI_RENDER_NO_MEMORY;
    }
    configure_encoder(encoder, how);
    status = work_status(fill_planes(image, picture));
    if (status == DI_RENDER_OK) {
        status = work_status(avifEncoderWrite(encoder, image, &file));
    }
    if (status == DI_RENDER_OK) {
        status = copy_output(out, &file);
    }
    avifRWDataFree(&file);
    avifEncoderDestroy(encoder);
    return status;
}

di_render_status_e di_avif_encode(di_blob_t *out, const di_raster_t *picture,
                                  const di_encode_t *how)
{
    avifImage *image;
    di_render_status_e status;

    if (how->lossless || picture->width_px > DI_AVIF_SIDE_MAX_PX ||
        picture->height_px > DI_AVIF_SIDE_MAX_PX ||
        (apr_uint64_t)picture->width_px * picture->height_px > PIXELS_MAX) {
        return DI_RENDER_NO_FORMAT;
    }
    image = describe(picture, how->chroma);
    if (!image) {
        return DI_RENDER_NO_MEMORY;
    }
    status = write_file(out, image, picture, how);
    avifImageDestroy(image);
    return status;
}

/* FNV-1a */
static unsigned sum(unsigned hash, const char *text)
{
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    }
    return hash;
}

unsigned di_avif_version(void)
{
    char codecs[256];

    avifCodecVersions(codecs);
    return sum(sum(2166136261u, avifVersion()), codecs);
}
