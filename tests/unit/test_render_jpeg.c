/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jpeglib.h>

#include "render/render_jpeg.h"

/* ---- JPEG files made by the library itself ---- */

typedef struct {
    unsigned width, height;
    int components;     /* 1..4 */
    J_COLOR_SPACE in;   /* of the samples */
    J_COLOR_SPACE file; /* JCS_UNKNOWN: the library's choice */
    int subsampled;     /* 4:2:0 */
    int progressive;
    int arithmetic;
    unsigned restart_mcu; /* interval of restart markers; 0: none */
    int without_adobe;
    unsigned icc_bytes; /* of filler as a profile */
} made_t;

/* Smooth ramps, each component its own; never near 0 or 255, so that nothing
   is clipped. */
static unsigned char sample_at(const made_t *m, unsigned x, unsigned y, int c)
{
    unsigned across = x * 150 / m->width, down = y * 150 / m->height;

    switch (c) {
    case 0:
        return (unsigned char)(50 + across);
    case 1:
        return (unsigned char)(200 - down);
    case 2:
        return (unsigned char)(60 + (across + down) / 2);
    default:
        return (unsigned char)(190 - across);
    }
}

static void write_samples(struct jpeg_compress_struct *info, const made_t *m)
{
    unsigned char row[4 * 1024];
    JSAMPROW rows[1] = {row};
    unsigned x, y;
    int c;

    for (y = 0; y < m->height; y++) {
        for (x = 0; x < m->width; x++) {
            for (c = 0; c < m->components; c++) {
                row[x * (unsigned)m->components + (unsigned)c] =
                    sample_at(m, x, y, c);
            }
        }
        (void)jpeg_write_scanlines(info, rows, 1);
    }
}

static void set_up(struct jpeg_compress_struct *info, const made_t *m)
{
    info->image_width = m->width;
    info->image_height = m->height;
    info->input_components = m->components;
    info->in_color_space = m->in;
    jpeg_set_defaults(info);
    if (m->file != JCS_UNKNOWN) {
        jpeg_set_colorspace(info, m->file);
    }
    jpeg_set_quality(info, 95, TRUE);
    info->comp_info[0].h_samp_factor = m->subsampled ? 2 : 1;
    info->comp_info[0].v_samp_factor = m->subsampled ? 2 : 1;
    info->comp_info[m->components - 1].h_samp_factor =
        m->components == 4 || m->components == 1
            ? info->comp_info[0].h_samp_factor
            : 1;
    info->comp_info[m->components - 1].v_samp_factor =
        info->comp_info[m->components - 1].h_samp_factor;
    info->restart_interval = m->restart_mcu;
    info->arith_code = m->arithmetic;
    if (m->progressive) {
        jpeg_simple_progression(info);
    }
    if (m->without_adobe) {
        info->write_Adobe_marker = FALSE;
    }
}

static unsigned char *filler(unsigned len)
{
    unsigned char *bytes = malloc(len + 1);
    unsigned i;

    assert_non_null(bytes);
    for (i = 0; i < len; i++) {
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    }
    return bytes;
}

static di_blob_t make(const made_t *m)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL, *icc = filler(m->icc_bytes);
    unsigned long len = 0;
    di_blob_t out;

    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &len);
    set_up(&info, m);
    jpeg_start_compress(&info, TRUE);
    if (m->icc_bytes) {
        jpeg_write_icc_profile(&info, icc, m->icc_bytes);
    }
    write_samples(&info, m);
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    free(icc);
    out.bytes = bytes;
    out.len = len;
    return out;
}

static const made_t color = {
    .width = 203, .height = 151, .components = 3, .in = JCS_RGB};
static const made_t subsampled = {.width = 203,
                                  .height = 151,
                                  .components = 3,
                                  .in = JCS_RGB,
                                  .subsampled = 1};
static const made_t grey = {
    .width = 61, .height = 47, .components = 1, .in = JCS_GRAYSCALE};

/* Where a marker begins (its FF); fails when there is none. */
static apr_size_t marker_at(const di_blob_t *file, int marker)
{
    apr_size_t i;

    for (i = 0; i + 1 < file->len; i++) {
        if (file->bytes[i] == 0xFF && file->bytes[i + 1] == marker) {
            return i;
        }
    }
    fail_msg("no marker %02x", (unsigned)marker);
    return 0;
}

