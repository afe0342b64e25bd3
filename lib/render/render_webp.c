/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebP file is a RIFF file (RFC 9649):
 *
 *   "RIFF" | size (4, little-endian) | "WEBP" | chunks
 *   chunk: type (4) | length (4, little-endian) | data | pad to even
 *
 * One frame is a chunk "VP8 " (lossy, 4:2:0), or "VP8L" (lossless, alpha
 * included); a "VP8X" chunk in front says that there may be more: "ALPH"
 * (alpha of a lossy frame), "ICCP" (profile), "EXIF".
 *
 * Encoder settings are libwebp's defaults but for those set below.  Measured
 * with 1.2.4 on photographs of 0.5 to 1 Mpx at quality 50 to 80, CPU ms per
 * Mpx and bytes at the luma SSIM of method 4:
 *
 *   method 0: 11-23 ms, +18 to +60 %    method 2: 19-36 ms, +6 to +27 %
 *   method 4: 48-80 ms           method 3: as 4
 *
 * so 4 is used, and 2 where time matters more: 0 saves another 8 ms and costs a
 * fifth more bytes.  Not used, because they bring 2 % or less at equal SSIM:
 * automatic filter strength (+330 ms), preset "photo", other noise shaping,
 * other filters.  Sharp chroma (+35 ms) is for pictures whose chroma matters.
 */
#include "render/render_webp.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/encode.h>

#define METHOD 4
#define METHOD_FAST 2

/* Presets of libwebp, 0..9.  Of seven screenshots and diagrams of 0.6 to
   4.7 Mpx level 7 made the smallest files but for one at 20-83 ms per Mpx;
   8 and 9 cost half as much again and more for no byte less, 3 to 5 saved
   a fifth of the time and cost 5 to 60 % more bytes.  Level 1 is the fastest
   (12-16 ms, bytes 1.2 to 2 x); level 0 leaves no palette and is three times
   as large. */
#define LOSSLESS_LEVEL 7
#define LOSSLESS_LEVEL_FAST 1

/* ---- decoding ---- */

#define RIFF_HEADER_BYTES 12
#define CHUNK_HEADER_BYTES 8

static apr_size_t little_endian(const unsigned char *b)
{
    return (apr_size_t)b[0] | (apr_size_t)b[1] << 8 | (apr_size_t)b[2] << 16 |
           (apr_size_t)b[3] << 24;
}

/* The data of the first ICCP chunk; NULL: none, or it is cut off. */
static const unsigned char *
find_profile(apr_size_t *size, const unsigned char *bytes, apr_size_t len)
{
    apr_size_t at = RIFF_HEADER_BYTES;

    while (at <= len && len - at >= CHUNK_HEADER_BYTES) {
        const unsigned char *chunk = bytes + at;

        *size = little_endian(chunk + 4);
        at += CHUNK_HEADER_BYTES;
        if (*size > len - at) {
            return NULL;
        }
        if (!memcmp(chunk, "ICCP", 4)) {
            return *size ? bytes + at : NULL;
        }
        at += *size + (*size & 1);
    }
    return NULL;
}

static di_render_status_e
copy_profile(di_blob_t *icc, const unsigned char *bytes, apr_size_t len)
{
    apr_size_t size;
    const unsigned char *profile = find_profile(&size, bytes, len);

    if (!profile) {
        return DI_RENDER_OK;
    }
    icc->bytes = malloc(size);
    if (!icc->bytes) {
        return DI_RENDER_NO_MEMORY;
    }
    memcpy(icc->bytes, profile, size);
    icc->len = size;
    return DI_RENDER_OK;
}

static di_render_status_e decode_error(VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OK:
        return DI_RENDER_OK;
    case VP8_STATUS_OUT_OF_MEMORY:
        return DI_RENDER_NO_MEMORY;
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return DI_RENDER_UNSUPPORTED;
    case VP8_STATUS_INVALID_PARAM:
    case VP8_STATUS_USER_ABORT:
        return DI_RENDER_FAILED;
    default:
        return DI_RENDER_BROKEN;
    }
}

/* Let the decoder write into *out, made in the size that is wanted. */
static di_render_status_e set_output(WebPDecoderConfig *config,
                                     di_raster_t *out, apr_uint32_t width_px,
                                     apr_uint32_t height_px)
{
    const WebPBitstreamFeatures *input = &config->input;

    if (!width_px || !height_px) {
        width_px = (apr_uint32_t)input->width;
        height_px = (apr_uint32_t)input->height;
    }
    else {
        config->options.use_scaling = 1;
        config->options.scaled_width = (int)width_px;
        config->options.scaled_height = (int)height_px;
    }
    if (!di_raster_make(out, width_px, height_px,
                        input->has_alpha ? DI_RGBA : DI_RGB)) {
        return DI_RENDER_NO_MEMORY;
    }
    config->output.colorspace = input->has_alpha ? MODE_RGBA : MODE_RGB;
    config->output.is_external_memory = 1;
    config->output.u.RGBA.rgba = out->pixels;
    config->output.u.RGBA.stride = (int)out->row_bytes;
    config->output.u.RGBA.size = out->row_bytes * out->height_px;
    return DI_RENDER_OK;
}

