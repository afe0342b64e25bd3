/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#include "pictures.h"
#include "render/density.h"
#include "render/header.h"
#include "render/render_gm.h"

static const di_job_t plain = {.quality = 60,
                               .progressive = 1,
                               .max_pixels = 50000000,
                               .max_bytes = 50000000,
                               .time_limit_ms = 10000};

/* Render and take the output into the pool. */
static picture_t render(di_result_t *result, const di_job_t *job,
                        const picture_t *picture, apr_pool_t *p)
{
    picture_t out = {NULL, 0};
    unsigned char *bytes;

    di_gm_render(result, &bytes, job, picture->bytes, picture->len);
    if (result->status == DI_RENDER_OK) {
        assert_non_null(bytes);
        out.len = (apr_size_t)result->bytes;
        out.bytes = apr_pmemdup(p, bytes, out.len);
    }
    else {
        assert_null(bytes);
        assert_int_equal(result->bytes, 0);
    }
    free(bytes);
    return out;
}

static picture_t render_ok(di_result_t *result, const di_job_t *job,
                           const picture_t *picture, apr_pool_t *p)
{
    picture_t out = render(result, job, picture, p);

    assert_int_equal(result->status, DI_RENDER_OK);
    assert_int_equal(result->format, job->format);
    return out;
}

static di_exif_t exif_of(const picture_t *jpeg)
{
    di_header_t header;
    di_exif_t exif;

    assert_int_equal(
        di_header_read(&header, DI_FORMAT_JPEG, jpeg->bytes, jpeg->len),
        DI_RENDER_OK);
    di_exif_read(&exif, jpeg->bytes + header.exif.at, header.exif.len);
    return exif;
}

typedef struct {
    unsigned width, height, fit, out_width, out_height;
} size_case_t;

static const size_case_t sizes[] = {
    {200, 150, 0, 200, 150},  {200, 150, 200, 200, 150},
    {200, 150, 199, 100, 75}, {200, 150, 99, 75, 57},
    {200, 150, 74, 50, 38},   {200, 150, 49, 25, 19},
    {200, 150, 24, 24, 18},   {151, 203, 102, 76, 102},
    {151, 203, 101, 57, 77},  {151, 203, 50, 19, 26},
    {151, 203, 20, 15, 20},   {1000, 3, 130, 125, 1},
    {17, 9, 9, 9, 5},         {15, 9, 8, 8, 5},
    {5, 5, 2, 2, 2},          {640, 480, 239, 160, 120},
};

static void a_jpeg_gets_the_planned_size_and_keeps_its_layout(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        const size_case_t *c = &sizes[i];
        picture_t in =
            picture_make("JPEG", c->width, c->height, PICTURE_NOISE, *state);
        di_job_t job = plain;
        unsigned width, height;
        di_result_t result;
        picture_t out;
        di_exif_t exif;

        job.format = DI_FORMAT_JPEG;
        job.fit_px = c->fit;
        out = render_ok(&result, &job, &in, *state);
        assert_non_null(picture_pixels(&width, &height, "JPEG", out.bytes,
                                       out.len, *state));
        if (width != c->out_width || height != c->out_height) {
            fail_msg("%ux%u in %u: %ux%u", c->width, c->height, c->fit, width,
                     height);
        }
        assert_int_equal(result.width_px, width);
        assert_int_equal(result.height_px, height);
        assert_int_equal(result.source_width_px, c->width);
        assert_int_equal(result.source_height_px, c->height);
        exif = exif_of(&out);
        di_density_shown(&width, &height, &exif);
        assert_int_equal(width, c->width);
        assert_int_equal(height, c->height);
        assert_int_equal(exif.width_px,
                         c->width == c->out_width ? 0 : c->width);
    }
}

static picture_t with_orientation(const picture_t *jpeg, unsigned orientation,
                                  apr_pool_t *p)
{
    unsigned char exif[] = {0xFF, 0xE1, 0,   34,   'E', 'x', 'i', 'f', 0,
                            0,    'M',  'M', 0,    '*', 0,   0,   0,   8,
                            0,    1,    1,   0x12, 0,   3,   0,   0,   0,
                            1,    0,    0,   0,    0,   0,   0,   0,   0};

    exif[29] = (unsigned char)orientation;
    return picture_insert(jpeg, 2, exif, sizeof(exif), p);
}

