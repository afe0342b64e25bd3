/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Originals are made here by libpng from samples that are known, so that what
 * is decoded can be told from them by the PNG standard's own words.
 */
#include "unit.h"

#include "render/render_png.h"
#include "render/source.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <png.h>
#include <zlib.h>

#define IHDR_END 33 /* signature and IHDR chunk */
#define FILE_ROOM (1 << 20)

/* One kind of PNG file. */
typedef struct {
    int color_type, depth, interlace, trns;
    unsigned width, height;
} spec_t;

static unsigned channels_of(int color_type)
{
    return color_type == PNG_COLOR_TYPE_RGB          ? 3
           : color_type == PNG_COLOR_TYPE_RGB_ALPHA  ? 4
           : color_type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                                     : 1;
}

/* The sample of a picture in the file's own depth.  The second pixel differs
   from the first by its lowest bit only. */
static unsigned sample(const spec_t *s, unsigned x, unsigned y, unsigned c)
{
    unsigned mixed = ((y * s->width + x) * 4 + c + 1) * 2654435761u;

    if (x == 1 && y == 0) {
        return sample(s, 0, 0, c) ^ (c == 0);
    }
    return (mixed >> 9) & ((1u << s->depth) - 1);
}

static png_color entry_of(unsigned i)
{
    png_color out = {(png_byte)(i * 77 + 5), (png_byte)(i * 31 + 200),
                     (png_byte)(i * 13)};

    return out;
}

/* Alpha of palette entries; those from the sixth on have none in the file. */
static unsigned entry_alpha(const spec_t *s, unsigned i)
{
    return s->trns && i < 6 ? i * 40 : 255;
}

/* To 8 bits: the nearest (PNG 13.12). */
static unsigned scaled(const spec_t *s, unsigned value)
{
    unsigned most = (1u << s->depth) - 1;

    return (unsigned)((value * 255ul + most / 2) / most);
}

static int is_key(const spec_t *s, unsigned x, unsigned y)
{
    unsigned c;

    for (c = 0; c < channels_of(s->color_type); c++) {
        if (sample(s, x, y, c) != sample(s, 0, 0, c)) {
            return 0;
        }
    }
    return 1;
}

static void expected_pixel(unsigned char rgba[4], const spec_t *s, unsigned x,
                           unsigned y)
{
    unsigned channels = channels_of(s->color_type), c;
    int colored = (s->color_type & PNG_COLOR_MASK_COLOR) != 0;

    if (s->color_type == PNG_COLOR_TYPE_PALETTE) {
        unsigned i = sample(s, x, y, 0);
        png_color entry = entry_of(i);

        rgba[0] = entry.red;
        rgba[1] = entry.green;
        rgba[2] = entry.blue;
        rgba[3] = (unsigned char)entry_alpha(s, i);
        return;
    }
    for (c = 0; c < 3; c++) {
        rgba[c] = (unsigned char)scaled(s, sample(s, x, y, colored ? c : 0));
    }
    rgba[3] = s->color_type & PNG_COLOR_MASK_ALPHA
                  ? (unsigned char)scaled(s, sample(s, x, y, channels - 1))
              : s->trns && is_key(s, x, y) ? 0
                                           : 255;
}

static void append(png_structp png, png_bytep bytes, size_t len)
{
    di_blob_t *file = png_get_io_ptr(png);

    assert_true(file->len + len <= FILE_ROOM);
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
}

static void flush(png_structp png)
{
}

static void put_palette(png_structp png, png_infop info, const spec_t *s)
{
    unsigned count = 1u << s->depth, i;
    png_color palette[256];
    png_byte alpha[6];

    for (i = 0; i < count; i++) {
        palette[i] = entry_of(i);
    }
    for (i = 0; i < 6; i++) {
        alpha[i] = (png_byte)entry_alpha(s, i);
    }
    png_set_PLTE(png, info, palette, (int)count);
    if (s->trns) {
        png_set_tRNS(png, info, alpha, count < 6 ? (int)count : 6, NULL);
    }
}

