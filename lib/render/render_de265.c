/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libde265 decodes where it is called as long as nobody calls
 * de265_start_worker_threads.
 */
#include "render/render_de265.h"

#include <stdlib.h>
#include <string.h>

#include <libde265/de265.h>

#include "render/cursor.h"

struct di_de265_t {
    de265_decoder_context *library;
};

void di_de265_start(void)
{
    (void)de265_init();
}

/* A stream has its own size, whatever the file around it says. */
static int make_planes(de265_decoder_context *library,
                       struct de265_image_spec *spec, struct de265_image *image,
                       void *data)
{
    if (spec->width > DI_SIDE_MAX_PX || spec->height > DI_SIDE_MAX_PX) {
        return 0;
    }
    return de265_get_default_image_allocation_functions()->get_buffer(
        library, spec, image, data);
}

static void limit_size(de265_decoder_context *library)
{
    struct de265_image_allocation own =
        *de265_get_default_image_allocation_functions();

    own.get_buffer = make_planes;
    de265_set_image_allocation_functions(library, &own, NULL);
}

di_de265_t *di_de265_new(void)
{
    di_de265_t *decoder = calloc(1, sizeof(*decoder));

    if (!decoder) {
        return NULL;
    }
    decoder->library = de265_new_decoder();
    if (!decoder->library) {
        free(decoder);
        return NULL;
    }
    limit_size(decoder->library);
    return decoder;
}

void di_de265_free(di_de265_t *decoder)
{
    if (decoder) {
        (void)de265_free_decoder(decoder->library);
        free(decoder);
    }
}

static di_render_status_e status_of(de265_error error)
{
    switch (error) {
    case DE265_OK:
        return DI_RENDER_OK;
    case DE265_ERROR_OUT_OF_MEMORY:
    case DE265_WARNING_CANNOT_APPLY_SAO_OUT_OF_MEMORY:
        return DI_RENDER_NO_MEMORY;
    case DE265_ERROR_NOT_IMPLEMENTED_YET:
        return DI_RENDER_UNSUPPORTED;
    default:
        return DI_RENDER_BROKEN;
    }
}

di_render_status_e di_de265_push(di_de265_t *decoder,
                                 const unsigned char *bytes, apr_size_t len)
{
    di_cursor_t c = {bytes, len, 0};
    const unsigned char *size, *unit;

    while (di_cursor_left(&c)) {
        size = di_cursor_take(&c, 4);
        unit = size && di_be32(size) <= APR_INT32_MAX
                   ? di_cursor_take(&c, di_be32(size))
                   : NULL;
        if (!unit) {
            return DI_RENDER_BROKEN;
        }
        if (de265_push_NAL(decoder->library, unit, (int)di_be32(size), 0,
                           NULL) != DE265_OK) {
            return DI_RENDER_NO_MEMORY;
        }
    }
    return DI_RENDER_OK;
}

/* The decoder goes on after damage and leaves a note; of the notes these say
   nothing of the picture. */
static int is_harmless(de265_error warning)
{
    return warning == DE265_WARNING_NO_WPP_CANNOT_USE_MULTITHREADING ||
           warning == DE265_WARNING_SPS_MISSING_CANNOT_DECODE_SEI;
}

static di_render_status_e read_notes(de265_decoder_context *library)
{
    de265_error warning;

    while ((warning = de265_get_warning(library)) != DE265_OK) {
        if (!is_harmless(warning)) {
            return status_of(warning);
        }
    }
    return DI_RENDER_OK;
}

static int take_plane(di_hevc_picture_t *out, const struct de265_image *image,
                      unsigned i)
{
    int width_px = de265_get_image_width(image, (int)i);
    int height_px = de265_get_image_height(image, (int)i), row_bytes = 0;

    if (width_px <= 0 || height_px <= 0 ||
        de265_get_bits_per_pixel(image, (int)i) != (int)out->depth) {
        return 0;
    }
    out->plane[i].samples = de265_get_image_plane(image, (int)i, &row_bytes);
    out->plane[i].width_px = (apr_uint32_t)width_px;
    out->plane[i].height_px = (apr_uint32_t)height_px;
    out->plane[i].row_bytes = (apr_size_t)row_bytes;
    return 1;
}

static di_render_status_e take_picture(di_hevc_picture_t *out,
                                       const struct de265_image *image)
{
    unsigned i;

    memset(out, 0, sizeof(*out));
    out->chroma = (unsigned)de265_get_chroma_format(image);
    out->depth = (unsigned)de265_get_bits_per_pixel(image, 0);
    out->planes = out->chroma ? 3 : 1;
    out->primaries = (unsigned)de265_get_image_colour_primaries(image);
    out->curve = (unsigned)de265_get_image_transfer_characteristics(image);
    out->matrix = (unsigned)de265_get_image_matrix_coefficients(image);
    out->full_range = de265_get_image_full_range_flag(image) != 0;
    for (i = 0; i < out->planes; i++) {
        if (!take_plane(out, image, i)) {
            return DI_RENDER_UNSUPPORTED;
        }
    }
    return DI_RENDER_OK;
}

di_render_status_e di_de265_decode(di_hevc_picture_t *out, di_de265_t *decoder)
{
    const struct de265_image *image = NULL;
    de265_error error = de265_flush_data(decoder->library);
    di_render_status_e status;
    int more = 1;

    while (error == DE265_OK && more && !image) {
        more = 0;
        error = de265_decode(decoder->library, &more);
        image = de265_peek_next_picture(decoder->library);
    }
    status = status_of(error);
    if (status == DI_RENDER_OK) {
        status = read_notes(decoder->library);
    }
    if (status == DI_RENDER_OK && !image) {
        status = DI_RENDER_BROKEN;
    }
    return status == DI_RENDER_OK ? take_picture(out, image) : status;
}

unsigned di_de265_version(void)
{
    return de265_get_version_number();
}
