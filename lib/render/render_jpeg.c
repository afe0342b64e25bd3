/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG in and out, by libjpeg-turbo.
 *
 * The library reports errors by a call that may not return, so each use of it
 * is a function that guarded() runs: an error jumps back into guarded(),
 * whose frame holds nothing that has changed meanwhile; all state is in a
 * reader_t or writer_t of the frame above.  Nothing is printed and nobody
 * calls exit().
 *
 * Warnings are told apart by code: some are about lost picture data, which
 * the library replaces by grey or by the block before; others change no
 * pixel (is_damage()).
 *
 * Memory: the picture, and for progressive originals their coefficients (2
 * bytes each, 3 to 6 bytes a pixel).  Debian builds the library with
 * jmemnobs.c, which keeps all of it in memory and never makes a file; the
 * variable JPEGMEM would only make it fail earlier, and is overruled.
 */
#include "render/render_jpeg.h"

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h wants FILE */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
/* After jpeglib.h; the codes of errors and warnings. */
#include <jerror.h>

/* Rows handed to the library at once: the most that it makes in one go (four
   rows of blocks' samples of a component sampled 4 times as densely). */
#define ROWS 4

/* Longest side that the library takes (JPEG_MAX_DIMENSION). */
#define SIDE_MAX_PX JPEG_MAX_DIMENSION

/* ---- errors ---- */

typedef struct {
    struct jpeg_error_mgr manager; /* first: the library knows its address */
    jmp_buf back;
    int damaged; /* a warning told of lost picture data */
    int code;    /* the error; 0: none */
} errors_t;

static int is_damage(int warning)
{
    switch (warning) {
    case JWRN_EXTRANEOUS_DATA: /* bytes in front of a marker */
    case JWRN_ADOBE_XFORM:     /* unknown transform: YCCK or YCbCr assumed */
    case JWRN_JFIF_MAJOR:      /* a newer JFIF */
    case JWRN_NOT_SEQUENTIAL:  /* careless SOS header; ignored there */
        return 0;
    default:
        /* Bad Huffman code, end of a segment or of the file too early,
           restart marker missing, inconsistent progression. */
        return 1;
    }
}

static void on_message(j_common_ptr info, int level)
{
    errors_t *errors = (errors_t *)info->err;

    if (level < 0) {
        info->err->num_warnings++;
        errors->damaged |= is_damage(info->err->msg_code);
    }
}

static void on_error(j_common_ptr info)
{
    errors_t *errors = (errors_t *)info->err;

    errors->code = info->err->msg_code;
    longjmp(errors->back, 1);
}

static void stay_silent(j_common_ptr info)
{
}

static struct jpeg_error_mgr *errors_init(errors_t *errors)
{
    memset(errors, 0, sizeof(*errors));
    (void)jpeg_std_error(&errors->manager);
    errors->manager.error_exit = on_error;
    errors->manager.emit_message = on_message;
    errors->manager.output_message = stay_silent;
    return &errors->manager;
}

/* Run a use of the library up to its end or its first error. */
static void guarded(errors_t *errors, void (*run)(void *task), void *task)
{
    if (!setjmp(errors->back)) {
        run(task);
    }
}

static int is_memory(int code)
{
    return code == JERR_OUT_OF_MEMORY || code == JERR_NO_BACKING_STORE;
}

/* What an error says of the original that was being decoded. */
static di_render_status_e decode_error(int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        return DI_RENDER_NO_MEMORY;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
    case JERR_SOF_UNSUPPORTED:
    case JERR_WIDTH_OVERFLOW:
        return DI_RENDER_UNSUPPORTED;
    case JERR_BAD_LIB_VERSION:
    case JERR_BAD_STRUCT_SIZE:
    case JERR_BAD_STATE:
        return DI_RENDER_FAILED;
    default:
        return DI_RENDER_BROKEN;
    }
}

/* ---- decode ---- */

typedef struct {
    struct jpeg_decompress_struct info;
    errors_t errors;
    const unsigned char *bytes;
    apr_size_t len;
    unsigned eighths;
    int luma;                  /* 1: decode Y alone */
    di_decoded_t out;          /* owned */
    di_render_status_e status; /* unless the library reports an error */
} reader_t;

