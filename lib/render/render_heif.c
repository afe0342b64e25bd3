/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libheif reads the boxes, puts tiles together, turns and crops, and converts
 * to RGB:
 *
 *   file -> libheif -> plugin below -> render_de265.c, for each tile and alpha
 *                  <- planes
 *
 * heif_init is not called: it would load decoders from a folder, and none but
 * the one below is wanted.
 */
#include "render/render_heif.h"

#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

#include "render/h273.h"
#include "render/render_de265.h"

/* Above the library's own, which have 100. */
#define PRIORITY 200
#define DECODER_ID "dynimage-hevc"

/* Sides over those of the picture that the library must accept: a tile of a
   small grid (render/heif_meta.c), what a clean aperture leaves away. */
#define SIDE_OVER_PX 1024

/* ---- the decoder as a plugin of the library ---- */

static struct heif_error error_of(di_render_status_e status)
{
    struct heif_error error = {heif_error_Ok, heif_suberror_Unspecified, ""};

    switch (status) {
    case DI_RENDER_OK:
        break;
    case DI_RENDER_NO_MEMORY:
        error.code = heif_error_Memory_allocation_error;
        break;
    case DI_RENDER_UNSUPPORTED:
        error.code = heif_error_Unsupported_feature;
        break;
    default:
        error.code = heif_error_Decoder_plugin_error;
        break;
    }
    return error;
}

static const char *decoder_name(void)
{
    return DECODER_ID;
}

static int does_support(enum heif_compression_format format)
{
    return format == heif_compression_HEVC ? PRIORITY : 0;
}

static struct heif_error new_decoder(void **decoder)
{
    *decoder = di_de265_new();
    return error_of(*decoder ? DI_RENDER_OK : DI_RENDER_NO_MEMORY);
}

static void free_decoder(void *decoder)
{
    di_de265_free(decoder);
}

static struct heif_error push(void *decoder, const void *bytes, size_t len)
{
    return error_of(di_de265_push(decoder, bytes, len));
}

static void set_strict(void *decoder, int flag)
{
}

static int take_plane(struct heif_image *out, enum heif_channel channel,
                      const di_hevc_picture_t *picture, unsigned i)
{
    apr_uint32_t width_px = picture->plane[i].width_px, y;
    apr_uint32_t height_px = picture->plane[i].height_px;
    unsigned char *to;
    int row_bytes = 0;

    if (heif_image_add_plane(out, channel, (int)width_px, (int)height_px,
                             (int)picture->depth)
            .code != heif_error_Ok) {
        return 0;
    }
    to = heif_image_get_plane(out, channel, &row_bytes);
    for (y = 0; to && y < height_px; y++) {
        memcpy(to + (size_t)y * (size_t)row_bytes,
               picture->plane[i].samples + y * picture->plane[i].row_bytes,
               (size_t)width_px * (picture->depth > 8 ? 2 : 1));
    }
    return to != NULL;
}

/* A code point that the library does not know stays "unspecified". */
static int take_code_points(struct heif_image *out,
                            const di_hevc_picture_t *picture)
{
    struct heif_color_profile_nclx *nclx = heif_nclx_color_profile_alloc();

    if (!nclx) {
        return 0;
    }
    (void)heif_nclx_color_profile_set_color_primaries(
        nclx, (uint16_t)picture->primaries);
    (void)heif_nclx_color_profile_set_transfer_characteristics(
        nclx, (uint16_t)picture->curve);
    (void)heif_nclx_color_profile_set_matrix_coefficients(
        nclx, (uint16_t)picture->matrix);
    nclx->full_range_flag = picture->full_range != 0;
    (void)heif_image_set_nclx_color_profile(out, nclx);
    heif_nclx_color_profile_free(nclx);
    return 1;
}

static int fill_image(struct heif_image *out, const di_hevc_picture_t *picture)
{
    static const enum heif_channel channels[] = {
        heif_channel_Y, heif_channel_Cb, heif_channel_Cr};
    unsigned i;

    for (i = 0; i < picture->planes; i++) {
        if (!take_plane(out, channels[i], picture, i)) {
            return 0;
        }
    }
    return take_code_points(out, picture);
}