static void put_key(png_structp png, png_infop info, const spec_t *s)
{
    png_color_16 key;

    memset(&key, 0, sizeof(key));
    key.gray = key.red = (png_uint_16)sample(s, 0, 0, 0);
    key.green = (png_uint_16)sample(s, 0, 0, 1);
    key.blue = (png_uint_16)sample(s, 0, 0, 2);
    png_set_tRNS(png, info, NULL, 0, &key);
}

static void put_row(png_structp png, const spec_t *s, unsigned y)
{
    unsigned channels = channels_of(s->color_type), x, c;
    png_byte row[64 * 4 * 2], *to = row;

    for (x = 0; x < s->width; x++) {
        for (c = 0; c < channels; c++) {
            if (s->depth == 16) {
                *to++ = (png_byte)(sample(s, x, y, c) >> 8);
            }
            *to++ = (png_byte)sample(s, x, y, c);
        }
    }
    png_write_row(png, row);
}

/* Its bytes are to be freed. */
static di_blob_t file_of(const spec_t *s)
{
    di_blob_t file = {malloc(FILE_ROOM), 0};
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    int passes, pass;
    unsigned y;

    assert_non_null(file.bytes);
    png_set_write_fn(png, &file, append, flush);
    png_set_IHDR(png, info, s->width, s->height, s->depth, s->color_type,
                 s->interlace ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    if (s->color_type == PNG_COLOR_TYPE_PALETTE) {
        put_palette(png, info, s);
    }
    else if (s->trns) {
        put_key(png, info, s);
    }
    png_write_info(png, info);
    png_set_packing(png);
    passes = png_set_interlace_handling(png);
    for (pass = 0; pass < passes; pass++) {
        for (y = 0; y < s->height; y++) {
            put_row(png, s, y);
        }
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return file;
}

static void pixel_of(unsigned char rgba[4], const di_raster_t *raster,
                     unsigned x, unsigned y)
{
    const unsigned char *from = di_raster_row(raster, y) + x * raster->channels;
    int colored = raster->channels >= 3;

    rgba[0] = from[0];
    rgba[1] = from[colored ? 1 : 0];
    rgba[2] = from[colored ? 2 : 0];
    rgba[3] = di_raster_has_alpha(raster) ? from[raster->channels - 1] : 255;
}

static unsigned samples_expected(const spec_t *s)
{
    int colored = (s->color_type & PNG_COLOR_MASK_COLOR) != 0;
    int alpha = s->trns || s->color_type & PNG_COLOR_MASK_ALPHA;

    return (colored ? DI_RGB : DI_GREY) + (alpha ? 1 : 0);
}

static void check_decoded(const spec_t *s)
{
    di_blob_t file = file_of(s);
    di_decoded_t decoded;
    unsigned char want[4], got[4];
    unsigned x, y;

    assert_int_equal(di_png_decode(&decoded, file.bytes, file.len),
                     DI_RENDER_OK);
    assert_int_equal(decoded.picture.width_px, s->width);
    assert_int_equal(decoded.picture.height_px, s->height);
    assert_int_equal(decoded.picture.samples, samples_expected(s));
    for (y = 0; y < s->height; y++) {
        for (x = 0; x < s->width; x++) {
            expected_pixel(want, s, x, y);
            pixel_of(got, &decoded.picture, x, y);
            if (memcmp(want, got, 4)) {
                fail_msg("type %d depth %d interlace %d tRNS %d at %u,%u: "
                         "%d %d %d %d, not %d %d %d %d",
                         s->color_type, s->depth, s->interlace, s->trns, x, y,
                         got[0], got[1], got[2], got[3], want[0], want[1],
                         want[2], want[3]);
            }
        }
    }
    di_decoded_free(&decoded);
    free(file.bytes);
}

static const struct {
    int color_type, depth;
} kinds[] = {
    {PNG_COLOR_TYPE_GRAY, 1},        {PNG_COLOR_TYPE_GRAY, 2},
    {PNG_COLOR_TYPE_GRAY, 4},        {PNG_COLOR_TYPE_GRAY, 8},
    {PNG_COLOR_TYPE_GRAY, 16},       {PNG_COLOR_TYPE_RGB, 8},
    {PNG_COLOR_TYPE_RGB, 16},        {PNG_COLOR_TYPE_PALETTE, 1},
    {PNG_COLOR_TYPE_PALETTE, 2},     {PNG_COLOR_TYPE_PALETTE, 4},
    {PNG_COLOR_TYPE_PALETTE, 8},     {PNG_COLOR_TYPE_GRAY_ALPHA, 8},
    {PNG_COLOR_TYPE_GRAY_ALPHA, 16}, {PNG_COLOR_TYPE_RGB_ALPHA, 8},
    {PNG_COLOR_TYPE_RGB_ALPHA, 16},
};

static void every_type_depth_and_interlace_decodes_exactly(void **state)
{
    static const unsigned sizes[][2] = {{33, 21}, {2, 1}, {5, 64}};
    size_t i, k;
    int variant;

    for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        for (variant = 0; variant < 4; variant++) {
            for (k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
                spec_t s = {kinds[i].color_type, kinds[i].depth, variant & 1,
                            variant & 2,         sizes[k][0],    sizes[k][1]};

                if (s.trns && s.color_type & PNG_COLOR_MASK_ALPHA) {
                    continue;
                }
                check_decoded(&s);
            }
        }
    }
}

static void put32(unsigned char *b, unsigned long value)
{
    b[0] = (unsigned char)(value >> 24);
    b[1] = (unsigned char)(value >> 16);
    b[2] = (unsigned char)(value >> 8);
    b[3] = (unsigned char)value;
}

/* Put a chunk behind IHDR, for which there is room. */
static void insert_chunk(di_blob_t *file, const char *type, const void *data,
                         size_t len)
{
    unsigned char *at = file->bytes + IHDR_END;

    memmove(at + 12 + len, at, file->len - IHDR_END);
    put32(at, len);
    memcpy(at + 4, type, 4);
    memcpy(at + 8, data, len);
    put32(at + 8 + len, crc32(0, at + 4, (unsigned)len + 4));
    file->len += 12 + len;
}

static void add_chunk(di_blob_t *file, const char *type, const void *data,
                      size_t len)
{
    assert_true(file->len + 12 + len <= FILE_ROOM);
    insert_chunk(file, type, data, len);
}

/* Offset of the chunk's length field; fails the test when there is none. */
static size_t chunk_at(const di_blob_t *file, const char *type)
{
    size_t at = 8;

    while (at + 12 <= file->len && memcmp(file->bytes + at + 4, type, 4)) {
        const unsigned char *b = file->bytes + at;

        at += 12 + ((size_t)b[0] << 24 | (size_t)b[1] << 16 |
                    (size_t)b[2] << 8 | b[3]);
    }
    assert_true(at + 12 <= file->len);
    return at;
}

static size_t chunk_len(const di_blob_t *file, const char *type)
{
    const unsigned char *b = file->bytes + chunk_at(file, type);

    return (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
}

static const spec_t plain = {PNG_COLOR_TYPE_RGB, 8, 0, 0, 33, 21};
static const spec_t paletted = {PNG_COLOR_TYPE_PALETTE, 4, 0, 0, 33, 21};

/* A profile: a header of 128 bytes, no tags, and what does not deflate, since
   libpng takes none of less than 81 bytes. */
#define PROFILE_BYTES 400

static void profile_header(unsigned char *profile, unsigned long len)
{
    unsigned seed = 12345, i;

    for (i = 132; i < PROFILE_BYTES; i++) {
        seed = seed * 1664525 + 1013904223;
        profile[i] = (unsigned char)(seed >> 24);
    }
    put32(profile, len);
    put32(profile + 8, 0x02100000);
    memcpy(profile + 12, "mntrRGB XYZ ", 12);
    memcpy(profile + 36, "acsp", 4);
    put32(profile + 68, 0xF6D6); /* D50 */
    put32(profile + 72, 0x10000);
    put32(profile + 76, 0xD32D);
}

/* iCCP data: name, method, and len bytes that begin with a header. */
static void add_profile(di_blob_t *file, unsigned long len)
{
    unsigned char *profile = calloc(1, len), *data;
    uLongf room = compressBound(len);

    assert_non_null(profile);
    data = malloc(room + 5);
    assert_non_null(data);
    profile_header(profile, len);
    memcpy(data, "abc\0\0", 5);
    assert_int_equal(compress2(data + 5, &room, profile, len, 9), Z_OK);
    add_chunk(file, "iCCP", data, room + 5);
    free(profile);
    free(data);
}

enum { HAS_PROFILE = 1, HAS_GAMMA = 2, HAS_PRIMARIES = 4 };

typedef struct {
    const char *chunks; /* P iCCP, S sRGB, G gAMA, M cHRM, C cICP of sRGB,
                           H cICP of HDR, X cICP that is too short */
    int has;
    di_render_status_e status;
} color_case_t;

static const color_case_t color_cases[] = {
    {"", 0, DI_RENDER_OK},
    {"P", HAS_PROFILE, DI_RENDER_OK},
    {"G", HAS_GAMMA, DI_RENDER_OK},
    {"GM", HAS_GAMMA | HAS_PRIMARIES, DI_RENDER_OK},
    {"S", 0, DI_RENDER_OK},
    {"SGM", 0, DI_RENDER_OK},
    {"PGM", HAS_PROFILE, DI_RENDER_OK},
    {"C", 0, DI_RENDER_OK},
    {"CP", 0, DI_RENDER_OK},
    {"CGM", 0, DI_RENDER_OK},
    {"H", 0, DI_RENDER_UNSUPPORTED},
    {"HPS", 0, DI_RENDER_UNSUPPORTED},
    {"XP", HAS_PROFILE, DI_RENDER_OK},
};

/* White D65, then primaries that are not those of sRGB. */
static const unsigned long chroma[8] = {31270, 32900, 64000, 33000,
                                        21000, 71000, 15000, 6000};

static void add_color_chunk(di_blob_t *file, char which)
{
    unsigned char data[32];
    int i;

    switch (which) {
    case 'P':
        add_profile(file, PROFILE_BYTES);
        break;
    case 'S':
        add_chunk(file, "sRGB", "\0", 1);
        break;
    case 'G':
        put32(data, 55555);
        add_chunk(file, "gAMA", data, 4);
        break;
    case 'M':
        for (i = 0; i < 8; i++) {
            put32(data + 4 * i, chroma[i]);
        }
        add_chunk(file, "cHRM", data, 32);
        break;
    case 'C':
        add_chunk(file, "cICP", "\x01\x0D\0\x01", 4);
        break;
    case 'H':
        add_chunk(file, "cICP", "\x09\x10\0\x01", 4);
        break;
    default:
        add_chunk(file, "cICP", "\x09\x10\0", 3);
        break;
    }
}

static void check_colors(const color_case_t *c, const di_decoded_t *decoded)
{
    int i;

    assert_int_equal(decoded->icc.len,
                     c->has & HAS_PROFILE ? PROFILE_BYTES : 0);
    if (c->has & HAS_PROFILE) {
        assert_memory_equal(decoded->icc.bytes + 36, "acsp", 4);
    }
    assert_int_equal(decoded->gamma_e5, c->has & HAS_GAMMA ? 55555 : 0);
    for (i = 0; i < 8; i++) {
        assert_int_equal(decoded->chroma_e5[i],
                         c->has & HAS_PRIMARIES ? chroma[i] : 0);
    }
}

static void colors_are_told_by_the_chunk_that_counts_most(void **state)
{
    size_t i, k;

    for (i = 0; i < sizeof(color_cases) / sizeof(*color_cases); i++) {
        const color_case_t *c = &color_cases[i];
        di_blob_t file = file_of(&plain);
        di_decoded_t decoded;

        for (k = 0; c->chunks[k]; k++) {
            add_color_chunk(&file, c->chunks[k]);
        }
        assert_int_equal(di_png_decode(&decoded, file.bytes, file.len),
                         c->status);
        check_colors(c, &decoded);
        di_decoded_free(&decoded);
        free(file.bytes);
    }
}

static di_render_status_e decode_status(const di_blob_t *file, size_t len)
{
    unsigned char *copy =
        malloc(len + 1); /* so that a sanitizer sees its end */
    di_decoded_t decoded;
    di_render_status_e status;

    assert_non_null(copy);
    memcpy(copy, file->bytes, len);
    status = di_png_decode(&decoded, copy, len);
    assert_int_equal(status == DI_RENDER_OK, decoded.picture.pixels != NULL);
    di_decoded_free(&decoded);
    free(copy);
    return status;
}

static void a_file_cut_anywhere_is_broken(void **state)
{
    di_blob_t file = file_of(&plain);
    size_t len;

    for (len = 0; len < file.len; len++) {
        assert_int_equal(decode_status(&file, len), DI_RENDER_BROKEN);
    }
    assert_int_equal(decode_status(&file, len), DI_RENDER_OK);
    free(file.bytes);
}

static void a_wrong_byte_in_a_critical_chunk_is_broken(void **state)
{
    static const char *const types[] = {"IHDR", "PLTE", "IDAT"};
    di_blob_t file = file_of(&paletted);
    size_t i, k;

    for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
        size_t at = chunk_at(&file, types[i]);
        size_t end = at + 12 + chunk_len(&file, types[i]);

        for (k = at; k < end; k++) {
            file.bytes[k] ^= 0x01;
            if (decode_status(&file, file.len) != DI_RENDER_BROKEN) {
                fail_msg("%s, byte %d", types[i], (int)(k - at));
            }
            file.bytes[k] ^= 0x01;
        }
    }
    assert_int_equal(decode_status(&file, file.len), DI_RENDER_OK);
    free(file.bytes);
}

static void a_wrong_checksum_elsewhere_only_drops_that_chunk(void **state)
{
    static const char *const types[] = {"gAMA", "tEXt", "zzZz"};
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
        di_blob_t file = file_of(&plain);
        di_decoded_t decoded;

        add_chunk(&file, types[i], "\0\0\x80\0", 4);
        file.bytes[IHDR_END + 8 + 4] ^= 1;
        assert_int_equal(di_png_decode(&decoded, file.bytes, file.len),
                         DI_RENDER_OK);
        assert_int_equal(decoded.gamma_e5, 0);
        di_decoded_free(&decoded);
        free(file.bytes);
    }
}