static int has_marker(const di_blob_t *file, int marker)
{
    apr_size_t i;

    for (i = 0; i + 1 < file->len; i++) {
        if (file->bytes[i] == 0xFF && file->bytes[i + 1] == marker) {
            return 1;
        }
    }
    return 0;
}

static di_render_status_e decode_status(const di_blob_t *file)
{
    di_decoded_t decoded;
    di_render_status_e status =
        di_jpeg_decode(&decoded, file->bytes, file->len, 8);

    if (status == DI_RENDER_OK) {
        di_decoded_free(&decoded);
    }
    else {
        assert_null(decoded.picture.pixels);
        assert_null(decoded.icc.bytes);
    }
    return status;
}

/* Largest difference from the samples that were written; inverted: 255 - . */
static int worst(const di_raster_t *picture, const made_t *m, int inverted)
{
    int most = 0, wanted, diff, c;
    unsigned x, y;

    assert_int_equal(picture->width_px, m->width);
    assert_int_equal(picture->height_px, m->height);
    assert_int_equal(picture->channels, m->components);
    for (y = 0; y < m->height; y++) {
        for (x = 0; x < m->width; x++) {
            for (c = 0; c < m->components; c++) {
                wanted = sample_at(m, x, y, c);
                wanted = inverted ? 255 - wanted : wanted;
                diff = di_raster_row(picture,
                                     y)[x * picture->channels + (unsigned)c] -
                       wanted;
                most = abs(diff) > most ? abs(diff) : most;
            }
        }
    }
    return most;
}

/* ---- decoding ---- */

static void an_eighth_has_the_size_rounded_up(void **state)
{
    static const unsigned sides[][2] = {{1, 1},   {7, 5},     {8, 8},
                                        {17, 9},  {203, 151}, {1, 700},
                                        {640, 3}, {16, 33}};
    unsigned i, eighths;
    made_t m = subsampled;

    for (i = 0; i < 2 * sizeof(sides) / sizeof(*sides); i++) {
        di_blob_t file;

        m.width = sides[i / 2][0];
        m.height = sides[i / 2][1];
        m.subsampled = i % 2;
        file = make(&m);
        for (eighths = 1; eighths <= 8; eighths++) {
            di_decoded_t out;

            assert_int_equal(
                di_jpeg_decode(&out, file.bytes, file.len, eighths),
                DI_RENDER_OK);
            assert_int_equal(out.picture.width_px, (m.width * eighths + 7) / 8);
            assert_int_equal(out.picture.height_px,
                             (m.height * eighths + 7) / 8);
            assert_int_equal(out.picture.samples, DI_RGB);
            di_decoded_free(&out);
        }
        free(file.bytes);
    }
}

static void a_smaller_decode_shows_the_same_picture(void **state)
{
    di_blob_t file = make(&subsampled);
    unsigned eighths, x, y;

    for (eighths = 1; eighths < 8; eighths++) {
        di_decoded_t out;

        assert_int_equal(di_jpeg_decode(&out, file.bytes, file.len, eighths),
                         DI_RENDER_OK);
        for (y = 0; y + 1 < out.picture.height_px; y++) {
            for (x = 0; x + 1 < out.picture.width_px; x++) {
                int red = di_raster_row(&out.picture, y)[3 * x];
                int wanted =
                    sample_at(&subsampled, (x * 8 + 4) / eighths, y, 0);

                assert_in_range(red - wanted + 6, 0, 12);
            }
        }
        di_decoded_free(&out);
    }
    free(file.bytes);
}

typedef struct {
    made_t made;
    di_samples_e samples;
    int inverted;
    int tolerance;
} kind_t;

