/* SPDX-License-Identifier: Apache-2.0 */
/* Size, layout, orientation; what is refused; the same job, the same bytes. */
#include "composing.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "render/container.h"

/* ---- size and layout ---- */

typedef struct {
    unsigned width, height, fit, out_width, out_height;
} size_case_t;

static const size_case_t sizes[] = {
    {200, 150, 0, 200, 150},   {200, 150, 200, 200, 150},
    {200, 150, 199, 175, 132}, {200, 150, 99, 75, 57},
    {200, 150, 74, 50, 38},    {200, 150, 49, 25, 19},
    {200, 150, 24, 24, 18},    {151, 203, 102, 76, 102},
    {151, 203, 101, 57, 77},   {151, 203, 50, 19, 26},
    {151, 203, 20, 15, 20},    {1000, 3, 130, 125, 1},
    {17, 9, 9, 9, 5},          {15, 9, 8, 8, 5},
    {5, 5, 2, 2, 2},           {640, 480, 239, 160, 120},
};

static void assert_shown(const picture_t *out, const di_result_t *result,
                         unsigned width_px, unsigned height_px)
{
    di_exif_t exif = exif_of(out, (di_format_e)result->format);
    apr_uint32_t width = result->width_px, height = result->height_px;

    assert_int_equal(exif.orientation, 1);
    di_exif_shown(&width, &height, &exif);
    assert_int_equal(width, width_px);
    assert_int_equal(height, height_px);
}

static void a_jpeg_gets_the_planned_size_and_keeps_its_layout(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(sizes); i++) {
        const size_case_t *c = &sizes[i];
        picture_t in =
            fat_picture("JPEG", c->width, c->height, PICTURE_NOISE, *state);
        di_job_t job = plain;
        di_result_t result;
        picture_t out;

        job.recipe.fit_px = c->fit;
        out = render_ok(&result, &job, &in, *state);
        (void)shown(&out, &result, *state);
        if (result.width_px != c->out_width ||
            result.height_px != c->out_height) {
            fail_msg("%ux%u in %u: %ux%u", c->width, c->height, c->fit,
                     result.width_px, result.height_px);
        }
        assert_int_equal(result.source_width_px, c->width);
        assert_int_equal(result.source_height_px, c->height);
        assert_shown(&out, &result, c->width, c->height);
        assert_int_equal(exif_of(&out, DI_FORMAT_JPEG).width_px,
                         c->width == c->out_width ? 0 : c->width);
    }
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

static const int red_to[9] = {0, 1, 2, 2, 1, 3, 3, 4, 4};
static const int green_to[9] = {0, 3, 3, 4, 4, 1, 2, 2, 1};

typedef struct {
    const char *coder;
    di_format_e format;
    int dense; /* meant to be shown at twice its pixels */
    unsigned formats;
    unsigned fit_px;
} turn_case_t;

static const turn_case_t turns[] = {
    {"JPEG", DI_FORMAT_JPEG, 0, DI_FORMAT_SET(JPEG), 0},
    {"JPEG", DI_FORMAT_JPEG, 0, DI_FORMAT_SET(JPEG), 80},
    {"JPEG", DI_FORMAT_JPEG, 1, DI_FORMAT_SET(JPEG), 0},
    {"JPEG", DI_FORMAT_JPEG, 1, DI_FORMAT_SET(JPEG), 80},
    {"JPEG", DI_FORMAT_JPEG, 1, DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(WEBP), 0},
    {"PNG24", DI_FORMAT_PNG, 0, DI_FORMAT_SET(JPEG) | DI_FORMAT_SET(PNG), 80},
    {"PNG24", DI_FORMAT_PNG, 0, DI_FORMAT_SET(PNG), 80},
    {"PNG24", DI_FORMAT_PNG, 0, DI_FORMAT_SET(WEBP), 80},
    /* The density of a PNG is nothing to a browser. */
    {"PNG24", DI_FORMAT_PNG, 1, DI_FORMAT_SET(JPEG), 80},
};