static void nothing_is_written_to_standard_error(void **state)
{
    di_blob_t file = file_of(&plain);
    int kept = dup(2), caught = memfd_create("stderr", 0);
    struct stat found;

    assert_true(kept >= 0 && caught >= 0);
    add_chunk(&file, "gAMA", "\0\0\0\0", 4); /* a warning */
    dup2(caught, 2);
    (void)decode_status(&file, file.len);
    file.bytes[chunk_at(&file, "IDAT") + 9] ^= 1; /* an error */
    (void)decode_status(&file, file.len);
    dup2(kept, 2);
    assert_int_equal(fstat(caught, &found), 0);
    assert_int_equal(found.st_size, 0);
    close(kept);
    close(caught);
    free(file.bytes);
}

/* A process of its own, since the most memory ever used is all that it can be
   asked for. */
static void a_profile_that_inflates_a_hundredfold_is_not_inflated(void **state)
{
    di_blob_t file = file_of(&plain);
    struct rusage before, after;
    pid_t child;
    int ended;

    add_profile(&file, 100ul * 1024 * 1024);
    assert_in_range(file.len, 50000, 200000);
    child = fork();
    if (child == 0) {
        di_decoded_t decoded;
        int right;

        getrusage(RUSAGE_SELF, &before);
        right = di_png_decode(&decoded, file.bytes, file.len) ==
                DI_RENDER_TOO_LARGE_PROFILE;
        getrusage(RUSAGE_SELF, &after);
        _exit(right && after.ru_maxrss - before.ru_maxrss < 20 * 1024 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
    free(file.bytes);
}

#define MOST_BYTES (4ul * 1024 * 1024)

static void a_profile_over_the_limit_is_not_left_out(void **state)
{
    di_blob_t file = file_of(&plain), most = file_of(&plain);
    unsigned char *damaged;
    di_decoded_t decoded;

    add_profile(&most, MOST_BYTES);
    assert_int_equal(di_png_decode(&decoded, most.bytes, most.len),
                     DI_RENDER_OK);
    assert_int_equal(decoded.icc.len, MOST_BYTES);
    di_decoded_free(&decoded);

    add_color_chunk(&file, 'S');
    add_profile(&file, MOST_BYTES + 4);
    assert_int_equal(decode_status(&file, file.len),
                     DI_RENDER_TOO_LARGE_PROFILE);
    /* What counts more is there. */
    add_color_chunk(&file, 'C');
    assert_int_equal(decode_status(&file, file.len), DI_RENDER_OK);
    damaged = file.bytes + chunk_at(&file, "IDAT") + 9;
    *damaged ^= 1;
    assert_int_equal(decode_status(&file, file.len), DI_RENDER_BROKEN);
    free(file.bytes);
    free(most.bytes);
}

static void a_profile_chunk_over_the_limit_is_no_damage(void **state)
{
    di_blob_t file = file_of(&plain);
    unsigned char *data = calloc(1, MOST_BYTES + 1);

    assert_non_null(data);
    memcpy(data, "abc", 3);
    file.bytes = realloc(file.bytes, FILE_ROOM + MOST_BYTES);
    assert_non_null(file.bytes);
    insert_chunk(&file, "iCCP", data, MOST_BYTES + 1);
    assert_int_equal(decode_status(&file, file.len),
                     DI_RENDER_TOO_LARGE_PROFILE);
    free(data);
    free(file.bytes);
}

static void a_profile_over_the_jobs_limit_is_refused_inflated(void **state)
{
    di_job_t job = {.format = DI_FORMAT_PNG,
                    .limits = {.max_bytes = FILE_ROOM,
                               .max_pixels = 10000,
                               .max_side_px = 1000,
                               .max_frames = 1,
                               .max_scans = 1,
                               .max_profile_bytes = 20000}};
    di_blob_t file = file_of(&plain);
    di_scale_t scale = {plain.width, plain.height, 8};
    di_source_t source;
    di_raster_t out;

    add_profile(&file, 20004);
    assert_int_equal(di_source_read(&source, &job, file.bytes, file.len),
                     DI_RENDER_OK);
    assert_int_equal(di_source_decode(&out, &source, &scale),
                     DI_RENDER_TOO_LARGE_PROFILE);
    assert_null(out.pixels);
    job.limits.max_profile_bytes = 20004;
    assert_int_equal(di_source_read(&source, &job, file.bytes, file.len),
                     DI_RENDER_OK);
    assert_int_equal(di_source_decode(&out, &source, &scale), DI_RENDER_OK);
    di_raster_free(&out);
    free(file.bytes);
}

static void a_side_beyond_the_limit_is_refused(void **state)
{
    di_blob_t file = file_of(&plain);
    unsigned char *ihdr = file.bytes + 12;

    put32(ihdr + 4, DI_SIDE_MAX_PX + 1);
    put32(ihdr + 17, crc32(0, ihdr, 17));
    assert_int_equal(decode_status(&file, file.len), DI_RENDER_BROKEN);
    free(file.bytes);
}

static void assert_same_picture(const di_raster_t *a, const di_raster_t *b)
{
    unsigned char one[4], other[4];
    unsigned x, y;

    assert_int_equal(a->width_px, b->width_px);
    assert_int_equal(a->height_px, b->height_px);
    for (y = 0; y < a->height_px; y++) {
        for (x = 0; x < a->width_px; x++) {
            pixel_of(one, a, x, y);
            pixel_of(other, b, x, y);
            if (memcmp(one, other, 4)) {
                fail_msg("pixel %u,%u of %ux%u, samples %d", x, y, a->width_px,
                         a->height_px, (int)a->samples);
            }
        }
    }
}

/* What a picture's samples are like; the seed changes them. */
typedef enum { NOISE, RAMPS, FLAT, CONTENTS } content_e;

static void fill(di_raster_t *picture, content_e content, unsigned seed)
{
    size_t i, count = picture->row_bytes * picture->height_px;

    for (i = 0; i < count; i++) {
        unsigned mixed = (unsigned)(i + 1) * 2654435761u + seed * 40503u;

        picture->pixels[i] = content == NOISE ? (unsigned char)(mixed >> 13)
                             : content == RAMPS
                                 ? (unsigned char)(i / 7 % picture->row_bytes)
                                 : (unsigned char)(mixed >> 31 ? 17 : 200);
    }
}

static void check_round_trip(const di_raster_t *picture, const di_encode_t *how)
{
    di_blob_t file, again;
    di_raster_t back;

    assert_int_equal(di_png_encode(&file, picture, how), DI_RENDER_OK);
    assert_int_equal(di_png_check(&back, &file), DI_RENDER_OK);
    assert_same_picture(picture, &back);
    assert_int_equal(di_png_encode(&again, picture, how), DI_RENDER_OK);
    assert_int_equal(file.len, again.len);
    assert_memory_equal(file.bytes, again.bytes, file.len);
    di_raster_free(&back);
    free(file.bytes);
    free(again.bytes);
}

static void what_is_encoded_decodes_to_the_same_samples(void **state)
{
    static const unsigned sizes[][2] = {{1, 1},   {3, 2},   {17, 9}, {300, 1},
                                        {1, 300}, {64, 64}, {8, 5}};
    int samples, content, fast;
    size_t i;

    for (samples = DI_GREY; samples <= DI_RGBA; samples++) {
        for (content = NOISE; content < CONTENTS; content++) {
            for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                di_raster_t picture;
                di_encode_t how;

                memset(&how, 0, sizeof(how));
                assert_true(di_raster_make(&picture, sizes[i][0], sizes[i][1],
                                           (di_samples_e)samples));
                fill(&picture, (content_e)content, (unsigned)i);
                for (fast = 0; fast <= 1; fast++) {
                    how.fast = fast;
                    check_round_trip(&picture, &how);
                }
                di_raster_free(&picture);
            }
        }
    }
}

/* Only some of its rows are tried: the file must still have them all. */
static void a_large_picture_is_written_whole(void **state)
{
    static const unsigned sizes[][2] = {{700, 301}, {301, 700}, {65500, 3}};
    di_raster_t picture;
    di_encode_t how;
    size_t i;

    memset(&how, 0, sizeof(how));
    how.fast = 1;
    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        assert_true(di_raster_make(&picture, sizes[i][0], sizes[i][1], DI_RGB));
        fill(&picture, RAMPS, 1);
        check_round_trip(&picture, &how);
        di_raster_free(&picture);
    }
}