/* Where red and green grow in the picture shown: 1 towards the right, 2 to
   the left, 3 down, 4 up. */
static int grows_to(const unsigned char *rgba, unsigned width, unsigned height,
                    int channel)
{
    size_t row = (height / 2) * (size_t)width * 4;
    int left = rgba[row + 8 + (size_t)channel];
    int right = rgba[row + (width - 3) * 4 + (size_t)channel];
    int top = rgba[2 * (size_t)width * 4 + width / 2 * 4 + (size_t)channel];
    int low = rgba[(height - 3) * (size_t)width * 4 + width / 2 * 4 +
                   (size_t)channel];

    if (abs(right - left) > abs(low - top)) {
        return right > left ? 1 : 2;
    }
    return low > top ? 3 : 4;
}

static void every_orientation_is_applied_and_then_gone(void **state)
{
    static const int red_to[9] = {0, 1, 2, 2, 1, 3, 3, 4, 4};
    static const int green_to[9] = {0, 3, 3, 4, 4, 1, 2, 2, 1};
    picture_t in = picture_make("JPEG", 160, 96, 0, *state);
    unsigned orientation, half;

    for (orientation = 1; orientation <= 8; orientation++) {
        picture_t turned = with_orientation(&in, orientation, *state);

        for (half = 0; half < 2; half++) {
            di_job_t job = plain;
            unsigned width, height, shown_width, shown_height;
            unsigned char *rgba;
            di_result_t result;
            picture_t out;
            di_exif_t exif;

            job.format = DI_FORMAT_JPEG;
            job.fit_px = half ? 80 : 0;
            out = render_ok(&result, &job, &turned, *state);
            rgba = picture_pixels(&width, &height, "JPEG", out.bytes, out.len,
                                  *state);
            assert_non_null(rgba);
            assert_int_equal(width, (orientation > 4 ? 96 : 160) >> half);
            assert_int_equal(grows_to(rgba, width, height, 0),
                             red_to[orientation]);
            assert_int_equal(grows_to(rgba, width, height, 1),
                             green_to[orientation]);
            exif = exif_of(&out);
            assert_int_equal(exif.orientation, 1);
            shown_width = width;
            shown_height = height;
            di_density_shown(&shown_width, &shown_height, &exif);
            assert_int_equal(shown_width, orientation > 4 ? 96 : 160);
            assert_int_equal(shown_height, orientation > 4 ? 160 : 96);
            assert_int_equal(result.source_width_px, shown_width);
        }
    }
}

static void the_density_of_an_original_is_kept(void **state)
{
    picture_t in = picture_make("JPEG", 160, 96, 0, *state);
    unsigned char block[DI_DENSITY_BYTES];
    di_job_t job = plain;
    apr_uint32_t width = 160, height = 96;
    di_result_t result;
    picture_t out;
    di_exif_t exif;

    di_density_block(block, 160, 96, 320, 192);
    in = picture_insert(&in, 2, block, sizeof(block), *state);
    job.format = DI_FORMAT_JPEG;
    out = render_ok(&result, &job, &in, *state);
    exif = exif_of(&out);
    di_density_shown(&width, &height, &exif);
    assert_int_equal(width, 320);
    assert_int_equal(height, 192);
}

typedef struct {
    const char *what;
    di_format_e format;
    const char *coder; /* PNG to say that it is a JPEG */
    unsigned flags;
    di_render_status_e status;
} refused_case_t;

static const refused_case_t refused[] = {
    {"CMYK", DI_FORMAT_JPEG, "JPEG", PICTURE_CMYK, DI_RENDER_UNSUPPORTED},
    {"PNG as JPEG", DI_FORMAT_JPEG, "PNG", 0, DI_RENDER_UNSUPPORTED},
    {"JPEG as PNG", DI_FORMAT_PNG, "JPEG", 0, DI_RENDER_UNSUPPORTED},
    {"BMP as GIF", DI_FORMAT_GIF, "BMP", 0, DI_RENDER_UNSUPPORTED},
    {"animation", DI_FORMAT_GIF, "GIF", PICTURE_FRAMES, DI_RENDER_ANIMATED},
    {"no format", DI_FORMAT_UNKNOWN, "GIF", 0, DI_RENDER_UNSUPPORTED},
};