static void turn_one(const turn_case_t *c, const picture_t *in,
                     unsigned orientation, apr_pool_t *p)
{
    unsigned char block[128];
    apr_size_t len = exif_block(block, orientation, 160, 96, c->dense ? 320 : 0,
                                c->dense ? 192 : 0);
    picture_t turned = with_exif(in, block, len, p), out;
    int twice = c->dense && c->format == DI_FORMAT_JPEG;
    unsigned wide = orientation > 4 ? 96 : 160;
    unsigned high = orientation > 4 ? 160 : 96;
    int half = c->fit_px && (c->formats & DI_FORMAT_SET(JPEG));
    di_job_t job = plain;
    unsigned char *rgba;
    di_result_t result;

    job.format = (apr_uint32_t)c->format;
    job.formats = c->formats;
    job.recipe.fit_px = c->fit_px;
    out = render_ok(&result, &job, &turned, p);
    rgba = shown(&out, &result, p);
    assert_int_equal(result.width_px, half ? wide / 2 : wide);
    assert_int_equal(result.height_px, half ? high / 2 : high);
    assert_int_equal(grows_to(rgba, result.width_px, result.height_px, 0),
                     red_to[orientation]);
    assert_int_equal(grows_to(rgba, result.width_px, result.height_px, 1),
                     green_to[orientation]);
    assert_shown(&out, &result, wide << twice, high << twice);
    assert_int_equal(result.source_width_px, wide);
}

static void every_orientation_is_applied_and_then_gone(void **state)
{
    unsigned orientation;
    size_t i;

    for (i = 0; i < COUNT(turns); i++) {
        picture_t in = fat_picture(turns[i].coder, 160, 96, 0, *state);

        for (orientation = 1; orientation <= 8; orientation++) {
            turn_one(&turns[i], &in, orientation, *state);
        }
    }
}

static void the_density_of_an_original_needs_a_format_that_has_it(void **state)
{
    picture_t in = fat_picture("JPEG", 160, 96, 0, *state);
    unsigned char block[128];
    apr_size_t len = exif_block(block, 0, 160, 96, 320, 192);
    di_job_t job = plain;
    di_result_t result;

    in = with_exif(&in, block, len, *state);
    job.formats = DI_FORMAT_SET(WEBP) | DI_FORMAT_SET(PNG);
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_NO_FORMAT);
    job.formats |= DI_FORMAT_SET(JPEG);
    (void)render_ok(&result, &job, &in, *state);
    assert_int_equal(result.format, DI_FORMAT_JPEG);
    job.formats = DI_FORMAT_SET(WEBP);
    job.recipe.page_layout = 1;
    (void)render_ok(&result, &job, &in, *state);
}

static void
a_page_that_sets_sizes_gets_any_format_at_the_exact_size(void **state)
{
    static const char *const coders[] = {"JPEG", "PNG24"};
    unsigned i, format;

    for (i = 0; i < 2; i++) {
        picture_t in = fat_picture(coders[i], 200, 150, 0, *state);

        for (format = DI_FORMAT_JPEG; format < DI_FORMAT_END; format++) {
            di_job_t job = plain;
            di_result_t result;

            if (!DI_FORMAT_IN(DI_FORMATS_OUT, format) ||
                format == DI_FORMAT_PNG) {
                continue;
            }
            job.format = i ? DI_FORMAT_PNG : DI_FORMAT_JPEG;
            job.formats = 1u << format;
            job.recipe.fit_px = 110;
            (void)render_ok(&result, &job, &in, *state);
            assert_int_equal(result.width_px,
                             format == DI_FORMAT_JPEG ? 100 : 200);
            job.recipe.page_layout = 1;
            (void)render_ok(&result, &job, &in, *state);
            assert_int_equal(result.width_px, 110);
            assert_int_equal(result.height_px, 83);
        }
    }
}

/* ---- what is refused ---- */

typedef struct {
    const char *what;
    di_format_e format;
    const char *coder; /* PNG to say that it is a JPEG; or a file */
    unsigned flags;
    di_render_status_e status;
} refused_case_t;

#define A_FILE 0x10000