static di_render_status_e decode(di_raster_t *out, const unsigned char *bytes,
                                 apr_size_t len, apr_uint32_t width_px,
                                 apr_uint32_t height_px)
{
    WebPDecoderConfig config;
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    if (!WebPInitDecoderConfig(&config)) {
        return DI_RENDER_FAILED;
    }
    status = decode_error(WebPGetFeatures(bytes, len, &config.input));
    if (status != DI_RENDER_OK) {
        return status;
    }
    if (config.input.has_animation) {
        return DI_RENDER_ANIMATED;
    }
    status = set_output(&config, out, width_px, height_px);
    if (status == DI_RENDER_OK) {
        status = decode_error(WebPDecode(bytes, len, &config));
        WebPFreeDecBuffer(&config.output);
    }
    if (status != DI_RENDER_OK) {
        di_raster_free(out);
    }
    return status;
}

di_render_status_e di_webp_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, apr_uint32_t width_px,
                                  apr_uint32_t height_px)
{
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    status = decode(&out->picture, bytes, len, width_px, height_px);
    if (status == DI_RENDER_OK) {
        status = copy_profile(&out->icc, bytes, len);
        if (status != DI_RENDER_OK) {
            di_raster_free(&out->picture);
        }
    }
    return status;
}

/* The decoder's own Y is of limited range, so that of full range has to be
   made of RGB. */
di_render_status_e di_webp_check(di_raster_t *out, const di_blob_t *encoded)
{
    return decode(out, encoded->bytes, encoded->len, 0, 0);
}

/* ---- encoding ---- */

static di_render_status_e encode_error(WebPEncodingError code)
{
    switch (code) {
    case VP8_ENC_ERROR_OUT_OF_MEMORY:
    case VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY:
        return DI_RENDER_NO_MEMORY;
    case VP8_ENC_ERROR_BAD_DIMENSION:
    case VP8_ENC_ERROR_PARTITION0_OVERFLOW: /* too many blocks */
    case VP8_ENC_ERROR_PARTITION_OVERFLOW:
    case VP8_ENC_ERROR_FILE_TOO_BIG:
        return DI_RENDER_NO_FORMAT;
    default:
        return DI_RENDER_FAILED;
    }
}

static int configure(WebPConfig *config, const di_encode_t *how)
{
    if (!WebPConfigInit(config)) {
        return 0;
    }
    if (how->lossless) {
        return WebPConfigLosslessPreset(config, how->fast ? LOSSLESS_LEVEL_FAST
                                                          : LOSSLESS_LEVEL);
    }
    config->quality = (float)how->quality;
    config->method = how->fast ? METHOD_FAST : METHOD;
    config->use_sharp_yuv = how->chroma == DI_CHROMA_444 && !how->fast;
    return WebPValidateConfig(config);
}

/* Grey as colour; *wide stays empty when the picture has colour already. */
static di_render_status_e widen(di_raster_t *wide, const di_raster_t *picture)
{
    int alpha = picture->samples == DI_GREY_ALPHA;
    apr_size_t pixels = (apr_size_t)picture->width_px * picture->height_px, i;
    const unsigned char *from = picture->pixels;
    unsigned char *to;

    if (picture->samples != DI_GREY && !alpha) {
        return DI_RENDER_OK;
    }
    if (!di_raster_make(wide, picture->width_px, picture->height_px,
                        alpha ? DI_RGBA : DI_RGB)) {
        return DI_RENDER_NO_MEMORY;
    }
    for (i = 0, to = wide->pixels; i < pixels; i++) {
        *to++ = *from;
        *to++ = *from;
        *to++ = *from++;
        if (alpha) {
            *to++ = *from++;
        }
    }
    return DI_RENDER_OK;
}

/* Copies the pixels, lossy ones to YUV at once. */
static di_render_status_e import(WebPPicture *to, const di_raster_t *picture,
                                 const WebPConfig *config)
{
    di_raster_t wide = {0};
    di_render_status_e status = widen(&wide, picture);
    const di_raster_t *from = wide.pixels ? &wide : picture;

    if (status == DI_RENDER_OK) {
        to->use_argb = config->lossless || config->use_sharp_yuv;
        to->width = (int)from->width_px;
        to->height = (int)from->height_px;
        if (!(from->samples == DI_RGBA ? WebPPictureImportRGBA
                                       : WebPPictureImportRGB)(
                to, from->pixels, (int)from->row_bytes)) {
            status = encode_error(to->error_code);
        }
    }
    di_raster_free(&wide);
    return status;
}

di_render_status_e di_webp_encode(di_blob_t *out, const di_raster_t *picture,
                                  const di_encode_t *how)
{
    WebPConfig config;
    WebPPicture source;
    WebPMemoryWriter writer;
    di_render_status_e status;

    if (picture->width_px > WEBP_MAX_DIMENSION ||
        picture->height_px > WEBP_MAX_DIMENSION) {
        return DI_RENDER_NO_FORMAT;
    }
    if (!configure(&config, how) || !WebPPictureInit(&source)) {
        return DI_RENDER_FAILED;
    }
    WebPMemoryWriterInit(&writer);
    source.writer = WebPMemoryWrite;
    source.custom_ptr = &writer;
    status = import(&source, picture, &config);
    if (status == DI_RENDER_OK && !WebPEncode(&config, &source)) {
        status = encode_error(source.error_code);
    }
    WebPPictureFree(&source);
    if (status != DI_RENDER_OK) {
        WebPMemoryWriterClear(&writer);
        return status;
    }
    out->bytes = writer.mem; /* of malloc: WebPFree is free */
    out->len = writer.size;
    return DI_RENDER_OK;
}

unsigned di_webp_version(void)
{
    return (unsigned)WebPGetEncoderVersion() ^
           (unsigned)WebPGetDecoderVersion() * 16777619u;
}
