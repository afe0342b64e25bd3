/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpng ends what goes wrong by longjmp.  So everything that may fail runs
 * as a step of a session, without memory of its own: what it makes hangs on
 * the session, and whoever began the session frees it.
 *
 * Encoding: which way is the smallest cannot be told from a picture, so each
 * is tried, on some of the rows if the picture is large:
 *
 *   layouts (pnglayout.h) x ways (filters and zlib's strategy, below)
 */
#include "render/render_png.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

#include "render/pnglayout.h"

/* Profiles of displays and cameras have up to some 100 KB, those of printers
   a few MB. */
#define ICC_MAX_BYTES (4 * 1024 * 1024)

/* Chunks that are not known to the library and yet kept: cICP alone. */
#define KEPT_CHUNKS_MAX 8

/* Length of an IDAT chunk in what is written. */
#define IDAT_BYTES (128 * 1024)

/* Rows of a larger picture are tried in bands. */
#define BAND_ROWS 16

/* FNV-1a's, which the hash of versions follows. */
#define HASH_BEGIN 2166136261u
#define HASH_FACTOR 16777619u

typedef struct {
    int filters; /* PNG_FILTER_NONE, or a set of which each row takes one */
    int strategy;
    int level;
} way_t;

#define WAYS 3

/* What to try, and on how many pixels at most. */
typedef struct {
    apr_uint32_t try_px;
    way_t ways[WAYS];
} effort_t;

/* Measured with photographs, icons, plots and screenshots: the first is best
   for text and flat areas, the second for plots and large photographs, the
   third for small and grey photographs, in a tenth of the time.  Strategy
   "filtered" was nowhere the best by more than 1 %. */
static const effort_t thorough = {2 * 1024 * 1024,
                                  {{PNG_FILTER_NONE, Z_DEFAULT_STRATEGY, 9},
                                   {PNG_ALL_FILTERS, Z_DEFAULT_STRATEGY, 9},
                                   {PNG_ALL_FILTERS, Z_RLE, 1}}};

/* Level 3 is the last without lazy matching.  Files are a tenth to four fifths
   larger, in a tenth to a third of the time. */
static const effort_t quick = {64 * 1024,
                               {{PNG_FILTER_NONE, Z_DEFAULT_STRATEGY, 3},
                                {PNG_ALL_FILTERS, Z_DEFAULT_STRATEGY, 3},
                                {PNG_ALL_FILTERS, Z_RLE, 1}}};

typedef struct {
    png_structp png;
    png_infop info;
    di_render_status_e status; /* of a step that came to its end */
    int no_memory;
    int large_profile;          /* there is one over ICC_MAX_BYTES */
    const unsigned char *bytes; /* reading: what is left */
    apr_size_t len;
    di_decoded_t *decoded;
    di_blob_t blob;        /* writing */
    apr_size_t room_bytes; /* of blob.bytes */
    const struct attempt_t *attempt;
    unsigned char *row;
} session_t;

/* The library has no codes.  These are its words for an iCCP of which the
   profile (pngset.c, png.c), or the chunk itself (pngrutil.c), is over the
   limit. */
static int is_large_profile(png_const_charp text)
{
    return !strncmp(text, "iCCP", 4) &&
           (strstr(text, "exceeds application limits") ||
            strstr(text, "chunk data is too large"));
}

/* Silent: the library's own functions write to standard error. */
static void on_error(png_structp png, png_const_charp text)
{
    session_t *s = png_get_error_ptr(png);

    s->large_profile = is_large_profile(text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    session_t *s = png_get_error_ptr(png);

    s->large_profile |= is_large_profile(text);
}

static png_voidp get_memory(png_structp png, png_alloc_size_t bytes)
{
    session_t *s = png_get_mem_ptr(png);
    void *memory = malloc(bytes);

    s->no_memory |= !memory;
    return memory;
}

static void put_memory(png_structp png, png_voidp memory)
{
    free(memory);
}

static void out_of_memory(session_t *s)
{
    s->no_memory = 1;
    png_error(s->png, "memory");
}

/* Do one step.  Returns what it came to; wrong: when the library ends it. */
static di_render_status_e step(session_t *s, void (*work)(session_t *),
                               di_render_status_e wrong)
{
    if (setjmp(png_jmpbuf(s->png))) {
        return s->no_memory       ? DI_RENDER_NO_MEMORY
               : s->large_profile ? DI_RENDER_TOO_LARGE_PROFILE
                                  : wrong;
    }
    work(s);
    return s->status;
}

static void read_bytes(png_structp png, png_bytep to, size_t len)
{
    session_t *s = png_get_io_ptr(png);

    if (len > s->len) {
        png_error(png, "end of file");
    }
    memcpy(to, s->bytes, len);
    s->bytes += len;
    s->len -= len;
}

/* What nobody asks for is not even parsed. */
static void choose_chunks(png_structp png)
{
    static const png_byte skipped[] =
        "bKGD\0eXIf\0hIST\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0tEXt\0"
        "tIME\0zTXt";

    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, skipped,
                                (int)sizeof(skipped) / 5);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS,
                                (png_const_bytep) "cICP", 1);
}