/* A picture of that many colours, the last few of them transparent. */
static void fill_colors(di_raster_t *picture, unsigned count,
                        unsigned transparent)
{
    size_t i, pixels = (size_t)picture->width_px * picture->height_px;
    unsigned seed = 12345;

    for (i = 0; i < pixels; i++) {
        unsigned color = i < count ? (unsigned)i : (seed >> 16) % count;
        unsigned char *p = picture->pixels + 4 * i;

        seed = seed * 1664525 + 1013904223;
        p[0] = (unsigned char)(color * 37);
        p[1] = (unsigned char)(color >> 8);
        p[2] = 99;
        p[3] = color + transparent >= count ? 128 : 255;
    }
}

static const struct {
    unsigned colors, transparent;
    int color_type, depth; /* 0: either */
} palettes[] = {
    {1, 0, PNG_COLOR_TYPE_PALETTE, 1},  {2, 1, PNG_COLOR_TYPE_PALETTE, 1},
    {3, 2, PNG_COLOR_TYPE_PALETTE, 2},  {16, 5, PNG_COLOR_TYPE_PALETTE, 4},
    {17, 3, PNG_COLOR_TYPE_PALETTE, 8}, {256, 9, PNG_COLOR_TYPE_PALETTE, 8},
    {257, 0, PNG_COLOR_TYPE_RGB, 8},    {257, 1, PNG_COLOR_TYPE_RGBA, 8},
};