/* The library numbers its kinds of chroma as HEVC does. */
static di_render_status_e make_image(struct heif_image **out,
                                     const di_hevc_picture_t *picture)
{
    struct heif_image *image = NULL;

    if (heif_image_create((int)picture->plane[0].width_px,
                          (int)picture->plane[0].height_px,
                          picture->chroma ? heif_colorspace_YCbCr
                                          : heif_colorspace_monochrome,
                          (enum heif_chroma)picture->chroma, &image)
            .code != heif_error_Ok) {
        return DI_RENDER_NO_MEMORY;
    }
    if (!fill_image(image, picture)) {
        heif_image_release(image);
        return DI_RENDER_NO_MEMORY;
    }
    *out = image;
    return DI_RENDER_OK;
}

static struct heif_error decode(void *decoder, struct heif_image **out)
{
    di_hevc_picture_t picture;
    di_render_status_e status = di_de265_decode(&picture, decoder);

    *out = NULL;
    if (status == DI_RENDER_OK) {
        status = make_image(out, &picture);
    }
    return error_of(status);
}

static const struct heif_decoder_plugin plugin = {
    .plugin_api_version = 3,
    .get_plugin_name = decoder_name,
    .init_plugin = di_de265_start,
    .does_support_format = does_support,
    .new_decoder = new_decoder,
    .free_decoder = free_decoder,
    .push_data = push,
    .decode_image = decode,
    .set_strict_decoding = set_strict,
    .id_name = DECODER_ID,
};

int di_heif_start(void)
{
    return heif_register_decoder_plugin(&plugin).code == heif_error_Ok;
}

/* The library takes the first; one of its own would start a thread. */
static int is_started(void)
{
    const struct heif_decoder_descriptor *first;
    const char *id;

    if (heif_get_decoder_descriptors(heif_compression_HEVC, &first, 1) < 1) {
        return 0;
    }
    id = heif_decoder_descriptor_get_id_name(first);
    return id && !strcmp(id, DECODER_ID);
}

/* ---- decoding ---- */

/* Every kind of picture that the decoder gives can be converted to RGB; what
   the library calls unsupported there is memory that it did not get. */
static int is_memory(const struct heif_error *error)
{
    return error->code == heif_error_Memory_allocation_error ||
           (error->code == heif_error_Unsupported_feature &&
            error->subcode == heif_suberror_Unsupported_color_conversion);
}

static di_render_status_e status_of(struct heif_error error)
{
    if (is_memory(&error)) {
        return DI_RENDER_NO_MEMORY;
    }
    switch (error.code) {
    case heif_error_Ok:
        return DI_RENDER_OK;
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
        return DI_RENDER_UNSUPPORTED;
    case heif_error_Invalid_input:
    case heif_error_Input_does_not_exist:
    case heif_error_Decoder_plugin_error:
        return DI_RENDER_BROKEN;
    default:
        return DI_RENDER_FAILED;
    }
}

static di_render_status_e take_profile(di_decoded_t *out,
                                       const struct heif_image_handle *handle,
                                       size_t len)
{
    out->icc.bytes = malloc(len);
    if (!out->icc.bytes) {
        return DI_RENDER_NO_MEMORY;
    }
    out->icc.len = len;
    return status_of(
        heif_image_handle_get_raw_color_profile(handle, out->icc.bytes));
}

static di_render_status_e take_colors(di_decoded_t *out,
                                      const struct heif_image_handle *handle)
{
    size_t len = heif_image_handle_get_raw_color_profile_size(handle);
    struct heif_color_profile_nclx *nclx = NULL;
    di_render_status_e status = DI_RENDER_OK;

    if (len) {
        return take_profile(out, handle, len);
    }
    if (heif_image_handle_get_nclx_color_profile(handle, &nclx).code ==
        heif_error_Ok) {
        const float xy[8] = {
            nclx->color_primary_red_x,   nclx->color_primary_red_y,
            nclx->color_primary_green_x, nclx->color_primary_green_y,
            nclx->color_primary_blue_x,  nclx->color_primary_blue_y,
            nclx->color_primary_white_x, nclx->color_primary_white_y};

        status = di_h273_colors(out, (unsigned)nclx->transfer_characteristics,
                                (unsigned)nclx->color_primaries, xy);
    }
    heif_nclx_color_profile_free(nclx);
    return status;
}