static void every_kind_of_file_yields_its_samples(void **state)
{
    static const kind_t kinds[] = {
        {{203, 151, 3, JCS_RGB, 0, 0, 0, 0, 0, 0, 0}, DI_RGB, 0, 6},
        {{203, 151, 3, JCS_RGB, 0, 1, 0, 0, 0, 0, 0}, DI_RGB, 0, 8},
        {{203, 151, 3, JCS_RGB, 0, 1, 1, 0, 0, 0, 0}, DI_RGB, 0, 8},
        {{203, 151, 3, JCS_RGB, 0, 1, 0, 0, 3, 0, 0}, DI_RGB, 0, 8},
        {{203, 151, 3, JCS_RGB, JCS_RGB, 0, 0, 0, 0, 0, 0}, DI_RGB, 0, 6},
        {{61, 47, 1, JCS_GRAYSCALE, 0, 0, 0, 0, 0, 0, 0}, DI_GREY, 0, 4},
        {{61, 47, 1, JCS_GRAYSCALE, 0, 0, 1, 0, 0, 0, 0}, DI_GREY, 0, 4},
        /* Inks, with Adobe's marker and without, plain and as YCCK. */
        {{61, 47, 4, JCS_CMYK, JCS_CMYK, 0, 0, 0, 0, 0, 0}, DI_CMYK, 1, 6},
        {{61, 47, 4, JCS_CMYK, JCS_CMYK, 0, 0, 0, 0, 1, 0}, DI_CMYK, 1, 6},
        {{61, 47, 4, JCS_CMYK, JCS_YCCK, 0, 0, 0, 0, 0, 0}, DI_CMYK, 1, 6},
        {{61, 47, 4, JCS_CMYK, JCS_YCCK, 1, 1, 0, 0, 0, 0}, DI_CMYK, 1, 8},
    };
    unsigned i;

    for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        di_blob_t file = make(&kinds[i].made);
        di_decoded_t out;

        assert_int_equal(di_jpeg_decode(&out, file.bytes, file.len, 8),
                         DI_RENDER_OK);
        assert_int_equal(out.picture.samples, kinds[i].samples);
        assert_in_range(worst(&out.picture, &kinds[i].made, kinds[i].inverted),
                        0, kinds[i].tolerance);
        assert_null(out.icc.bytes);
        di_decoded_free(&out);
        free(file.bytes);
    }
}

static void a_profile_is_joined_from_its_parts(void **state)
{
    made_t m = color;
    unsigned char *wanted = filler(70000);
    unsigned i;

    for (i = 0; i < 2; i++) {
        di_blob_t file;
        di_decoded_t out;

        m.icc_bytes = i ? 70000 : 300; /* two parts, one part */
        file = make(&m);
        assert_int_equal(di_jpeg_decode(&out, file.bytes, file.len, 2),
                         DI_RENDER_OK);
        assert_int_equal(out.icc.len, m.icc_bytes);
        assert_memory_equal(out.icc.bytes, wanted, out.icc.len);
        di_decoded_free(&out);
        free(file.bytes);
    }
    free(wanted);
}

static void a_profile_with_a_part_missing_is_none(void **state)
{
    made_t m = color;
    di_decoded_t out;
    di_blob_t file;

    m.icc_bytes = 70000;
    file = make(&m);
    /* "part 1 of 2" becomes "part 3 of 2" */
    file.bytes[marker_at(&file, 0xE2) + 16] = 3;
    assert_int_equal(di_jpeg_decode(&out, file.bytes, file.len, 8),
                     DI_RENDER_OK);
    assert_null(out.icc.bytes);
    assert_int_equal(out.icc.len, 0);
    di_decoded_free(&out);
    free(file.bytes);
}

typedef struct {
    const char *parts;    /* "12" is part 1 of 2; in the order of the file */
    const char *expected; /* which of them are the profile, from 0 */
} parts_case_t;

/* Part i of a file holds i + 1 times the letter 'a' + i. */
static const parts_case_t parts_cases[] = {
    {"11", "0"},
    {"12 22", "01"},
    {"22 12", "10"},
    {"11 11", "0"},
    {"12 22 12 22", "01"},
    {"12 22 11", "01"},
    {"11 12 22", "0"},
    {"12 11", "1"},
    {"12 12 22", "12"},
    {"12 13 23 33", "123"},
    {"12", ""},
    {"22 22", ""},
    {"01 11", "1"},
    {"21 11", "1"},
    {"12 21 22", "02"},
    {"00", ""},
};