/* Which samples come out; 0: a kind that nobody shows. */
static di_samples_e choose_samples(reader_t *r)
{
    struct jpeg_decompress_struct *info = &r->info;

    /* Arithmetic coding is in the library, and in no browser. */
    if (info->arith_code) {
        return (di_samples_e)0;
    }
    if (r->luma || info->num_components == 1) {
        info->out_color_space = JCS_GRAYSCALE;
        return DI_GREY;
    }
    if (info->num_components == 3) {
        info->out_color_space = JCS_RGB;
        return DI_RGB;
    }
    if (info->num_components == 4) {
        info->out_color_space = JCS_CMYK;
        return DI_CMYK;
    }
    return (di_samples_e)0;
}

/* The slower transform and smooth chroma, as in Chromium.  They cost 3 % and
   6 % of a full decode (8 MP, quality 85: 23.2 ms instead of 22.5 and 21.8),
   and without them pictures lose 0.4 to 14 dB and 0.3 to 9 dB of PSNR.  Below
   8/8 neither changes the time: the library has one transform for each size
   and scales chroma by it.  They are exact, too: with vector code and without
   it (JSIMD_FORCENONE) the same samples come out, as from the encoder. */
static void choose_method(reader_t *r)
{
    r->info.scale_num = r->eighths;
    r->info.scale_denom = 8;
    r->info.dct_method = JDCT_ISLOW;
    r->info.do_fancy_upsampling = TRUE;
}

/* Inks are stored inverted (255 = no ink): in files with Adobe's marker by
   Adobe's habit, and without it Chromium (jpeg_image_decoder.cc) and Firefox
   (nsJPEGDecoder.cpp) take them so as well. */
static void invert(di_raster_t *picture)
{
    apr_size_t i, count = picture->row_bytes * picture->height_px;

    for (i = 0; i < count; i++) {
        picture->pixels[i] = (unsigned char)(255 - picture->pixels[i]);
    }
}

static void read_rows(reader_t *r)
{
    struct jpeg_decompress_struct *info = &r->info;
    JSAMPROW rows[ROWS];
    JDIMENSION count;

    while (info->output_scanline < info->output_height) {
        for (count = 0; count < ROWS &&
                        info->output_scanline + count < info->output_height;
             count++) {
            rows[count] =
                di_raster_row(&r->out.picture, info->output_scanline + count);
        }
        (void)jpeg_read_scanlines(info, rows, count);
    }
}

/*
 * A profile lies in segments APP2 (ICC.1 annex B.4):
 *
 *   "ICC_PROFILE" 00 | number, from 1 (1) | of how many (1) | a part of it
 *
 * Of two in one file Chromium takes the first, the library's own function
 * neither.
 */
#define ICC_NAME "ICC_PROFILE"
#define ICC_HEAD_BYTES (sizeof(ICC_NAME) + 2)

typedef struct {
    const struct jpeg_marker_struct *part[256];
    unsigned count, found;
    apr_size_t len;
} profile_t;

static int is_part(const struct jpeg_marker_struct *marker)
{
    return marker->marker == JPEG_APP0 + 2 &&
           marker->data_length >= ICC_HEAD_BYTES &&
           !memcmp(marker->data, ICC_NAME, sizeof(ICC_NAME)) &&
           marker->data[12] && marker->data[12] <= marker->data[13];
}

/* What is incomplete when another profile begins is given up. */
static void add_part(profile_t *profile,
                     const struct jpeg_marker_struct *marker)
{
    unsigned number = marker->data[12], count = marker->data[13];

    if (profile->count != count || profile->part[number]) {
        memset(profile, 0, sizeof(*profile));
        profile->count = count;
    }
    profile->part[number] = marker;
    profile->found++;
    profile->len += marker->data_length - ICC_HEAD_BYTES;
}