static void set_limits(png_structp png)
{
    png_set_user_limits(png, DI_SIDE_MAX_PX, DI_SIDE_MAX_PX);
    png_set_chunk_cache_max(png, KEPT_CHUNKS_MAX);
    png_set_chunk_malloc_max(png, ICC_MAX_BYTES);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
}

/* 1: cICP says sRGB (H.273: primaries 1, transfer 13; full range); 0: it says
   something else; -1: there is none of the right length. */
static int cicp_is_srgb(session_t *s)
{
    png_unknown_chunkp chunks;
    int count = png_get_unknown_chunks(s->png, s->info, &chunks), i;

    for (i = 0; i < count; i++) {
        const png_byte *data = chunks[i].data;

        if (!memcmp(chunks[i].name, "cICP", 4) && chunks[i].size == 4) {
            return data[0] == 1 && data[1] == 13 && data[3] == 1;
        }
    }
    return -1;
}

static int read_profile(session_t *s)
{
    png_charp name;
    png_bytep profile;
    png_uint_32 len;
    int method;

    if (!png_get_iCCP(s->png, s->info, &name, &method, &profile, &len)) {
        return 0;
    }
    s->decoded->icc.bytes = malloc(len);
    if (!s->decoded->icc.bytes) {
        out_of_memory(s);
    }
    memcpy(s->decoded->icc.bytes, profile, len);
    s->decoded->icc.len = len;
    return 1;
}

static void read_gamma(session_t *s)
{
    png_fixed_point gamma, c[8];
    int i;

    if (png_get_gAMA_fixed(s->png, s->info, &gamma) && gamma > 0) {
        s->decoded->gamma_e5 = (apr_uint32_t)gamma;
    }
    if (png_get_cHRM_fixed(s->png, s->info, &c[0], &c[1], &c[2], &c[3], &c[4],
                           &c[5], &c[6], &c[7])) {
        for (i = 0; i < 8; i++) {
            s->decoded->chroma_e5[i] = c[i] > 0 ? (apr_uint32_t)c[i] : 0;
        }
    }
}

/* A browser takes a profile of any size, so that a picture without it would
   look different. */
static di_render_status_e read_colors(session_t *s)
{
    int srgb = cicp_is_srgb(s);

    if (srgb >= 0) {
        return srgb ? DI_RENDER_OK : DI_RENDER_UNSUPPORTED;
    }
    if (read_profile(s)) {
        return DI_RENDER_OK;
    }
    if (s->large_profile) {
        return DI_RENDER_TOO_LARGE_PROFILE;
    }
    if (!png_get_valid(s->png, s->info, PNG_INFO_sRGB)) {
        read_gamma(s);
    }
    return DI_RENDER_OK;
}

static void read_rows(session_t *s)
{
    di_raster_t *picture = &s->decoded->picture;
    int passes = png_set_interlace_handling(s->png), pass;
    apr_uint32_t y;

    png_read_update_info(s->png, s->info);
    if (!di_raster_make(picture, png_get_image_width(s->png, s->info),
                        png_get_image_height(s->png, s->info),
                        (di_samples_e)png_get_channels(s->png, s->info))) {
        out_of_memory(s);
    }
    if (png_get_rowbytes(s->png, s->info) != picture->row_bytes) {
        png_error(s->png, "layout");
    }
    for (pass = 0; pass < passes; pass++) {
        for (y = 0; y < picture->height_px; y++) {
            png_read_row(s->png, di_raster_row(picture, y), NULL);
        }
    }
}

static void read_picture(session_t *s)
{
    png_set_read_fn(s->png, s, read_bytes);
    set_limits(s->png);
    choose_chunks(s->png);
    png_read_info(s->png, s->info);
    s->status = read_colors(s);
    if (s->status != DI_RENDER_OK) {
        return;
    }
    png_set_expand(s->png);
    png_set_scale_16(s->png);
    read_rows(s);
    png_read_end(s->png, NULL);
}