/* Made before di_gm_start takes BMP away. */
static picture_t refused_pictures[sizeof(refused) / sizeof(*refused)];

static void what_must_be_passed_through_is_refused(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        di_job_t job = plain;
        di_result_t result;

        job.format = refused[i].format;
        (void)render(&result, &job, &refused_pictures[i], *state);
        if (result.status != refused[i].status) {
            fail_msg("%s: %u", refused[i].what, result.status);
        }
    }
}

static void text_vector_and_script_named_as_a_picture_are_refused(void **state)
{
    static const char *const texts[] = {
        "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" "
        "width=\"10\" height=\"10\"><image xlink:href=\"file:///etc/passwd\" "
        "width=\"10\" height=\"10\"/></svg>                            ",
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n    "
        "                                                                ",
        "push graphic-context\nviewbox 0 0 10 10\nimage over 0,0 0,0 "
        "'url:file:///etc/passwd'\npop graphic-context\n                ",
        "hello",
        "",
        "\xFF\xD8\xFF"};
    size_t i;
    int format;

    for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        picture_t in = {(unsigned char *)texts[i], strlen(texts[i])};

        for (format = DI_FORMAT_JPEG; format <= DI_FORMAT_WEBP; format++) {
            di_job_t job = plain;
            di_result_t result;

            job.format = (apr_uint32_t)format;
            (void)render(&result, &job, &in, *state);
            assert_int_equal(result.status, texts[i][0] == '\xFF' && format == 1
                                                ? DI_RENDER_BROKEN
                                                : DI_RENDER_UNSUPPORTED);
        }
    }
}

/* One picture of each format. */
static const struct {
    di_format_e format;
    const char *coder;
    unsigned flags;
} each_format[] = {{DI_FORMAT_JPEG, "JPEG", PICTURE_NOISE},
                   {DI_FORMAT_PNG, "PNG", PICTURE_NOISE},
                   {DI_FORMAT_GIF, "GIF", PICTURE_GRAY},
                   {DI_FORMAT_WEBP, "WEBP", PICTURE_NOISE}};

static void a_cut_or_damaged_picture_is_broken(void **state)
{
    size_t i;

    for (i = 0; i < 4; i++) {
        picture_t in = picture_make(each_format[i].coder, 200, 150,
                                    each_format[i].flags, *state);
        di_job_t job = plain;
        di_result_t result;
        picture_t cut = in;

        job.format = each_format[i].format;
        cut.len = in.len * 6 / 10;
        (void)render(&result, &job, &cut, *state);
        assert_int_equal(result.status, DI_RENDER_BROKEN);
    }
}

static void lost_scan_data_with_a_proper_end_is_broken(void **state)
{
    picture_t in = picture_make("JPEG", 200, 150, PICTURE_NOISE, *state);
    di_job_t job = plain;
    di_result_t result;

    memcpy(in.bytes + in.len * 6 / 10, "\xFF\xD9", 2);
    job.format = DI_FORMAT_JPEG;
    (void)render(&result, &job, &in, *state);
    assert_int_equal(result.status, DI_RENDER_BROKEN);
}

static void a_harmless_warning_is_not_damage(void **state)
{
    /* A JFIF header of an unknown version, then stray bytes. */
    picture_t in = picture_make("JPEG", 200, 150, 0, *state);
    di_job_t job = plain;
    di_result_t result;

    assert_memory_equal(in.bytes + 6, "JFIF", 4);
    in.bytes[11] = 9;
    in = picture_insert(&in, in.len - 2, "\0\0\0\0", 4, *state);
    job.format = DI_FORMAT_JPEG;
    (void)render_ok(&result, &job, &in, *state);
}

static void a_bomb_is_refused_by_its_header(void **state)
{
    picture_t png = picture_make("PNG", 40, 40, 0, *state);
    picture_t jpeg = picture_make("JPEG", 40, 40, 0, *state);
    di_job_t job = plain;
    di_result_t result;

    memcpy(png.bytes + 16, "\0\0\x75\x30\0\0\x75\x30", 8); /* 30000 x 30000 */
    job.format = DI_FORMAT_PNG;
    (void)render(&result, &job, &png, *state);
    assert_int_equal(result.status, DI_RENDER_TOO_LARGE);
    job.format = DI_FORMAT_JPEG;
    job.max_pixels = 1599;
    (void)render(&result, &job, &jpeg, *state);
    assert_int_equal(result.status, DI_RENDER_TOO_LARGE);
    job.max_pixels = 1600;
    (void)render_ok(&result, &job, &jpeg, *state);
    job.max_bytes = jpeg.len - 1;
    (void)render(&result, &job, &jpeg, *state);
    assert_int_equal(result.status, DI_RENDER_TOO_LARGE);
}