static void join(reader_t *r, const profile_t *profile)
{
    unsigned char *to = malloc(profile->len);
    unsigned i;

    if (!to) {
        ERREXIT1(&r->info, JERR_OUT_OF_MEMORY, 0);
    }
    r->out.icc.bytes = to;
    r->out.icc.len = profile->len;
    for (i = 1; i <= profile->count; i++) {
        apr_size_t len = profile->part[i]->data_length - ICC_HEAD_BYTES;

        memcpy(to, profile->part[i]->data + ICC_HEAD_BYTES, len);
        to += len;
    }
}

static void read_profile(reader_t *r)
{
    const struct jpeg_marker_struct *marker = r->info.marker_list;
    profile_t profile;

    memset(&profile, 0, sizeof(profile));
    for (; marker && !r->luma; marker = marker->next) {
        if (is_part(marker)) {
            add_part(&profile, marker);
            if (profile.found == profile.count) {
                break;
            }
        }
    }
    if (profile.len && profile.found == profile.count) {
        join(r, &profile);
    }
}

static void decode(void *task)
{
    reader_t *r = task;
    struct jpeg_decompress_struct *info = &r->info;
    di_samples_e samples;

    jpeg_create_decompress(info);
    info->mem->max_memory_to_use = 0; /* no limit, whatever JPEGMEM says */
    jpeg_mem_src(info, r->bytes, r->len);
    jpeg_save_markers(info, JPEG_APP0 + 2, 0xFFFF);
    (void)jpeg_read_header(info, TRUE);
    samples = choose_samples(r);
    if (!samples) {
        r->status = DI_RENDER_UNSUPPORTED;
        return;
    }
    choose_method(r);
    (void)jpeg_start_decompress(info);
    if (!di_raster_make(&r->out.picture, info->output_width,
                        info->output_height, samples)) {
        r->status = DI_RENDER_NO_MEMORY;
        return;
    }
    read_rows(r);
    read_profile(r);
    (void)jpeg_finish_decompress(info);
    r->status = DI_RENDER_OK;
}

static di_render_status_e read_jpeg(di_decoded_t *out, reader_t *r)
{
    di_render_status_e status;

    memset(out, 0, sizeof(*out));
    r->status = DI_RENDER_FAILED;
    r->info.err = errors_init(&r->errors);
    guarded(&r->errors, decode, r);
    jpeg_destroy_decompress(&r->info);
    status = r->errors.code ? decode_error(r->errors.code) : r->status;
    if (status == DI_RENDER_OK && r->errors.damaged) {
        status = DI_RENDER_BROKEN;
    }
    if (status != DI_RENDER_OK) {
        di_decoded_free(&r->out);
        return status;
    }
    if (r->out.picture.samples == DI_CMYK) {
        invert(&r->out.picture);
    }
    *out = r->out;
    return DI_RENDER_OK;
}

di_render_status_e di_jpeg_decode(di_decoded_t *out, const unsigned char *bytes,
                                  apr_size_t len, unsigned eighths)
{
    reader_t r = {.bytes = bytes, .len = len, .eighths = eighths};

    return read_jpeg(out, &r);
}

di_render_status_e di_jpeg_check(di_raster_t *out, const di_blob_t *encoded)
{
    reader_t r = {
        .bytes = encoded->bytes, .len = encoded->len, .eighths = 8, .luma = 1};
    di_decoded_t decoded;
    di_render_status_e status = read_jpeg(&decoded, &r);

    *out = decoded.picture;
    return status;
}

/* ---- encode ---- */

/* The library's own destination in memory forgets its buffer on errors. */
typedef struct {
    struct jpeg_destination_mgr manager; /* first, as in errors_t */
    di_blob_t blob;                      /* len: room */
} sink_t;

typedef struct {
    struct jpeg_compress_struct info;
    errors_t errors;
    sink_t sink;
    const di_raster_t *picture;
    const di_encode_t *how;
} writer_t;

/* Make room and go on writing behind the first `used` bytes. */
static void sink_grow(j_compress_ptr info, apr_size_t used, apr_size_t room)
{
    sink_t *sink = (sink_t *)info->dest;
    unsigned char *bytes = room > used ? realloc(sink->blob.bytes, room) : NULL;

    if (!bytes) {
        ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
    }
    sink->blob.bytes = bytes;
    sink->blob.len = room;
    sink->manager.next_output_byte = bytes + used;
    sink->manager.free_in_buffer = room - used;
}