di_render_status_e di_png_decode(di_decoded_t *out, const unsigned char *bytes,
                                 apr_size_t len)
{
    di_render_status_e status = DI_RENDER_NO_MEMORY;
    session_t s;

    memset(out, 0, sizeof(*out));
    memset(&s, 0, sizeof(s));
    s.bytes = bytes;
    s.len = len;
    s.decoded = out;
    s.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error,
                                     on_warning, &s, get_memory, put_memory);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    if (s.info) {
        status = step(&s, read_picture, DI_RENDER_BROKEN);
    }
    png_destroy_read_struct(&s.png, &s.info, NULL);
    if (status != DI_RENDER_OK) {
        di_decoded_free(out);
    }
    return status;
}

di_render_status_e di_png_check(di_raster_t *out, const di_blob_t *encoded)
{
    di_decoded_t decoded;
    di_render_status_e status =
        di_png_decode(&decoded, encoded->bytes, encoded->len);

    *out = decoded.picture;
    free(decoded.icc.bytes);
    return status;
}

/* One way to encode a picture. */
typedef struct attempt_t {
    const di_raster_t *picture;
    const di_png_colors_t *colors;
    di_png_layout_t layout;
    way_t way;
    apr_uint32_t rows;   /* that are encoded */
    apr_uint32_t stride; /* from one band of them to the next */
} attempt_t;

static void write_bytes(png_structp png, png_bytep bytes, size_t len)
{
    session_t *s = png_get_io_ptr(png);

    if (len > s->room_bytes - s->blob.len) {
        apr_size_t room = 2 * s->room_bytes + len;
        unsigned char *grown = realloc(s->blob.bytes, room);

        if (!grown) {
            out_of_memory(s);
        }
        s->blob.bytes = grown;
        s->room_bytes = room;
    }
    memcpy(s->blob.bytes + s->blob.len, bytes, len);
    s->blob.len += len;
}

static void flush_nothing(png_structp png)
{
}

static void write_palette(session_t *s, const di_png_colors_t *colors)
{
    png_color palette[DI_PNG_PALETTE_MAX];
    png_byte alpha[DI_PNG_PALETTE_MAX];
    unsigned i;

    for (i = 0; i < colors->count; i++) {
        apr_uint32_t color = colors->colors[i];

        palette[i].red = (png_byte)(color >> 24);
        palette[i].green = (png_byte)(color >> 16);
        palette[i].blue = (png_byte)(color >> 8);
        alpha[i] = (png_byte)color;
    }
    png_set_PLTE(s->png, s->info, palette, (int)colors->count);
    if (colors->transparent) {
        png_set_tRNS(s->png, s->info, alpha, (int)colors->transparent, NULL);
    }
}

static void write_header(session_t *s)
{
    const attempt_t *a = s->attempt;

    png_set_IHDR(s->png, s->info, a->picture->width_px, a->rows,
                 a->layout.depth, a->layout.color_type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
    if (a->layout.color_type == DI_PNG_PALETTE) {
        write_palette(s, a->colors);
    }
    png_set_compression_level(s->png, a->way.level);
    png_set_compression_strategy(s->png, a->way.strategy);
    png_set_compression_mem_level(s->png, 9);
    png_set_compression_buffer_size(s->png, IDAT_BYTES);
    png_set_filter(s->png, PNG_FILTER_TYPE_BASE, a->way.filters);
    png_write_info(s->png, s->info);
}

static void write_picture(session_t *s)
{
    const attempt_t *a = s->attempt;
    apr_uint32_t i;

    png_set_write_fn(s->png, s, write_bytes, flush_nothing);
    write_header(s);
    for (i = 0; i < a->rows; i++) {
        apr_uint32_t y = i / BAND_ROWS * a->stride + i % BAND_ROWS;

        png_write_row(s->png,
                      di_png_row(s->row, a->picture, y, &a->layout, a->colors));
    }
    png_write_end(s->png, NULL);
    s->status = DI_RENDER_OK;
}

static di_render_status_e encode(di_blob_t *out, const attempt_t *attempt)
{
    di_render_status_e status = DI_RENDER_NO_MEMORY;
    session_t s;

    memset(&s, 0, sizeof(s));
    s.attempt = attempt;
    s.row = malloc(4 * (apr_size_t)attempt->picture->width_px);
    s.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error,
                                      on_warning, &s, get_memory, put_memory);
    s.info = s.png ? png_create_info_struct(s.png) : NULL;
    if (s.info && s.row) {
        status = step(&s, write_picture, DI_RENDER_FAILED);
    }
    png_destroy_write_struct(&s.png, &s.info);
    free(s.row);
    if (status == DI_RENDER_OK) {
        *out = s.blob;
    }
    else {
        free(s.blob.bytes);
    }
    return status;
}