static void grey_stays_grey_and_a_color_profile_stays_on_color(void **state)
{
    static const unsigned flags[] = {PICTURE_GRAY, PICTURE_GRAY | PICTURE_ICC,
                                     PICTURE_GRAY | PICTURE_COLOR_FILE,
                                     PICTURE_GRAY | PICTURE_COLOR_FILE |
                                         PICTURE_ICC};
    static const unsigned channels[] = {1, 1, 1, 3};
    size_t i;

    for (i = 0; i < 4; i++) {
        picture_t in = picture_make("JPEG", 100, 80, flags[i], *state), out;
        di_job_t job = plain;
        unsigned width, height;
        unsigned char *rgba;
        di_result_t result;
        di_header_t header;

        job.format = DI_FORMAT_JPEG;
        job.fit_px = 50;
        out = render_ok(&result, &job, &in, *state);
        assert_int_equal(
            di_header_read(&header, DI_FORMAT_JPEG, out.bytes, out.len),
            DI_RENDER_OK);
        assert_int_equal(header.channels, channels[i]);
        assert_int_equal(header.icc.len, flags[i] & PICTURE_ICC ? 4000 : 0);
        rgba =
            picture_pixels(&width, &height, "JPEG", out.bytes, out.len, *state);
        assert_non_null(rgba);
        assert_in_range(rgba[25 * 4], 110, 140);
        assert_in_range(rgba[25 * 4 + 1], 110, 140);
    }
}

static int count_of(const picture_t *picture, const char *text)
{
    size_t len = strlen(text), i;
    int count = 0;

    for (i = 0; i + len <= picture->len; i++) {
        count += !memcmp(picture->bytes + i, text, len);
    }
    return count;
}

static void texts_and_times_do_not_reach_the_output(void **state)
{
    static const struct {
        di_format_e format;
        const char *coder;
    } kinds[] = {{DI_FORMAT_JPEG, "JPEG"},
                 {DI_FORMAT_PNG, "PNG"},
                 {DI_FORMAT_GIF, "GIF"}};
    static const char *const words[] = {"Tuesday", "by a test", "tEXt",  "tIME",
                                        "date",    "pHYs",      "Magick"};
    size_t i, j;

    for (i = 0; i < 3; i++) {
        picture_t in = picture_make(kinds[i].coder, 60, 40, PICTURE_COMMENT,
                                    *state),
                  out;
        di_job_t job = plain;
        di_result_t result;

        assert_int_equal(count_of(&in, "Tuesday"), 1);
        job.format = kinds[i].format;
        out = render_ok(&result, &job, &in, *state);
        for (j = 0; j < sizeof(words) / sizeof(*words); j++) {
            assert_int_equal(count_of(&out, words[j]), 0);
        }
    }
}

typedef struct {
    di_format_e format;
    const char *coder;
    unsigned flags, colors;
    int exact; /* pixels must be the very same */
} same_size_case_t;

static const same_size_case_t same_sizes[] = {
    {DI_FORMAT_PNG, "PNG", 0, 0, 1},
    {DI_FORMAT_PNG, "PNG", PICTURE_NOISE, 0, 1},
    {DI_FORMAT_PNG, "PNG", PICTURE_GRAY, 0, 1},
    {DI_FORMAT_PNG, "PNG", PICTURE_ALPHA, 0, 1},
    {DI_FORMAT_PNG, "PNG", PICTURE_ALPHA, 16, 1},
    {DI_FORMAT_PNG, "PNG32", PICTURE_OPAQUE, 0, 1},
    {DI_FORMAT_PNG, "PNG32", PICTURE_OPAQUE | PICTURE_GRAY, 0, 1},
    {DI_FORMAT_PNG, "PNG64", PICTURE_OPAQUE | PICTURE_NOISE, 0, 1},
    {DI_FORMAT_PNG, "PNG32", PICTURE_ALPHA | PICTURE_GRAY, 0, 1},
    {DI_FORMAT_PNG, "PNG8", PICTURE_GRAY, 0, 1},
    {DI_FORMAT_PNG, "PNG48", PICTURE_NOISE, 0, 1},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_OPAQUE, 0, 0},
    {DI_FORMAT_PNG, "PNG", 0, 64, 0},
    {DI_FORMAT_PNG, "PNG", PICTURE_GRAY, 16, 0},
    {DI_FORMAT_GIF, "GIF", 0, 0, 1},
    {DI_FORMAT_GIF, "GIF", PICTURE_ALPHA, 0, 1},
    {DI_FORMAT_GIF, "GIF", PICTURE_ALPHA, 8, 1},
    {DI_FORMAT_GIF, "GIF", 0, 32, 0},
    {DI_FORMAT_WEBP, "WEBP", 0, 0, 0},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_ALPHA, 0, 0},
};