static apr_size_t put_part(unsigned char *to, const char *digits, unsigned i)
{
    unsigned len = 2 + 14 + i + 1;

    to[0] = 0xFF;
    to[1] = 0xE2;
    to[2] = (unsigned char)(len >> 8);
    to[3] = (unsigned char)len;
    memcpy(to + 4, "ICC_PROFILE", 12);
    to[16] = (unsigned char)(digits[0] - '0');
    to[17] = (unsigned char)(digits[1] - '0');
    memset(to + 18, 'a' + (int)i, i + 1);
    return len + 2;
}

static void check_parts(const di_blob_t *plain, const parts_case_t *c)
{
    unsigned char *file = malloc(plain->len + 1000);
    unsigned char expected[100];
    apr_size_t at = 2, len = 0;
    di_decoded_t out;
    const char *part;
    unsigned i = 0;

    assert_non_null(file);
    memcpy(file, plain->bytes, 2);
    for (part = c->parts; *part; part += part[2] ? 3 : 2) {
        at += put_part(file + at, part, i++);
    }
    memcpy(file + at, plain->bytes + 2, plain->len - 2);
    for (part = c->expected; *part; part++) {
        i = (unsigned)(*part - '0');
        memset(expected + len, 'a' + (int)i, i + 1);
        len += i + 1;
    }
    assert_int_equal(di_jpeg_decode(&out, file, at + plain->len - 2, 8),
                     DI_RENDER_OK);
    if (out.icc.len != len || (len && memcmp(out.icc.bytes, expected, len))) {
        fail_msg("%s: %zu bytes, not %zu", c->parts, (size_t)out.icc.len,
                 (size_t)len);
    }
    di_decoded_free(&out);
    free(file);
}

static void of_several_profiles_the_first_whole_one_counts(void **state)
{
    di_blob_t plain = make(&grey);
    unsigned i;

    for (i = 0; i < sizeof(parts_cases) / sizeof(*parts_cases); i++) {
        check_parts(&plain, &parts_cases[i]);
    }
    free(plain.bytes);
}

/* ---- damage ---- */

static void cut_in_half(di_blob_t *file)
{
    file->len /= 2;
}

static void cut_end_marker(di_blob_t *file)
{
    file->len -= 2;
}

static void blank_middle(di_blob_t *file)
{
    memset(file->bytes + file->len / 2, 0, file->len / 4);
}

static void lose_restart(di_blob_t *file)
{
    file->bytes[marker_at(file, 0xD1) + 1] = 0xD5;
}

static void lose_table(di_blob_t *file)
{
    file->bytes[marker_at(file, 0xDB) + 1] = 0xEF;
}

static void keep_nothing(di_blob_t *file)
{
    file->len = 0;
}

static void keep_a_header(di_blob_t *file)
{
    file->len = 20;
}

static void lose_start(di_blob_t *file)
{
    file->bytes[0] = 'x';
}

static void bytes_at(di_blob_t *file, apr_size_t at)
{
    file->bytes = realloc(file->bytes, file->len + 5);
    assert_non_null(file->bytes);
    memmove(file->bytes + at + 5, file->bytes + at, file->len - at);
    memcpy(file->bytes + at, "12345", 5);
    file->len += 5;
}

static void garbage_before_table(di_blob_t *file)
{
    bytes_at(file, marker_at(file, 0xDB));
}

static void garbage_before_end(di_blob_t *file)
{
    bytes_at(file, file->len - 2);
}

static void garbage_behind(di_blob_t *file)
{
    bytes_at(file, file->len);
}

static void newer_jfif(di_blob_t *file)
{
    file->bytes[marker_at(file, 0xE0) + 9] = 9;
}

static void twelve_bits(di_blob_t *file)
{
    file->bytes[marker_at(file, 0xC0) + 4] = 12;
}

static void lossless(di_blob_t *file)
{
    file->bytes[marker_at(file, 0xC0) + 1] = 0xC3;
}

static void nothing(di_blob_t *file)
{
}

typedef struct {
    const char *name;
    void (*change)(di_blob_t *file);
    made_t made;
    di_render_status_e status;
} change_t;

#define PLAIN                                                                  \
    {                                                                          \
        203, 151, 3, JCS_RGB, 0, 1, 0, 0, 0, 0, 0                              \
    }
