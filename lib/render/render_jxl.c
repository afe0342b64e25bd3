/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG XL is written as a bare codestream (ISO/IEC 18181-1): FF 0A, size,
 * metadata, one frame.  Lossy colour is XYB, so that a decoder converts to
 * whatever it wants; lossless colour is that of the raster.  Without a
 * parallel runner the library does everything in the caller's thread.
 *
 * Its memory cannot be bounded from here: the library's allocator hook does
 * not see picture planes.  The limit of the process bounds it, and the library
 * may end the process when that is met.
 *
 * What is wrong with a file goes to standard error, in Debian's build of 0.7 at
 * least: nothing here can stop that, so a renderer has no standard error.
 *
 * Measured with 0.7.0, CPU ms per Mpx and bytes.  Photographs of 0.5 to 1 Mpx,
 * bytes at the luma SSIM of effort 3:
 *
 *   effort 3:  18-30 ms, as WebP by libwebp's method 4
 *   effort 4:  21-31 ms, +0 to +7 %
 *   effort 5:  80-93 ms, +8 to -24 %
 *   effort 6: 103-115 ms, +2 to -30 %
 *   effort 7: 181-243 ms, as effort 6
 *
 * so 6 is used, without which the format would bring nothing, and 3 in a
 * hurry.  Screenshots and diagrams, lossless: effort 2 takes 50 ms, effort 5
 * 290-450 ms and a quarter to a half of the bytes, 7 saves 2-5 % more; all are
 * larger than lossless WebP at a tenth of that time.
 */
#include "render/render_jxl.h"

#include <stdlib.h>
#include <string.h>

#include <jxl/decode.h>
#include <jxl/encode.h>

#define EFFORT 6
#define EFFORT_FAST 3
#define LOSSLESS_EFFORT 5
#define LOSSLESS_EFFORT_FAST 2

/* An encoder takes 42 bytes a pixel, without loss 150, and the library ends the
   process when it does not get them: 700 and 630 MB of the 1 GB that a renderer
   has unless told otherwise.  A larger picture gets another format, whatever
   this process may take: the choice is the same everywhere. */
#define PIXELS_MAX (16u << 20)
#define LOSSLESS_PIXELS_MAX (4u << 20)

/* ---- decoding ---- */

typedef struct {
    JxlDecoder *jxl;
    JxlPixelFormat format;
    int grey;
    int original_colors; /* not XYB: no choice of colour space */
    int whole;           /* the picture is complete */
    di_decoded_t *out;
} reader_t;

/* Four inks come as three colour channels and an extra one. */
static int has_black(const reader_t *reader, const JxlBasicInfo *info)
{
    JxlExtraChannelInfo extra;
    apr_uint32_t i;

    for (i = 0; i < info->num_extra_channels; i++) {
        if (JxlDecoderGetExtraChannelInfo(reader->jxl, i, &extra) ==
                JXL_DEC_SUCCESS &&
            extra.type == JXL_CHANNEL_BLACK) {
            return 1;
        }
    }
    return 0;
}