static const refused_case_t refused[] = {
    {"PNG as JPEG", DI_FORMAT_JPEG, "PNG", 0, DI_RENDER_UNSUPPORTED},
    {"JPEG as PNG", DI_FORMAT_PNG, "JPEG", 0, DI_RENDER_UNSUPPORTED},
    {"BMP as GIF", DI_FORMAT_GIF, "BMP", 0, DI_RENDER_UNSUPPORTED},
    {"no format", DI_FORMAT_UNKNOWN, "GIF", 0, DI_RENDER_UNSUPPORTED},
    {"GIF", DI_FORMAT_GIF, "GIF", PICTURE_FRAMES, DI_RENDER_ANIMATED},
    {"WebP", DI_FORMAT_WEBP, "header_webp/animated", A_FILE,
     DI_RENDER_ANIMATED},
    {"APNG", DI_FORMAT_PNG, "header_png/animated", A_FILE, DI_RENDER_ANIMATED},
    {"JXL", DI_FORMAT_JXL, "header_jxl/bare-animated", A_FILE,
     DI_RENDER_ANIMATED},
    {"AVIF", DI_FORMAT_AVIF, "header_heif/avif-sequence", A_FILE,
     DI_RENDER_ANIMATED},
    {"pages", DI_FORMAT_TIFF, "header_tiff/pages", A_FILE, DI_RENDER_ANIMATED},
};

static picture_t refused_picture(const refused_case_t *c, apr_pool_t *p)
{
    fixture_t file;
    picture_t out;

    if (!(c->flags & A_FILE)) {
        return picture_make(c->coder, 100, 80, c->flags, p);
    }
    file = fixture_read(c->coder, p);
    out.bytes = file.bytes;
    out.len = file.len;
    return out;
}

static void what_must_be_passed_through_is_refused(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(refused); i++) {
        picture_t in = refused_picture(&refused[i], *state);
        di_job_t job = plain;
        di_render_status_e status;

        job.format = (apr_uint32_t)refused[i].format;
        job.formats = DI_FORMATS_OUT;
        status = status_of(&job, &in, *state);
        if (status != refused[i].status) {
            fail_msg("%s: %d", refused[i].what, status);
        }
    }
}

static void a_webp_that_says_how_to_turn_it_is_refused(void **state)
{
    picture_t in = picture_make("WEBP", 100, 80, PICTURE_NOISE, *state);
    unsigned orientation;

    for (orientation = 1; orientation <= 8; orientation++) {
        unsigned char block[128];
        apr_size_t len = exif_block(block, orientation, 0, 0, 0, 0);
        di_blob_t file = {malloc(in.len), in.len};
        picture_t turned;
        di_job_t job = plain;

        memcpy(file.bytes, in.bytes, in.len);
        assert_int_equal(di_container_add_exif(&file, DI_FORMAT_WEBP, 100, 80,
                                               0, block, len),
                         DI_RENDER_OK);
        turned.bytes = file.bytes;
        turned.len = file.len;
        job.format = DI_FORMAT_WEBP;
        assert_int_equal(status_of(&job, &turned, *state),
                         orientation == 1 ? DI_RENDER_OK
                                          : DI_RENDER_UNSUPPORTED);
        free(file.bytes);
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
        "hello", ""};
    size_t i;
    int format;

    for (i = 0; i < COUNT(texts); i++) {
        picture_t in = {(unsigned char *)texts[i], strlen(texts[i])};

        for (format = DI_FORMAT_UNKNOWN; format < DI_FORMAT_END; format++) {
            di_job_t job = plain;

            job.format = (apr_uint32_t)format;
            job.formats = DI_FORMATS_OUT;
            assert_int_equal(status_of(&job, &in, *state),
                             DI_RENDER_UNSUPPORTED);
        }
    }
}

/* One picture of each format. */
static const struct {
    di_format_e format;
    const char *coder;
    unsigned flags;
} each_format[] = {
    {DI_FORMAT_JPEG, "JPEG", PICTURE_NOISE},
    {DI_FORMAT_PNG, "PNG", PICTURE_NOISE},
    {DI_FORMAT_GIF, "GIF", PICTURE_GRAY},
    {DI_FORMAT_WEBP, "WEBP", PICTURE_NOISE},
    {DI_FORMAT_TIFF, "TIFF", PICTURE_NOISE},
    {DI_FORMAT_BMP, "BMP", PICTURE_NOISE},
    {DI_FORMAT_JXL, "JXL", PICTURE_NOISE},
};

static void a_cut_picture_is_broken(void **state)
{
    static const unsigned tenths[] = {1, 3, 6, 9};
    size_t i, j;

    for (i = 0; i < COUNT(each_format); i++) {
        picture_t in = picture_make(each_format[i].coder, 200, 150,
                                    each_format[i].flags, *state);
        di_job_t job = plain;

        job.format = (apr_uint32_t)each_format[i].format;
        job.formats = DI_FORMATS_OUT;
        for (j = 0; j < COUNT(tenths); j++) {
            picture_t cut = in;
            di_render_status_e status;

            cut.len = in.len * tenths[j] / 10;
            status = status_of(&job, &cut, *state);
            if (status != DI_RENDER_BROKEN) {
                fail_msg("%s at %u/10: %d", each_format[i].coder, tenths[j],
                         status);
            }
        }
    }
}