static di_render_status_e copy_pixels(di_raster_t *out,
                                      const struct heif_image *image, int alpha,
                                      apr_uint32_t width_px,
                                      apr_uint32_t height_px)
{
    int row_bytes = 0;
    const unsigned char *from = heif_image_get_plane_readonly(
        image, heif_channel_interleaved, &row_bytes);
    apr_uint32_t y;

    if (!from ||
        heif_image_get_width(image, heif_channel_interleaved) !=
            (int)width_px ||
        heif_image_get_height(image, heif_channel_interleaved) !=
            (int)height_px) {
        return DI_RENDER_BROKEN;
    }
    if (!di_raster_make(out, width_px, height_px, alpha ? DI_RGBA : DI_RGB)) {
        return DI_RENDER_NO_MEMORY;
    }
    for (y = 0; y < height_px; y++) {
        memcpy(di_raster_row(out, y), from + (size_t)y * (size_t)row_bytes,
               out->row_bytes);
    }
    return DI_RENDER_OK;
}

static di_render_status_e decode_to(struct heif_image **out,
                                    const struct heif_image_handle *handle,
                                    int alpha)
{
    struct heif_decoding_options *options = heif_decoding_options_alloc();
    di_render_status_e status;

    if (!options) {
        return DI_RENDER_NO_MEMORY;
    }
    options->convert_hdr_to_8bit = 1;
    status = status_of(heif_decode_image(handle, out, heif_colorspace_RGB,
                                         alpha ? heif_chroma_interleaved_RGBA
                                               : heif_chroma_interleaved_RGB,
                                         options));
    heif_decoding_options_free(options);
    return status;
}

static di_render_status_e take_picture(di_decoded_t *out,
                                       const struct heif_image_handle *handle,
                                       apr_uint32_t width_px,
                                       apr_uint32_t height_px)
{
    int alpha = heif_image_handle_has_alpha_channel(handle);
    struct heif_image *image = NULL;
    di_render_status_e status;

    if (alpha && heif_image_handle_is_premultiplied_alpha(handle)) {
        return DI_RENDER_UNSUPPORTED;
    }
    status = take_colors(out, handle);
    if (status == DI_RENDER_OK) {
        status = decode_to(&image, handle, alpha);
    }
    if (status == DI_RENDER_OK) {
        status = copy_pixels(&out->picture, image, alpha, width_px, height_px);
    }
    heif_image_release(image);
    return status;
}

static void configure(struct heif_context *context, apr_uint32_t width_px,
                      apr_uint32_t height_px)
{
    apr_uint32_t side_px = width_px > height_px ? width_px : height_px;

    heif_context_set_max_decoding_threads(context, 0);
    heif_context_set_maximum_image_size_limit(context,
                                              (int)(side_px + SIDE_OVER_PX));
}

di_render_status_e di_heif_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, apr_uint32_t width_px,
                                  apr_uint32_t height_px)
{
    struct heif_context *context = NULL;
    struct heif_image_handle *handle = NULL;
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    if (!is_started()) {
        return DI_RENDER_UNSUPPORTED;
    }
    context = heif_context_alloc();
    if (!context) {
        return DI_RENDER_NO_MEMORY;
    }
    configure(context, width_px, height_px);
    status = status_of(
        heif_context_read_from_memory_without_copy(context, bytes, len, NULL));
    if (status == DI_RENDER_OK) {
        status =
            status_of(heif_context_get_primary_image_handle(context, &handle));
    }
    if (status == DI_RENDER_OK) {
        status = take_picture(out, handle, width_px, height_px);
    }
    if (status != DI_RENDER_OK) {
        di_decoded_free(out);
    }
    heif_image_handle_release(handle);
    heif_context_free(context);
    return status;
}

unsigned di_heif_version(void)
{
    return heif_get_version_number() ^ di_de265_version() * 16777619u;
}