static void few_colors_become_a_palette_with_a_short_trns(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(palettes) / sizeof(*palettes); i++) {
        di_raster_t picture;
        di_encode_t how;
        di_blob_t file;

        memset(&how, 0, sizeof(how));
        assert_true(di_raster_make(&picture, 200, 200, DI_RGBA));
        fill_colors(&picture, palettes[i].colors, palettes[i].transparent);
        check_round_trip(&picture, &how);
        assert_int_equal(di_png_encode(&file, &picture, &how), DI_RENDER_OK);
        assert_int_equal(file.bytes[24], palettes[i].depth);
        assert_int_equal(file.bytes[25], palettes[i].color_type);
        if (palettes[i].color_type == PNG_COLOR_TYPE_PALETTE) {
            assert_int_equal(chunk_len(&file, "PLTE"), 3 * palettes[i].colors);
            if (palettes[i].transparent) {
                assert_int_equal(chunk_len(&file, "tRNS"),
                                 palettes[i].transparent);
            }
        }
        free(file.bytes);
        di_raster_free(&picture);
    }
}

static void a_palette_that_is_asked_for_must_hold_all_colors(void **state)
{
    di_raster_t picture;
    di_encode_t how;
    di_blob_t file;

    memset(&how, 0, sizeof(how));
    assert_true(di_raster_make(&picture, 60, 60, DI_RGBA));
    fill_colors(&picture, 17, 0);
    how.colors = 16;
    assert_int_equal(di_png_encode(&file, &picture, &how), DI_RENDER_NO_FORMAT);
    how.colors = 17;
    check_round_trip(&picture, &how);
    fill_colors(&picture, 257, 0);
    how.colors = 256;
    assert_int_equal(di_png_encode(&file, &picture, &how), DI_RENDER_NO_FORMAT);
    di_raster_free(&picture);
}