static void sink_begin(j_compress_ptr info)
{
    /* About what quality 60 takes. */
    sink_grow(info, 0,
              4096 + (apr_size_t)info->image_width * info->image_height / 8);
}

static boolean sink_full(j_compress_ptr info)
{
    apr_size_t used = ((sink_t *)info->dest)->blob.len;

    sink_grow(info, used, used * 2);
    return TRUE;
}

static void sink_end(j_compress_ptr info)
{
    sink_t *sink = (sink_t *)info->dest;

    sink->blob.len -= sink->manager.free_in_buffer;
}

static void use_sink(writer_t *w)
{
    w->sink.manager.init_destination = sink_begin;
    w->sink.manager.empty_output_buffer = sink_full;
    w->sink.manager.term_destination = sink_end;
    w->info.dest = &w->sink.manager;
}

/* The first component's sampling factors; the others' are 1 x 1. */
static void set_chroma(writer_t *w)
{
    jpeg_component_info *y = &w->info.comp_info[0];
    int color = w->picture->samples == DI_RGB;

    y->h_samp_factor = color && w->how->chroma != DI_CHROMA_444 ? 2 : 1;
    y->v_samp_factor = color && w->how->chroma == DI_CHROMA_420 ? 2 : 1;
}

static void configure(writer_t *w)
{
    struct jpeg_compress_struct *info = &w->info;
    int color = w->picture->samples == DI_RGB;

    info->image_width = w->picture->width_px;
    info->image_height = w->picture->height_px;
    info->input_components = color ? 3 : 1;
    info->in_color_space = color ? JCS_RGB : JCS_GRAYSCALE;
    /* With a JFIF header that says "square pixels" and no density, so that an
       EXIF block (render/container.h) is the only one to give one. */
    jpeg_set_defaults(info);
    /* The tables of Annex K.  Of the others that are published none saves
       bytes by both measures: over 10 photographs, as few bytes as Peterson,
       Ahumada and Watson's of 1993 take at one SSIM of luma (-3.5 %), as
       little they save by SSIMULACRA (-1.6 %); Robidoux's: +1.2 %, -2.6 %. */
    jpeg_set_quality(info, w->how->quality, TRUE);
    set_chroma(w);
    info->dct_method = JDCT_ISLOW;
    info->optimize_coding = !w->how->fast;
    if (w->how->progressive && !w->how->fast) {
        jpeg_simple_progression(info);
    }
}

static void encode(void *task)
{
    writer_t *w = task;
    struct jpeg_compress_struct *info = &w->info;

    jpeg_create_compress(info);
    info->mem->max_memory_to_use = 0;
    use_sink(w);
    configure(w);
    jpeg_start_compress(info, TRUE);
    while (info->next_scanline < info->image_height) {
        JSAMPROW row = di_raster_row(w->picture, info->next_scanline);

        (void)jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
}

di_render_status_e di_jpeg_encode(di_blob_t *out, const di_raster_t *picture,
                                  const di_encode_t *how)
{
    writer_t w = {.picture = picture, .how = how};

    if ((picture->samples != DI_GREY && picture->samples != DI_RGB) ||
        picture->width_px > SIDE_MAX_PX || picture->height_px > SIDE_MAX_PX) {
        return DI_RENDER_NO_FORMAT;
    }
    w.info.err = errors_init(&w.errors);
    guarded(&w.errors, encode, &w);
    jpeg_destroy_compress(&w.info);
    if (w.errors.code) {
        free(w.sink.blob.bytes);
        return is_memory(w.errors.code) ? DI_RENDER_NO_MEMORY
                                        : DI_RENDER_FAILED;
    }
    *out = w.sink.blob;
    return DI_RENDER_OK;
}

unsigned di_jpeg_version(void)
{
    return LIBJPEG_TURBO_VERSION_NUMBER;
}