#define SCANS                                                                  \
    {                                                                          \
        203, 151, 3, JCS_RGB, 0, 1, 1, 0, 0, 0, 0                              \
    }
#define RESTARTS                                                               \
    {                                                                          \
        203, 151, 3, JCS_RGB, 0, 1, 0, 0, 3, 0, 0                              \
    }

static const change_t changes[] = {
    {"whole", nothing, PLAIN, DI_RENDER_OK},
    {"cut in half", cut_in_half, PLAIN, DI_RENDER_BROKEN},
    {"scans cut in half", cut_in_half, SCANS, DI_RENDER_BROKEN},
    {"no end marker", cut_end_marker, PLAIN, DI_RENDER_BROKEN},
    {"zeros", blank_middle, PLAIN, DI_RENDER_BROKEN},
    {"restart marker lost", lose_restart, RESTARTS, DI_RENDER_BROKEN},
    {"quantisation table lost", lose_table, PLAIN, DI_RENDER_BROKEN},
    {"empty", keep_nothing, PLAIN, DI_RENDER_BROKEN},
    {"header alone", keep_a_header, PLAIN, DI_RENDER_BROKEN},
    {"no start marker", lose_start, PLAIN, DI_RENDER_BROKEN},
    {"bytes before a table", garbage_before_table, PLAIN, DI_RENDER_OK},
    {"bytes before the end", garbage_before_end, PLAIN, DI_RENDER_OK},
    {"bytes behind the end", garbage_behind, PLAIN, DI_RENDER_OK},
    {"newer JFIF", newer_jfif, PLAIN, DI_RENDER_OK},
    {"12 bits", twelve_bits, PLAIN, DI_RENDER_UNSUPPORTED},
    {"lossless", lossless, PLAIN, DI_RENDER_UNSUPPORTED},
    {"arithmetic",
     nothing,
     {203, 151, 3, JCS_RGB, 0, 1, 0, 1, 0, 0, 0},
     DI_RENDER_UNSUPPORTED},
    {"two components",
     nothing,
     {203, 151, 2, JCS_UNKNOWN, 0, 0, 0, 0, 0, 0, 0},
     DI_RENDER_UNSUPPORTED},
};

static void damage_is_told_from_what_is_harmless(void **state)
{
    unsigned i;

    for (i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        di_blob_t file = make(&changes[i].made);
        di_render_status_e status;

        changes[i].change(&file);
        status = decode_status(&file);
        if (status != changes[i].status) {
            fail_msg("%s: %d instead of %d", changes[i].name, status,
                     changes[i].status);
        }
        free(file.bytes);
    }
}

/* Every cut of a small file: an answer each time, and never a picture. */
static void no_cut_file_yields_a_picture(void **state)
{
    made_t m = subsampled;
    unsigned scans;

    m.width = m.height = 24;
    m.icc_bytes = 100;
    for (scans = 0; scans < 2; scans++) {
        di_blob_t file, cut;

        m.progressive = (int)scans;
        file = make(&m);
        cut = file;
        for (cut.len = 0; cut.len < file.len; cut.len++) {
            /* A copy without anything behind it, for the sanitizer. */
            di_blob_t copy = {malloc(cut.len + 1), cut.len};

            memcpy(copy.bytes, file.bytes, cut.len);
            assert_int_equal(decode_status(&copy), DI_RENDER_BROKEN);
            free(copy.bytes);
        }
        free(file.bytes);
    }
}

static void nothing_is_printed(void **state)
{
    int saved = dup(2), sink = memfd_create("stderr", 0);
    struct stat stat;
    unsigned i;

    assert_true(saved >= 0 && sink >= 0 && dup2(sink, 2) == 2);
    for (i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        di_blob_t file = make(&changes[i].made);

        changes[i].change(&file);
        (void)decode_status(&file);
        free(file.bytes);
    }
    (void)fflush(stderr);
    assert_int_equal(dup2(saved, 2), 2);
    assert_int_equal(fstat(sink, &stat), 0);
    assert_int_equal(stat.st_size, 0);
    close(sink);
    close(saved);
}

/* ---- memory ---- */