static di_render_status_e on_info(reader_t *reader)
{
    JxlBasicInfo info;
    int alpha;

    if (JxlDecoderGetBasicInfo(reader->jxl, &info) != JXL_DEC_SUCCESS) {
        return DI_RENDER_BROKEN;
    }
    if (has_black(reader, &info)) {
        return DI_RENDER_UNSUPPORTED;
    }
    alpha = info.alpha_bits > 0;
    reader->grey = info.num_color_channels == 1;
    reader->original_colors = info.uses_original_profile;
    reader->format = (JxlPixelFormat){info.num_color_channels + (alpha ? 1 : 0),
                                      JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
    return di_raster_make(&reader->out->picture, info.xsize, info.ysize,
                          reader->grey ? (alpha ? DI_GREY_ALPHA : DI_GREY)
                                       : (alpha ? DI_RGBA : DI_RGB))
               ? DI_RENDER_OK
               : DI_RENDER_NO_MEMORY;
}

static int is_srgb(const reader_t *reader)
{
    JxlColorEncoding colors;

    return JxlDecoderGetColorAsEncodedProfile(reader->jxl, NULL,
                                              JXL_COLOR_PROFILE_TARGET_DATA,
                                              &colors) == JXL_DEC_SUCCESS &&
           colors.white_point == JXL_WHITE_POINT_D65 &&
           (colors.primaries == JXL_PRIMARIES_SRGB || reader->grey) &&
           colors.transfer_function == JXL_TRANSFER_FUNCTION_SRGB;
}

static di_render_status_e take_profile(reader_t *reader)
{
    di_blob_t *icc = &reader->out->icc;
    size_t size;

    if (JxlDecoderGetICCProfileSize(reader->jxl, NULL,
                                    JXL_COLOR_PROFILE_TARGET_DATA,
                                    &size) != JXL_DEC_SUCCESS) {
        return DI_RENDER_UNSUPPORTED; /* a colour space without a name */
    }
    icc->bytes = malloc(size ? size : 1);
    if (!icc->bytes) {
        return DI_RENDER_NO_MEMORY;
    }
    icc->len = size;
    return JxlDecoderGetColorAsICCProfile(reader->jxl, NULL,
                                          JXL_COLOR_PROFILE_TARGET_DATA,
                                          icc->bytes, size) == JXL_DEC_SUCCESS
               ? DI_RENDER_OK
               : DI_RENDER_BROKEN;
}

static di_render_status_e on_colors(reader_t *reader)
{
    JxlColorEncoding srgb;

    if (!reader->original_colors) {
        JxlColorEncodingSetToSRGB(&srgb, reader->grey);
        (void)JxlDecoderSetPreferredColorProfile(reader->jxl, &srgb);
    }
    return is_srgb(reader) ? DI_RENDER_OK : take_profile(reader);
}

static di_render_status_e on_room(reader_t *reader)
{
    const di_raster_t *picture = &reader->out->picture;

    return JxlDecoderSetImageOutBuffer(
               reader->jxl, &reader->format, picture->pixels,
               picture->row_bytes * picture->height_px) == JXL_DEC_SUCCESS
               ? DI_RENDER_OK
               : DI_RENDER_BROKEN;
}

static di_render_status_e read_on(reader_t *reader)
{
    switch (JxlDecoderProcessInput(reader->jxl)) {
    case JXL_DEC_BASIC_INFO:
        return on_info(reader);
    case JXL_DEC_COLOR_ENCODING:
        return on_colors(reader);
    case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
        return on_room(reader);
    case JXL_DEC_FULL_IMAGE:
        reader->whole = 1;
        return DI_RENDER_OK;
    default: /* cut off, damaged, or at its end without a picture */
        return DI_RENDER_BROKEN;
    }
}

static int begin_reading(JxlDecoder *jxl, const unsigned char *bytes,
                         apr_size_t len)
{
    int events =
        JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE;

    if (JxlDecoderSubscribeEvents(jxl, events) != JXL_DEC_SUCCESS ||
        JxlDecoderSetKeepOrientation(jxl, JXL_TRUE) != JXL_DEC_SUCCESS ||
        JxlDecoderSetUnpremultiplyAlpha(jxl, JXL_TRUE) != JXL_DEC_SUCCESS ||
        JxlDecoderSetInput(jxl, bytes, len) != JXL_DEC_SUCCESS) {
        return 0;
    }
    JxlDecoderCloseInput(jxl);
    return 1;
}

di_render_status_e di_jxl_decode(di_decoded_t *out, const unsigned char *bytes,
                                 apr_size_t len)
{
    reader_t reader = {0};
    di_render_status_e status = DI_RENDER_OK;

    memset(out, 0, sizeof(*out));
    reader.out = out;
    reader.jxl = JxlDecoderCreate(NULL);
    if (!reader.jxl) {
        return DI_RENDER_NO_MEMORY;
    }
    if (!begin_reading(reader.jxl, bytes, len)) {
        status = DI_RENDER_FAILED;
    }
    while (status == DI_RENDER_OK && !reader.whole) {
        status = read_on(&reader);
    }
    JxlDecoderDestroy(reader.jxl);
    if (status != DI_RENDER_OK) {
        di_decoded_free(out);
    }
    return status;
}

di_render_status_e di_jxl_check(di_raster_t *out, const di_blob_t *encoded)
{
    di_decoded_t decoded;
    di_render_status_e status =
        di_jxl_decode(&decoded, encoded->bytes, encoded->len);

    *out = decoded.picture;
    free(decoded.icc.bytes);
    return status;
}

/* ---- encoding ---- */

/*
 * The distance in units of butteraugli's just noticeable difference that is
 * about as good as a quality on the JPEG scale, as libjxl's own tools map it
 * (JxlEncoderDistanceFromQuality of later versions): linear from 0.1 at 100 to
 * 6.4 at 30, a parabola below.  The library takes up to 15.
 */
#define DISTANCE_MAX 15.0

static float distance_of(int quality)
{
    double q = quality, distance = 0.1 + (100 - q) * 0.09;

    if (quality < 30) {
        distance = 53.0 / 3000.0 * q * q - 23.0 / 20.0 * q + 25.0;
    }
    return (float)(distance < DISTANCE_MAX ? distance : DISTANCE_MAX);
}

static int describe(JxlEncoder *jxl, const di_raster_t *picture, int lossless)
{
    int alpha =
        picture->samples == DI_GREY_ALPHA || picture->samples == DI_RGBA;
    JxlBasicInfo info;
    JxlColorEncoding srgb;

    JxlEncoderInitBasicInfo(&info);
    info.xsize = picture->width_px;
    info.ysize = picture->height_px;
    info.bits_per_sample = 8;
    info.num_color_channels = picture->channels - (alpha ? 1 : 0);
    info.num_extra_channels = alpha ? 1 : 0;
    info.alpha_bits = alpha ? 8 : 0;
    info.uses_original_profile = lossless;
    JxlColorEncodingSetToSRGB(&srgb, info.num_color_channels == 1);
    return JxlEncoderSetBasicInfo(jxl, &info) == JXL_ENC_SUCCESS &&
           JxlEncoderSetColorEncoding(jxl, &srgb) == JXL_ENC_SUCCESS;
}

static int configure(JxlEncoderFrameSettings *settings, const di_encode_t *how)
{
    int effort = how->lossless
                     ? (how->fast ? LOSSLESS_EFFORT_FAST : LOSSLESS_EFFORT)
                     : (how->fast ? EFFORT_FAST : EFFORT);

    return JxlEncoderFrameSettingsSetOption(settings,
                                            JXL_ENC_FRAME_SETTING_EFFORT,
                                            effort) == JXL_ENC_SUCCESS &&
           (how->lossless
                ? JxlEncoderSetFrameLossless(settings, JXL_TRUE)
                : JxlEncoderSetFrameDistance(
                      settings, distance_of(how->quality))) == JXL_ENC_SUCCESS;
}

/* First room for the file; bytes. */
#define ROOM_BYTES 65536

static di_render_status_e take_output(di_blob_t *out, JxlEncoder *jxl)
{
    di_blob_t file = {0};
    apr_size_t room = ROOM_BYTES;
    JxlEncoderStatus more = JXL_ENC_NEED_MORE_OUTPUT;

    while (more == JXL_ENC_NEED_MORE_OUTPUT) {
        unsigned char *grown = realloc(file.bytes, room), *next;
        size_t left = room - file.len;

        if (!grown) {
            free(file.bytes);
            return DI_RENDER_NO_MEMORY;
        }
        file.bytes = grown;
        next = grown + file.len;
        more = JxlEncoderProcessOutput(jxl, &next, &left);
        file.len = room - left;
        room *= 2;
    }
    if (more != JXL_ENC_SUCCESS) {
        free(file.bytes);
        return JxlEncoderGetError(jxl) == JXL_ENC_ERR_OOM ? DI_RENDER_NO_MEMORY
                                                          : DI_RENDER_FAILED;
    }
    *out = file;
    return DI_RENDER_OK;
}

static int is_too_large(const di_raster_t *picture, const di_encode_t *how)
{
    return (apr_uint64_t)picture->width_px * picture->height_px >
           (how->lossless ? LOSSLESS_PIXELS_MAX : PIXELS_MAX);
}

static di_render_status_e encode(di_blob_t *out, const di_raster_t *picture,
                                 const di_encode_t *how)
{
    JxlPixelFormat format = {picture->channels, JXL_TYPE_UINT8,
                             JXL_NATIVE_ENDIAN, 0};
    JxlEncoder *jxl = JxlEncoderCreate(NULL);
    JxlEncoderFrameSettings *settings; /* the encoder's */
    di_render_status_e status = DI_RENDER_FAILED;

    if (!jxl) {
        return DI_RENDER_NO_MEMORY;
    }
    settings = JxlEncoderFrameSettingsCreate(jxl, NULL);
    if (settings && describe(jxl, picture, how->lossless) &&
        configure(settings, how) &&
        JxlEncoderAddImageFrame(settings, &format, picture->pixels,
                                picture->row_bytes * picture->height_px) ==
            JXL_ENC_SUCCESS) {
        JxlEncoderCloseInput(jxl);
        status = take_output(out, jxl);
    }
    JxlEncoderDestroy(jxl);
    return status;
}

di_render_status_e di_jxl_encode(di_blob_t *out, const di_raster_t *picture,
                                 const di_encode_t *how)
{
    return is_too_large(picture, how) ? DI_RENDER_NO_FORMAT
                                      : encode(out, picture, how);
}

unsigned di_jxl_version(void)
{
    return JxlEncoderVersion();
}