/* Nothing but what shows the picture. */
static void a_file_holds_no_other_chunks(void **state)
{
    di_raster_t picture;
    di_encode_t how;
    di_blob_t file;

    memset(&how, 0, sizeof(how));
    assert_true(di_raster_make(&picture, 60, 60, DI_RGB));
    fill(&picture, RAMPS, 1);
    assert_int_equal(di_png_encode(&file, &picture, &how), DI_RENDER_OK);
    assert_int_equal(chunk_at(&file, "IDAT"), IHDR_END);
    assert_int_equal(IHDR_END + 12 + chunk_len(&file, "IDAT") + 12, file.len);
    free(file.bytes);
    di_raster_free(&picture);
}

/* In place of zlib's. */
static const char *told_version = ZLIB_VERSION;

const char *zlibVersion(void)
{
    return told_version;
}

static void another_zlib_is_another_version(void **state)
{
    static const char *const others[] = {"1.2.11", "1.3", "1.3.1.zlib-ng"};
    unsigned before = di_png_version(), i;

    assert_int_equal(di_png_version(), before);
    for (i = 0; i < 3; i++) {
        told_version = others[i];
        assert_int_not_equal(di_png_version(), before);
    }
    told_version = ZLIB_VERSION;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(every_type_depth_and_interlace_decodes_exactly),
        UNIT(colors_are_told_by_the_chunk_that_counts_most),
        UNIT(a_file_cut_anywhere_is_broken),
        UNIT(a_wrong_byte_in_a_critical_chunk_is_broken),
        UNIT(a_wrong_checksum_elsewhere_only_drops_that_chunk),
        UNIT(nothing_is_written_to_standard_error),
        UNIT(a_profile_that_inflates_a_hundredfold_is_not_inflated),
        UNIT(a_profile_over_the_limit_is_not_left_out),
        UNIT(a_profile_chunk_over_the_limit_is_no_damage),
        UNIT(a_profile_over_the_jobs_limit_is_refused_inflated),
        UNIT(a_side_beyond_the_limit_is_refused),
        UNIT(what_is_encoded_decodes_to_the_same_samples),
        UNIT(a_large_picture_is_written_whole),
        UNIT(few_colors_become_a_palette_with_a_short_trns),
        UNIT(a_palette_that_is_asked_for_must_hold_all_colors),
        UNIT(a_file_holds_no_other_chunks),
        UNIT(another_zlib_is_another_version),
    };

    return UNIT_RUN(tests);
}