/* In the middle of what is coded, so that the structure stays. */
static void a_damaged_png_is_broken(void **state)
{
    picture_t in = picture_make("PNG", 200, 150, PICTURE_NOISE, *state);
    di_job_t job = plain;

    job.format = DI_FORMAT_PNG;
    in.bytes[in.len / 2] ^= 0x40;
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_BROKEN);
}

static void lost_scan_data_with_a_proper_end_is_broken(void **state)
{
    picture_t in = picture_make("JPEG", 200, 150, PICTURE_NOISE, *state);
    di_job_t job = plain;

    memcpy(in.bytes + in.len * 6 / 10, "\xFF\xD9", 2);
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_BROKEN);
}

static void a_harmless_warning_is_not_damage(void **state)
{
    /* A JFIF header of an unknown version, then stray bytes. */
    picture_t in = picture_make("JPEG", 200, 150, PICTURE_NOISE, *state);
    di_job_t job = plain;
    di_result_t result;

    assert_memory_equal(in.bytes + 6, "JFIF", 4);
    in.bytes[11] = 9;
    in = picture_insert(&in, in.len - 2, "\0\0\0\0", 4, *state);
    (void)render_ok(&result, &job, &in, *state);
}

static void a_bomb_is_refused_by_its_header(void **state)
{
    picture_t jpeg = fat_picture("JPEG", 40, 60, PICTURE_PROGRESSIVE, *state);
    picture_t png = picture_make("PNG", 40, 40, 0, *state);
    picture_t gif = picture_make("GIF", 40, 40, PICTURE_FRAMES, *state);
    const struct {
        const picture_t *picture;
        di_format_e format;
        di_limits_t limits; /* 0: the plain job's */
        di_render_status_e status;
    } cases[] = {
        {&jpeg, 1, {.max_bytes = jpeg.len - 1}, DI_RENDER_TOO_MANY_BYTES},
        {&jpeg, 1, {.max_bytes = jpeg.len}, DI_RENDER_OK},
        {&jpeg, 1, {.max_pixels = 2399}, DI_RENDER_TOO_MANY_PIXELS},
        {&jpeg, 1, {.max_pixels = 2400}, DI_RENDER_OK},
        {&jpeg, 1, {.max_side_px = 59}, DI_RENDER_TOO_LONG_SIDE},
        {&jpeg, 1, {.max_side_px = 60}, DI_RENDER_OK},
        {&jpeg, 1, {.max_scans = 1}, DI_RENDER_TOO_MANY_SCANS},
        {&gif, 3, {.max_frames = 2}, DI_RENDER_TOO_MANY_FRAMES},
        {&gif, 3, {.max_pixels = 4799}, DI_RENDER_TOO_MANY_PIXELS},
        {&png, 2, {.max_bytes = 0}, DI_RENDER_TOO_MANY_PIXELS},
    };
    size_t i;

    memcpy(png.bytes + 16, "\0\0\x75\x30\0\0\x75\x30", 8); /* 30000 x 30000 */
    for (i = 0; i < COUNT(cases); i++) {
        const di_limits_t *limits = &cases[i].limits;
        di_job_t job = plain;

        job.format = (apr_uint32_t)cases[i].format;
#define TAKE(limit)                                                            \
    if (limits->limit) {                                                       \
        job.limits.limit = limits->limit;                                      \
    }
        TAKE(max_bytes)
        TAKE(max_pixels)
        TAKE(max_side_px)
        TAKE(max_scans)
        TAKE(max_frames)
#undef TAKE
        if (status_of(&job, cases[i].picture, *state) != cases[i].status) {
            fail_msg("case %zu: %d", i,
                     status_of(&job, cases[i].picture, *state));
        }
    }
}

static void a_large_profile_is_refused(void **state)
{
    picture_t in = fat_picture("JPEG", 40, 60, PICTURE_ICC, *state);
    di_job_t job = plain;

    job.limits.max_profile_bytes = 3999;
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_TOO_LARGE_PROFILE);
    job.limits.max_profile_bytes = 4000;
    assert_int_equal(status_of(&job, &in, *state), DI_RENDER_OK);
}