static void a_limit_of_the_environment_changes_nothing(void **state)
{
    made_t m = subsampled;
    di_blob_t file;

    m.progressive = 1;
    file = make(&m);
    assert_int_equal(setenv("JPEGMEM", "1", 1), 0);
    assert_int_equal(decode_status(&file), DI_RENDER_OK);
    assert_int_equal(unsetenv("JPEGMEM"), 0);
    free(file.bytes);
}

#ifndef __SANITIZE_ADDRESS__

/* Leave this process some memory more than it has. */
static void limit_memory(rlim_t more_bytes)
{
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%lu", &pages) != 1) {
        _exit(101);
    }
    fclose(file);
    limit.rlim_cur = limit.rlim_max =
        (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more_bytes;
    if (setrlimit(RLIMIT_AS, &limit)) {
        _exit(102);
    }
}

static int in_child(int (*run)(void))
{
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (!pid) {
        _exit(run());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int decode_huge(int progressive)
{
    made_t m = subsampled;
    di_decoded_t out;
    di_blob_t file;
    apr_size_t at;

    m.progressive = progressive;
    file = make(&m);
    at = marker_at(&file, progressive ? 0xC2 : 0xC0);
    memcpy(file.bytes + at + 5, "\x60\x00\x60\x00", 4); /* 24576 px a side */
    limit_memory(64 << 20);
    return (int)di_jpeg_decode(&out, file.bytes, file.len, 8);
}

static int decode_huge_baseline(void)
{
    return decode_huge(0);
}

static int decode_huge_progressive(void)
{
    return decode_huge(1);
}

static int encode_large(void)
{
    static const di_encode_t how = {
        .quality = 90, .progressive = 1, .chroma = DI_CHROMA_444};
    di_raster_t picture;
    di_blob_t out;

    if (!di_raster_make(&picture, 4000, 4000, DI_RGB)) {
        return 103;
    }
    memset(picture.pixels, 99, picture.row_bytes * picture.height_px);
    limit_memory(8 << 20);
    return (int)di_jpeg_encode(&out, &picture, &how);
}

static void short_memory_is_told(void **state)
{
    assert_int_equal(in_child(decode_huge_baseline), DI_RENDER_NO_MEMORY);
    assert_int_equal(in_child(decode_huge_progressive), DI_RENDER_NO_MEMORY);
    assert_int_equal(in_child(encode_large), DI_RENDER_NO_MEMORY);
}

#endif

/* ---- encoding ---- */

static void draw(di_raster_t *picture, unsigned width, unsigned height,
                 di_samples_e samples)
{
    made_t m = color;
    unsigned x, y, c;

    m.width = width;
    m.height = height;
    assert_int_equal(di_raster_make(picture, width, height, samples), 1);
    for (y = 0; y < height; y++) {
        for (x = 0; x < width; x++) {
            for (c = 0; c < picture->channels; c++) {
                di_raster_row(picture, y)[x * picture->channels + c] =
                    sample_at(&m, x, y, (int)c);
            }
        }
    }
}

static di_blob_t encoded(const di_raster_t *picture, const di_encode_t *how)
{
    di_blob_t out = {NULL, 0};

    assert_int_equal(di_jpeg_encode(&out, picture, how), DI_RENDER_OK);
    assert_non_null(out.bytes);
    return out;
}

static void the_same_arguments_yield_the_same_bytes(void **state)
{
    static const di_encode_t how = {
        .quality = 60, .progressive = 1, .chroma = DI_CHROMA_420};
    di_raster_t picture;
    di_blob_t a, b;

    draw(&picture, 203, 151, DI_RGB);
    a = encoded(&picture, &how);
    b = encoded(&picture, &how);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.bytes, b.bytes, a.len);
    free(a.bytes);
    free(b.bytes);
    di_raster_free(&picture);
}

typedef struct {
    di_encode_t how;
    di_samples_e samples;
    int frame;       /* marker of the frame's header */
    int sampling[3]; /* factors of its components */
} layout_t;

static void a_file_is_laid_out_as_asked(void **state)
{
    static const layout_t layouts[] = {
        {{50, 0, 0, DI_CHROMA_420, 0, 0}, DI_RGB, 0xC0, {0x22, 0x11, 0x11}},
        {{50, 0, 0, DI_CHROMA_422, 0, 0}, DI_RGB, 0xC0, {0x21, 0x11, 0x11}},
        {{50, 0, 0, DI_CHROMA_444, 0, 0}, DI_RGB, 0xC0, {0x11, 0x11, 0x11}},
        {{50, 0, 1, DI_CHROMA_420, 0, 0}, DI_RGB, 0xC2, {0x22, 0x11, 0x11}},
        {{50, 0, 1, DI_CHROMA_420, 0, 1}, DI_RGB, 0xC0, {0x22, 0x11, 0x11}},
        {{50, 0, 0, DI_CHROMA_420, 0, 0}, DI_GREY, 0xC0, {0x11, 0, 0}},
        {{50, 0, 1, DI_CHROMA_420, 0, 0}, DI_GREY, 0xC2, {0x11, 0, 0}},
        {{1, 0, 0, DI_CHROMA_420, 0, 0}, DI_RGB, 0xC0, {0x22, 0x11, 0x11}},
    };
    unsigned i, c;

    for (i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        const layout_t *l = &layouts[i];
        di_raster_t picture;
        di_blob_t file;
        const unsigned char *frame;

        draw(&picture, 37, 21, l->samples);
        file = encoded(&picture, &l->how);
        frame = file.bytes + marker_at(&file, l->frame);
        assert_int_equal(frame[9], picture.channels);
        for (c = 0; c < picture.channels; c++) {
            assert_int_equal(frame[11 + 3 * c], l->sampling[c]);
        }
        /* JFIF comes first, without a density, and nothing else beside. */
        assert_memory_equal(file.bytes + 2, "\xFF\xE0\0\x10JFIF\0\1\1\0", 12);
        assert_false(has_marker(&file, 0xE1) || has_marker(&file, 0xFE));
        free(file.bytes);
        di_raster_free(&picture);
    }
}

static void haste_and_scans_change_no_pixel(void **state)
{
    static const di_encode_t hows[] = {
        {40, 0, 0, DI_CHROMA_420, 0, 0},
        {40, 0, 1, DI_CHROMA_420, 0, 0},
        {40, 0, 0, DI_CHROMA_420, 0, 1},
    };
    di_decoded_t first = {.gamma_e5 = 0}, other;
    di_raster_t picture;
    unsigned i;

    draw(&picture, 203, 151, DI_RGB);
    for (i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
        di_blob_t file = encoded(&picture, &hows[i]);

        assert_int_equal(di_jpeg_decode(&other, file.bytes, file.len, 8),
                         DI_RENDER_OK);
        if (i) {
            assert_memory_equal(first.picture.pixels, other.picture.pixels,
                                picture.row_bytes * picture.height_px);
            di_decoded_free(&other);
        }
        else {
            first = other;
        }
        free(file.bytes);
    }
    di_decoded_free(&first);
    di_raster_free(&picture);
}

static void more_quality_is_more_alike_and_more_bytes(void **state)
{
    static const int qualities[] = {1, 10, 30, 50, 70, 90, 100};
    apr_uint64_t error, before = APR_UINT64_MAX;
    apr_size_t bytes = 0;
    di_raster_t picture;
    unsigned i, k;

    draw(&picture, 203, 151, DI_RGB);
    for (i = 0; i < sizeof(qualities) / sizeof(*qualities); i++) {
        di_encode_t how = {.quality = qualities[i], .chroma = DI_CHROMA_444};
        di_blob_t file = encoded(&picture, &how);
        di_decoded_t out;

        assert_int_equal(di_jpeg_decode(&out, file.bytes, file.len, 8),
                         DI_RENDER_OK);
        for (error = 0, k = 0; k < picture.row_bytes * picture.height_px; k++) {
            int diff = picture.pixels[k] - out.picture.pixels[k];

            error += (apr_uint64_t)(diff * diff);
        }
        assert_true(error < before && file.len > bytes);
        before = error;
        bytes = file.len;
        di_decoded_free(&out);
        free(file.bytes);
    }
    di_raster_free(&picture);
}

static void what_jpeg_cannot_hold_is_refused(void **state)
{
    static const di_encode_t how = {.quality = 50, .chroma = DI_CHROMA_420};
    static const di_samples_e samples[] = {DI_GREY_ALPHA, DI_RGBA, DI_CMYK};
    di_blob_t out = {NULL, 0};
    di_raster_t picture;
    unsigned i;

    for (i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        draw(&picture, 8, 8, samples[i]);
        assert_int_equal(di_jpeg_encode(&out, &picture, &how),
                         DI_RENDER_NO_FORMAT);
        di_raster_free(&picture);
    }
    draw(&picture, 65501, 1, DI_GREY);
    assert_int_equal(di_jpeg_encode(&out, &picture, &how), DI_RENDER_NO_FORMAT);
    di_raster_free(&picture);
    assert_null(out.bytes);
}

static void noise_outgrows_the_first_guess_of_its_size(void **state)
{
    static const di_encode_t how = {.quality = 100, .chroma = DI_CHROMA_444};
    di_raster_t picture;
    unsigned i, seed = 1;
    di_blob_t file;

    draw(&picture, 256, 256, DI_RGB);
    for (i = 0; i < picture.row_bytes * picture.height_px; i++) {
        seed = seed * 1103515245u + 12345u;
        picture.pixels[i] = (unsigned char)(seed >> 16);
    }
    file = encoded(&picture, &how);
    assert_true(file.len > 4 * (4096 + 256 * 256 / 8));
    assert_int_equal(decode_status(&file), DI_RENDER_OK);
    free(file.bytes);
    di_raster_free(&picture);
}

/* ---- checking ---- */

static void a_check_sees_the_luma(void **state)
{
    static const di_encode_t how = {
        .quality = 80, .progressive = 1, .chroma = DI_CHROMA_444};
    di_raster_t picture, luma;
    di_decoded_t out;
    di_blob_t file;
    unsigned i;

    draw(&picture, 203, 151, DI_RGB);
    file = encoded(&picture, &how);
    assert_int_equal(di_jpeg_check(&luma, &file), DI_RENDER_OK);
    assert_int_equal(di_jpeg_decode(&out, file.bytes, file.len, 8),
                     DI_RENDER_OK);
    assert_int_equal(luma.samples, DI_GREY);
    assert_int_equal(luma.width_px, 203);
    assert_int_equal(luma.height_px, 151);
    for (i = 0; i < 203 * 151; i++) {
        const unsigned char *rgb = out.picture.pixels + 3 * i;
        int y = (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000;

        assert_in_range(luma.pixels[i] - y + 1, 0, 2);
    }
    di_raster_free(&luma);
    di_decoded_free(&out);
    free(file.bytes);
    di_raster_free(&picture);
}

static void a_check_of_grey_is_the_picture(void **state)
{
    di_blob_t file = make(&grey);
    di_raster_t luma;

    assert_int_equal(di_jpeg_check(&luma, &file), DI_RENDER_OK);
    assert_in_range(worst(&luma, &grey, 0), 0, 4);
    di_raster_free(&luma);
    file.len /= 2;
    assert_int_equal(di_jpeg_check(&luma, &file), DI_RENDER_BROKEN);
    assert_null(luma.pixels);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(an_eighth_has_the_size_rounded_up),
        UNIT(a_smaller_decode_shows_the_same_picture),
        UNIT(every_kind_of_file_yields_its_samples),
        UNIT(a_profile_is_joined_from_its_parts),
        UNIT(a_profile_with_a_part_missing_is_none),
        UNIT(of_several_profiles_the_first_whole_one_counts),
        UNIT(damage_is_told_from_what_is_harmless),
        UNIT(no_cut_file_yields_a_picture),
        UNIT(nothing_is_printed),
        UNIT(a_limit_of_the_environment_changes_nothing),
#ifndef __SANITIZE_ADDRESS__
        UNIT(short_memory_is_told),
#endif
        UNIT(the_same_arguments_yield_the_same_bytes),
        UNIT(a_file_is_laid_out_as_asked),
        UNIT(haste_and_scans_change_no_pixel),
        UNIT(more_quality_is_more_alike_and_more_bytes),
        UNIT(what_jpeg_cannot_hold_is_refused),
        UNIT(noise_outgrows_the_first_guess_of_its_size),
        UNIT(a_check_sees_the_luma),
        UNIT(a_check_of_grey_is_the_picture),
    };

    return UNIT_RUN(tests);
}