static void all_rows(attempt_t *attempt)
{
    attempt->rows = attempt->picture->height_px;
    attempt->stride = BAND_ROWS;
}

/* Some rows, in bands all over the picture; all rows when there are few. */
static void some_rows(attempt_t *attempt, apr_uint32_t most_px)
{
    apr_uint32_t height = attempt->picture->height_px;
    apr_uint32_t bands = most_px / attempt->picture->width_px / BAND_ROWS;

    all_rows(attempt);
    bands = bands ? bands : 1;
    if (bands < height / BAND_ROWS) {
        attempt->rows = bands * BAND_ROWS;
        attempt->stride = height / bands;
    }
}

/* The smallest file so far stays in *best, how it was made in *how. */
static di_render_status_e try_one(di_blob_t *best, attempt_t *how,
                                  const attempt_t *attempt)
{
    di_blob_t file;
    di_render_status_e status = encode(&file, attempt);

    if (status != DI_RENDER_OK) {
        return status;
    }
    if (best->bytes && best->len <= file.len) {
        free(file.bytes);
        return DI_RENDER_OK;
    }
    free(best->bytes);
    *best = file;
    *how = *attempt;
    return DI_RENDER_OK;
}

/* Numbers of a palette and packed pixels are not filtered: the difference of
   two says nothing. */
static int may_filter(const di_png_layout_t *layout)
{
    return layout->color_type != DI_PNG_PALETTE && layout->depth == 8;
}

static di_render_status_e try_ways(di_blob_t *best, attempt_t *how,
                                   const attempt_t *first,
                                   const effort_t *effort)
{
    di_render_status_e status = DI_RENDER_OK;
    attempt_t attempt = *first;
    int i, count = may_filter(&first->layout) ? WAYS : 1;

    for (i = 0; i < count && status == DI_RENDER_OK; i++) {
        attempt.way = effort->ways[i];
        status = try_one(best, how, &attempt);
    }
    return status;
}

static di_render_status_e try_layouts(di_blob_t *best, attempt_t *how,
                                      attempt_t *attempt,
                                      const effort_t *effort)
{
    di_png_layout_t layouts[DI_PNG_LAYOUTS_MAX];
    unsigned count = di_png_layouts(layouts, attempt->colors), i;
    di_render_status_e status = DI_RENDER_OK;

    some_rows(attempt, effort->try_px);
    for (i = 0; i < count && status == DI_RENDER_OK; i++) {
        attempt->layout = layouts[i];
        status = try_ways(best, how, attempt, effort);
    }
    return status;
}

static di_render_status_e encode_smallest(di_blob_t *out, attempt_t *attempt,
                                          const effort_t *effort)
{
    di_blob_t best = {NULL, 0};
    attempt_t how = *attempt;
    di_render_status_e status = try_layouts(&best, &how, attempt, effort);

    if (status == DI_RENDER_OK && how.rows < how.picture->height_px) {
        free(best.bytes);
        best.bytes = NULL;
        all_rows(&how);
        status = encode(&best, &how);
    }
    if (status == DI_RENDER_OK) {
        *out = best;
    }
    else {
        free(best.bytes);
    }
    return status;
}

di_render_status_e di_png_encode(di_blob_t *out, const di_raster_t *picture,
                                 const di_encode_t *how)
{
    di_png_colors_t colors;
    attempt_t attempt;

    di_png_colors_of(&colors, picture);
    if (how->colors && colors.count > (unsigned)how->colors) {
        return DI_RENDER_NO_FORMAT;
    }
    memset(&attempt, 0, sizeof(attempt));
    attempt.picture = picture;
    attempt.colors = &colors;
    return encode_smallest(out, &attempt, how->fast ? &quick : &thorough);
}

/* How well a file is packed is zlib's doing. */
unsigned di_png_version(void)
{
    unsigned hash = HASH_BEGIN ^ png_access_version_number();
    const char *text;

    for (text = zlibVersion(); *text; text++) {
        hash = (hash ^ (unsigned char)*text) * HASH_FACTOR;
    }
    return hash;
}