/* ---- the file that comes out ---- */

static void texts_and_times_do_not_reach_the_output(void **state)
{
    static const struct {
        di_format_e format;
        const char *coder;
    } kinds[] = {{DI_FORMAT_JPEG, "JPEG"},
                 {DI_FORMAT_PNG, "PNG"},
                 {DI_FORMAT_GIF, "GIF"}};
    static const char *const words[] = {"Tuesday", "by a test", "tEXt",
                                        "tIME",    "date",      "pHYs",
                                        "Magick",  "lav"};
    unsigned format;
    size_t i, j;

    for (i = 0; i < COUNT(kinds); i++) {
        picture_t in = fat_picture(kinds[i].coder, 60, 40, PICTURE_COMMENT,
                                   *state),
                  out;

        assert_int_equal(count_of(&in, "Tuesday"), 1);
        for (format = 1; format < DI_FORMAT_END; format++) {
            di_job_t job = plain;
            di_result_t result;

            job.format = (apr_uint32_t)kinds[i].format;
            job.formats = DI_FORMATS_OUT & (1u << format);
            /* Of a JPEG there is no PNG. */
            if (!job.formats || (i == 0 && format == DI_FORMAT_PNG)) {
                continue;
            }
            out = render_ok(&result, &job, &in, *state);
            for (j = 0; j < COUNT(words); j++) {
                assert_int_equal(count_of(&out, words[j]), 0);
            }
        }
    }
}