/* Mean absolute difference of the channels, alpha included. */
static double difference(const unsigned char *a, const unsigned char *b,
                         size_t count)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        sum += abs(a[i] - b[i]);
    }
    return sum / (double)count;
}

static void other_formats_keep_size_alpha_and_look(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(same_sizes) / sizeof(*same_sizes); i++) {
        const same_size_case_t *c = &same_sizes[i];
        picture_t in = picture_make(c->coder, 120, 90, c->flags, *state), out;
        di_job_t job = plain;
        unsigned width, height;
        unsigned char *before, *after;
        di_result_t result;
        double off;

        job.format = c->format;
        job.fit_px = 50;
        job.colors = c->colors;
        out = render_ok(&result, &job, &in, *state);
        assert_int_equal(result.width_px, 120);
        assert_int_equal(result.height_px, 90);
        before =
            picture_pixels(&width, &height, c->coder, in.bytes, in.len, *state);
        after = picture_pixels(&width, &height, c->coder, out.bytes, out.len,
                               *state);
        assert_non_null(after);
        assert_int_equal(width, 120);
        assert_int_equal(height, 90);
        off = difference(before, after, 120 * 90 * 4);
        if (c->exact ? off > 0 : off == 0 || off > 12) {
            fail_msg("case %zu: difference %f", i, off);
        }
        if (c->flags & PICTURE_ALPHA) {
            assert_int_equal(after[3], 0);
            assert_int_equal(after[119 * 4 + 3], 255);
        }
    }
}

static void a_png_keeps_its_color_chunks_and_its_color_type(void **state)
{
    /* Neither profile nor checksum is right: the decoder drops the chunk,
       so what is in the output was copied. */
    static const unsigned char iccp[20] = {
        0, 0, 0, 8, 'i', 'C', 'C', 'P', 'x', 0, 0, 1, 2, 3, 4, 5, 9, 9, 9, 9};
    picture_t in = picture_make("PNG24", 60, 40, PICTURE_GRAY, *state), out;
    di_job_t job = plain;
    di_result_t result;

    job.format = DI_FORMAT_PNG;
    out = render_ok(&result, &job, &in, *state);
    assert_int_equal(in.bytes[25], 2);
    assert_int_equal(out.bytes[25], 0);
    in = picture_insert(&in, 33, iccp, sizeof(iccp), *state);
    for (job.colors = 0; job.colors <= 16; job.colors += 16) {
        out = render_ok(&result, &job, &in, *state);
        assert_memory_equal(out.bytes + 33, iccp, sizeof(iccp));
        assert_int_equal(out.bytes[25] & 2, 2);
    }
}

static void a_transparent_color_is_not_rendered(void **state)
{
    static const unsigned char trns[18] = {0, 0, 0, 6, 't', 'R', 'N', 'S'};
    picture_t in = picture_make("PNG24", 60, 40, 0, *state);
    di_job_t job = plain;
    di_result_t result;

    in = picture_insert(&in, 33, trns, sizeof(trns), *state);
    job.format = DI_FORMAT_PNG;
    (void)render(&result, &job, &in, *state);
    assert_int_equal(result.status, DI_RENDER_UNSUPPORTED);
}