/* Once more in a process of its own, and a second later. */
static void assert_same_elsewhere(const picture_t *once, const di_job_t *job,
                                  const picture_t *in)
{
    unsigned char *elsewhere = mmap(NULL, once->len, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    int how;

    if (child == 0) {
        unsigned char *bytes;
        di_result_t result;

        sleep(1); /* what depends on the time of day would differ */
        di_compose(&result, &bytes, job, in->bytes, in->len);
        if (result.bytes != once->len) {
            _exit(1);
        }
        memcpy(elsewhere, bytes, once->len);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    assert_memory_equal(once->bytes, elsewhere, once->len);
    munmap(elsewhere, once->len);
}

static void the_same_job_gives_the_same_bytes(void **state)
{
    unsigned format;

    for (format = 1; format < DI_FORMAT_END; format++) {
        picture_t in = fat_picture("PNG24", 150, 100, PICTURE_COMMENT, *state);
        picture_t once, twice;
        di_job_t job = plain;
        di_result_t result;

        job.format = DI_FORMAT_PNG;
        job.formats = DI_FORMATS_OUT & (1u << format);
        job.recipe.fit_px = 60;
        job.recipe.colors = 32;
        if (!job.formats) {
            continue;
        }
        once = render_ok(&result, &job, &in, *state);
        twice = render_ok(&result, &job, &in, *state);
        assert_int_equal(once.len, twice.len);
        assert_memory_equal(once.bytes, twice.bytes, once.len);
        assert_same_elsewhere(&once, &job, &in);
    }
}

/* The sampling factors of the first component of a baseline JPEG. */
static int sampling_of(const picture_t *out)
{
    size_t i;

    for (i = 2; i + 12 < out->len;
         i += 2 + (size_t)(out->bytes[i + 2] << 8 | out->bytes[i + 3])) {
        assert_int_equal(out->bytes[i], 0xFF);
        if (out->bytes[i + 1] == 0xC0) {
            return out->bytes[i + 11];
        }
    }
    fail_msg("no baseline frame header");
    return 0;
}

static void subsampling_is_as_asked_whatever_the_source_has(void **state)
{
    static const int factors[] = {[DI_CHROMA_AUTO] = 0x22,
                                  [DI_CHROMA_420] = 0x22,
                                  [DI_CHROMA_422] = 0x21,
                                  [DI_CHROMA_444] = 0x11};
    static const unsigned sources[] = {0, PICTURE_444};
    unsigned chroma, i;

    for (i = 0; i < 2; i++) {
        picture_t in = fat_picture("JPEG", 64, 64, sources[i], *state), out;

        for (chroma = 0; chroma < 4; chroma++) {
            di_job_t job = plain;
            di_result_t result;

            job.recipe.progressive = 0;
            job.recipe.chroma = chroma;
            out = render_ok(&result, &job, &in, *state);
            assert_int_equal(sampling_of(&out), factors[chroma]);
        }
    }
}

static void progressive_is_as_asked(void **state)
{
    picture_t in = fat_picture("JPEG", 64, 64, 0, *state), out;
    di_job_t job = plain;
    di_result_t result;

    out = render_ok(&result, &job, &in, *state);
    assert_true(count_of(&out, "\xFF\xDA") > 2);
    job.recipe.progressive = 0;
    out = render_ok(&result, &job, &in, *state);
    assert_int_equal(count_of(&out, "\xFF\xDA"), 1);
}

/* An address space that is this much larger than what is used now. */
static void allow_memory(apr_size_t bytes)
{
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%lu", &pages) != 1) {
        _exit(101);
    }
    fclose(file);
    limit.rlim_cur = limit.rlim_max =
        (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + bytes;
    if (setrlimit(RLIMIT_AS, &limit)) {
        _exit(102);
    }
}

static int status_with(apr_size_t memory_bytes, const di_job_t *job,
                       const picture_t *in)
{
    pid_t child = fork();
    int how;

    if (!child) {
        unsigned char *bytes;
        di_result_t result;

        allow_memory(memory_bytes);
        di_compose(&result, &bytes, job, in->bytes, in->len);
        _exit((int)result.status);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

/* As RGB these are 14 MB. */
static void too_little_memory_is_told_apart(void **state)
{
    static const apr_size_t amounts[] = {1 << 20, 4 << 20, 8 << 20};
    size_t i, j;

#ifdef __SANITIZE_ADDRESS__
    /* Its own allocator does not live with a limit. */
    return;
#endif
    for (i = 0; i < 4; i++) {
        picture_t in =
            picture_make(each_format[i].coder, 2200, 2200,
                         each_format[i].flags & PICTURE_GRAY, *state);
        di_job_t job = plain;

        job.format = (apr_uint32_t)each_format[i].format;
        job.formats = DI_FORMAT_SET(WEBP);
        job.recipe.ssim_e4 = 9000;
        for (j = 0; j < COUNT(amounts); j++) {
            int status = status_with(amounts[j], &job, &in);

            if (status != DI_RENDER_NO_MEMORY) {
                fail_msg("%s in %zu bytes: %d", each_format[i].coder,
                         amounts[j], status);
            }
        }
    }
}

static void the_version_names_every_library(void **state)
{
    static const char *const names[] = {"gm-",    "/jpeg-", "/png-", "/webp-",
                                        "/avif-", "/jxl-",  "/lcms-"};
    const char *version = di_compose_version(*state);
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        const char *at = strstr(version, names[i]);

        assert_non_null(at);
        assert_in_range(at[strlen(names[i])], '1', '9');
    }
    assert_null(strchr(version, ' '));
    /* "gm-1.3.40-Q16/": the bits of a sample are part of it. */
    assert_in_range(strspn(version + 3, "0123456789."), 3, 20);
    assert_memory_equal(version + 3 + strspn(version + 3, "0123456789."), "-Q",
                        2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(too_little_memory_is_told_apart),
        UNIT(a_jpeg_gets_the_planned_size_and_keeps_its_layout),
        UNIT(every_orientation_is_applied_and_then_gone),
        UNIT(the_density_of_an_original_needs_a_format_that_has_it),
        UNIT(a_page_that_sets_sizes_gets_any_format_at_the_exact_size),
        UNIT(what_must_be_passed_through_is_refused),
        UNIT(a_webp_that_says_how_to_turn_it_is_refused),
        UNIT(text_vector_and_script_named_as_a_picture_are_refused),
        UNIT(a_cut_picture_is_broken),
        UNIT(a_damaged_png_is_broken),
        UNIT(lost_scan_data_with_a_proper_end_is_broken),
        UNIT(a_harmless_warning_is_not_damage),
        UNIT(a_bomb_is_refused_by_its_header),
        UNIT(a_large_profile_is_refused),
        UNIT(texts_and_times_do_not_reach_the_output),
        UNIT(the_same_job_gives_the_same_bytes),
        UNIT(subsampling_is_as_asked_whatever_the_source_has),
        UNIT(progressive_is_as_asked),
        UNIT(the_version_names_every_library),
    };

    /* Blocks go back to the system at once, and a thread of a library has no
       room of its own, so that nothing helps a process short of memory. */
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 16 << 10);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, compose_start, compose_stop);
}