static void the_same_job_gives_the_same_bytes(void **state)
{
    size_t i;

    for (i = 0; i < 4; i++) {
        picture_t in =
            picture_make(each_format[i].coder, 150, 100,
                         each_format[i].flags | PICTURE_COMMENT, *state);
        picture_t once, twice;
        unsigned char *elsewhere;
        di_job_t job = plain;
        di_result_t result;
        pid_t child;
        int how;

        job.format = each_format[i].format;
        job.fit_px = 60;
        job.colors = 32;
        once = render_ok(&result, &job, &in, *state);
        twice = render_ok(&result, &job, &in, *state);
        elsewhere = mmap(NULL, once.len, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        child = fork();
        if (child == 0) {
            unsigned char *bytes;

            sleep(1); /* what depends on the time of day would differ */
            di_gm_render(&result, &bytes, &job, in.bytes, in.len);
            memcpy(elsewhere, bytes,
                   result.bytes < once.len ? (size_t)result.bytes : once.len);
            _exit(result.bytes == once.len ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_int_equal(how, 0);
        assert_int_equal(once.len, twice.len);
        assert_memory_equal(once.bytes, twice.bytes, once.len);
        assert_memory_equal(once.bytes, elsewhere, once.len);
        munmap(elsewhere, once.len);
    }
}

static void the_output_does_not_depend_on_the_sources_subsampling(void **state)
{
    picture_t in = picture_make("JPEG", 64, 64, PICTURE_444, *state), out;
    di_job_t job = plain;
    di_result_t result;
    size_t i;

    job.format = DI_FORMAT_JPEG;
    job.progressive = 0;
    out = render_ok(&result, &job, &in, *state);
    for (i = 2; i + 12 < out.len;
         i += 2 + (size_t)(out.bytes[i + 2] << 8 | out.bytes[i + 3])) {
        assert_int_equal(out.bytes[i], 0xFF);
        if (out.bytes[i + 1] == 0xC0) {
            assert_int_equal(out.bytes[i + 11], 0x22);
            return;
        }
    }
    fail_msg("no baseline frame header");
}

static void progressive_is_as_asked(void **state)
{
    picture_t in = picture_make("JPEG", 64, 64, 0, *state), out;
    di_job_t job = plain;
    di_result_t result;

    job.format = DI_FORMAT_JPEG;
    out = render_ok(&result, &job, &in, *state);
    assert_true(count_of(&out, "\xFF\xDA") > 2);
    job.progressive = 0;
    out = render_ok(&result, &job, &in, *state);
    assert_int_equal(count_of(&out, "\xFF\xDA"), 1);
}

static void too_little_memory_is_told_apart(void **state)
{
    picture_t in = picture_make("PNG", 1500, 1500, PICTURE_NOISE, *state);
    di_job_t job = plain;
    di_result_t result;

    job.format = DI_FORMAT_PNG;
    (void)render(&result, &job, &in, *state);
    assert_int_equal(result.status, DI_RENDER_NO_MEMORY);
}

static int start(void **state)
{
    apr_pool_t *p;
    size_t i;

    apr_initialize();
    apr_pool_create(&p, NULL);
    for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        refused_pictures[i] =
            picture_make(refused[i].coder, 100, 80, refused[i].flags, p);
    }
    return di_gm_start(16 << 20) ? 0 : -1;
}

static int stop(void **state)
{
    di_gm_stop();
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_jpeg_gets_the_planned_size_and_keeps_its_layout),
        UNIT(every_orientation_is_applied_and_then_gone),
        UNIT(the_density_of_an_original_is_kept),
        UNIT(what_must_be_passed_through_is_refused),
        UNIT(text_vector_and_script_named_as_a_picture_are_refused),
        UNIT(a_cut_or_damaged_picture_is_broken),
        UNIT(lost_scan_data_with_a_proper_end_is_broken),
        UNIT(a_harmless_warning_is_not_damage),
        UNIT(a_bomb_is_refused_by_its_header),
        UNIT(grey_stays_grey_and_a_color_profile_stays_on_color),
        UNIT(texts_and_times_do_not_reach_the_output),
        UNIT(other_formats_keep_size_alpha_and_look),
        UNIT(a_png_keeps_its_color_chunks_and_its_color_type),
        UNIT(a_transparent_color_is_not_rendered),
        UNIT(the_same_job_gives_the_same_bytes),
        UNIT(the_output_does_not_depend_on_the_sources_subsampling),
        UNIT(progressive_is_as_asked),
        UNIT(too_little_memory_is_told_apart),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
