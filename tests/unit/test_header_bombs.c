/* SPDX-License-Identifier: Apache-2.0 */
/* Files that cost far more than their bytes, and structures that lie. */
#include "fixture.h"

#include "render/header.h"

/* What a site has when it sets nothing else. */
static const di_limits_t limits = {20000000, 50000000, 20000,
                                   200,      100,      4000000};

static di_render_status_e refuse(di_format_e format, const fixture_t *f)
{
    di_header_t header;
    di_render_status_e status =
        di_header_read(&header, format, f->bytes, f->len);

    return status == DI_RENDER_OK ? di_header_check(&header, f->len, &limits)
                                  : status;
}

static void add_chunk(fixture_t *f, const char *name, apr_uint32_t len)
{
    unsigned char head[8];

    fixture_put32(head, len);
    memcpy(head + 4, name, 4);
    fixture_add(f, head, 8);
    fixture_add_zeros(f, len + 4);
}

static fixture_t png_of(apr_uint32_t width_px, apr_uint32_t height_px,
                        apr_pool_t *p)
{
    fixture_t f = fixture_room(200000, p);

    fixture_add(&f, "\x89PNG\r\n\x1A\n", 8);
    add_chunk(&f, "IHDR", 13);
    fixture_put32(f.bytes + 16, width_px);
    fixture_put32(f.bytes + 20, height_px);
    f.bytes[24] = 8;
    f.bytes[25] = 2;
    return f;
}

static void a_png_of_30000_px_each_way_is_refused(void **state)
{
    fixture_t f = png_of(30000, 30000, *state);

    add_chunk(&f, "IDAT", 100000);
    add_chunk(&f, "IEND", 0);
    assert_int_equal(refuse(DI_FORMAT_PNG, &f), DI_RENDER_TOO_MANY_PIXELS);
    fixture_put32(f.bytes + 20, 2);
    assert_int_equal(refuse(DI_FORMAT_PNG, &f), DI_RENDER_TOO_LONG_SIDE);
    fixture_put32(f.bytes + 20, 0x80000000u);
    assert_int_equal(refuse(DI_FORMAT_PNG, &f), DI_RENDER_BROKEN);
}

static void an_apng_has_the_frames_that_it_says_or_more(void **state)
{
    fixture_t f = png_of(10, 10, *state);
    di_header_t header;
    apr_size_t said;
    int i;

    add_chunk(&f, "acTL", 8);
    said = f.len - 12;
    fixture_put32(f.bytes + said, 0xFFFFFFFFu);
    add_chunk(&f, "IDAT", 10);
    for (i = 0; i < 201; i++) {
        add_chunk(&f, "fcTL", 26);
    }
    add_chunk(&f, "IEND", 0);
    assert_int_equal(di_header_read(&header, DI_FORMAT_PNG, f.bytes, f.len),
                     DI_RENDER_OK);
    assert_int_equal(header.frames, 100000);
    fixture_put32(f.bytes + said, 2);
    assert_int_equal(refuse(DI_FORMAT_PNG, &f), DI_RENDER_TOO_MANY_FRAMES);
    fixture_put32(f.bytes + said, 0);
    assert_int_equal(refuse(DI_FORMAT_PNG, &f), DI_RENDER_OK);
}

static void one_moving_frame_behind_a_still_one_is_an_animation(void **state)
{
    fixture_t f = png_of(10, 10, *state);
    di_header_t header;

    add_chunk(&f, "acTL", 8);
    fixture_put32(f.bytes + f.len - 12, 1);
    add_chunk(&f, "IDAT", 10);
    add_chunk(&f, "fcTL", 26);
    add_chunk(&f, "IEND", 0);
    assert_int_equal(di_header_read(&header, DI_FORMAT_PNG, f.bytes, f.len),
                     DI_RENDER_OK);
    assert_int_equal(header.frames, 1);
    assert_true(header.animated);
}

static void a_gif_of_100000_frames_is_refused(void **state)
{
    static const unsigned char picture[] = {0x2C, 0, 0, 0, 0, 1, 0,
                                            1,    0, 0, 2, 1, 0, 0};
    fixture_t f = fixture_room(100100 * sizeof(picture), *state);
    di_header_t header;
    int i;

    fixture_add(&f, "GIF89a\1\0\1\0\0\0\0", 13);
    for (i = 0; i < 100003; i++) {
        fixture_add(&f, picture, sizeof(picture));
    }
    fixture_add(&f, ";", 1);
    assert_int_equal(di_header_read(&header, DI_FORMAT_GIF, f.bytes, f.len),
                     DI_RENDER_OK);
    assert_int_equal(header.frames, 100000);
    assert_int_equal(refuse(DI_FORMAT_GIF, &f), DI_RENDER_TOO_MANY_FRAMES);
}

static void a_gif_frame_counts_beyond_its_screen(void **state)
{
    fixture_t f = fixture_room(100, *state);

    fixture_add(&f, "GIF89a\1\0\1\0\0\0\0", 13);
    fixture_add(&f, "\x2C\0\0\0\0\xFF\xFF\xFF\xFF\0\2\1\0\0;", 15);
    assert_int_equal(refuse(DI_FORMAT_GIF, &f), DI_RENDER_TOO_MANY_PIXELS);
}

/* A scan of ten bytes costs the decoder as much as one of all its data. */
static void a_jpeg_of_10000_scans_is_refused(void **state)
{
    fixture_t f = fixture_read("header_jpeg/progressive", *state);
    fixture_t bomb = fixture_room(f.len + 10000 * 10, *state);
    int i;

    fixture_add(&bomb, f.bytes, f.len - 2);
    for (i = 0; i < 10000; i++) {
        fixture_add(&bomb, "\xFF\xDA\0\x08\1\1\0\1\5\0", 10);
    }
    fixture_add(&bomb, "\xFF\xD9", 2);
    assert_int_equal(refuse(DI_FORMAT_JPEG, &bomb), DI_RENDER_TOO_MANY_SCANS);
}

static void parts_of_a_jpeg_profile_add_up(void **state)
{
    fixture_t f = fixture_read("header_jpeg/rgb", *state);
    fixture_t bomb = fixture_room(f.len + 70 * 65535, *state);
    int i;

    fixture_add(&bomb, f.bytes, 2);
    for (i = 0; i < 70; i++) {
        fixture_add(&bomb, "\xFF\xE2\xFF\xFFICC_PROFILE\0\1\1", 18);
        fixture_add_zeros(&bomb, 65535 - 16);
    }
    fixture_add(&bomb, f.bytes + 2, f.len - 2);
    assert_int_equal(refuse(DI_FORMAT_JPEG, &bomb),
                     DI_RENDER_TOO_LARGE_PROFILE);
}

static void a_jpeg_without_a_scan_is_broken(void **state)
{
    fixture_t f = fixture_read("header_jpeg/rgb", *state);
    unsigned char *scan = fixture_find(&f, "\xFF\xDA\0\x0C", 1);

    memcpy(scan, "\xFF\xD9", 2);
    assert_int_equal(refuse(DI_FORMAT_JPEG, &f), DI_RENDER_BROKEN);
}

static void a_webp_canvas_must_be_its_picture(void **state)
{
    fixture_t f = fixture_read("header_webp/exif", *state);

    assert_int_equal(refuse(DI_FORMAT_WEBP, &f), DI_RENDER_OK);
    f.bytes[24] = 1;
    assert_int_equal(refuse(DI_FORMAT_WEBP, &f), DI_RENDER_BROKEN);
}

static void a_webp_canvas_alone_is_broken(void **state)
{
    static const unsigned char webp[] = {
        'R', 'I', 'F', 'F', 22, 0, 0, 0, 'W', 'E', 'B', 'P', 'V', 'P', '8',
        'X', 10,  0,   0,   0,  0, 0, 0, 0,   99,  0,   0,   49,  0,   0};
    fixture_t f = fixture_room(sizeof(webp), *state);

    fixture_add(&f, webp, sizeof(webp));
    assert_int_equal(refuse(DI_FORMAT_WEBP, &f), DI_RENDER_BROKEN);
    f.bytes[20] = 2; /* an animation without frames */
    assert_int_equal(refuse(DI_FORMAT_WEBP, &f), DI_RENDER_BROKEN);
}

/* Two directories of the fixture's shape: each entry is 12 bytes. */
static apr_uint32_t tiff_next(const fixture_t *f, apr_uint32_t at)
{
    return at + 2 + 12u * (f->bytes[at] | f->bytes[at + 1] << 8);
}

static void tiff_directories_in_a_circle_are_broken(void **state)
{
    fixture_t f = fixture_read("header_tiff/pages", *state);
    apr_uint32_t first = f.bytes[4] | (apr_uint32_t)f.bytes[5] << 8;
    apr_uint32_t next = tiff_next(&f, first);
    apr_uint32_t second = f.bytes[next] | (apr_uint32_t)f.bytes[next + 1] << 8;

    memcpy(f.bytes + next, f.bytes + 4, 4); /* the first is its own next */
    assert_int_equal(refuse(DI_FORMAT_TIFF, &f), DI_RENDER_BROKEN);
    f.bytes[next] = (unsigned char)second;
    f.bytes[next + 1] = (unsigned char)(second >> 8);
    assert_int_equal(refuse(DI_FORMAT_TIFF, &f), DI_RENDER_OK);
    memcpy(f.bytes + tiff_next(&f, second), f.bytes + 4, 4);
    assert_int_equal(refuse(DI_FORMAT_TIFF, &f), DI_RENDER_BROKEN);
}

/* 32 KB of directories, each of which holds all the later ones. */
static void tiff_directories_within_each_other_are_broken(void **state)
{
    fixture_t f = fixture_room(200000, *state);
    int i;

    fixture_add(&f, "II*\0\x08\0\0\0", 8);
    for (i = 0; i < 16000; i++) {
        fixture_add(&f, "\x10\x10", 2);
    }
    fixture_add_zeros(&f, 100000);
    assert_int_equal(refuse(DI_FORMAT_TIFF, &f), DI_RENDER_BROKEN);
}

static void a_bmp_of_the_least_number_is_refused(void **state)
{
    fixture_t f = fixture_read("header_bmp/top-down", *state);

    memcpy(f.bytes + 22, "\0\0\0\x80", 4);
    assert_int_equal(refuse(DI_FORMAT_BMP, &f), DI_RENDER_BROKEN);
    f = fixture_read("header_bmp/rle8", *state);
    memcpy(f.bytes + 22, "\0\0\0\x80", 4);
    assert_int_equal(refuse(DI_FORMAT_BMP, &f), DI_RENDER_TOO_MANY_PIXELS);
    memcpy(f.bytes + 18, "\0\0\0\x80", 4);
    assert_int_equal(refuse(DI_FORMAT_BMP, &f), DI_RENDER_BROKEN);
}

/* What becomes of a HEIF fixture when 4 bytes at a box's name + at are this. */
static void assert_lie(const char *file, di_format_e format, const char *box,
                       int nth, int at, apr_uint32_t value,
                       di_render_status_e status, apr_pool_t *p)
{
    fixture_t f = fixture_read(file, p);
    di_render_status_e found;

    fixture_put32(fixture_find(&f, box, nth) + at, value);
    found = refuse(format, &f);
    if (found != status) {
        fail_msg("%s: %s %+d = %x: %d", file, box, at, value, found);
    }
}

static void boxes_that_lie_are_refused(void **state)
{
    static const struct {
        const char *file, *box;
        int nth, at;
        apr_uint32_t value;
        di_render_status_e status;
    } lies[] = {
        /* Sizes of boxes: huge, too small, to the end, in 64 bits. */
        {"avif", "meta", 1, -4, 0xFFFFFFFFu, DI_RENDER_BROKEN},
        {"avif", "meta", 1, -4, 7, DI_RENDER_BROKEN},
        {"avif", "meta", 1, -4, 0, DI_RENDER_OK}, /* mdat lies in it */
        {"avif", "meta", 1, -4, 1, DI_RENDER_BROKEN},
        {"avif", "ipco", 1, -4, 0x7FFFFFFF, DI_RENDER_BROKEN},
        {"avif", "iprp", 1, 0, 0x6D657461, DI_RENDER_BROKEN},
        {"avif", "mdat", 1, -4, 0, DI_RENDER_OK},
        /* Counts. */
        {"avif", "iloc", 1, 10, 0xFFFF0001u, DI_RENDER_BROKEN},
        {"avif", "ipma", 1, 8, 0xFFFFFFFFu, DI_RENDER_BROKEN},
        /* The picture's size. */
        {"avif", "ispe", 1, 8, 0xFFFFFFFFu, DI_RENDER_TOO_MANY_PIXELS},
        {"avif", "ispe", 1, 8, 20001, DI_RENDER_TOO_LONG_SIDE},
        {"avif", "ispe", 1, 8, 0, DI_RENDER_BROKEN},
        /* Its data outside of the file. */
        {"avif", "iloc", 1, 18, 0x7FFFFFFF, DI_RENDER_BROKEN},
        /* Another picture's coding, or none. */
        {"avif", "av01", 1, 0, 0x68766331, DI_RENDER_UNSUPPORTED},
        {"avif", "av01", 1, 0, 0x6A706567, DI_RENDER_UNSUPPORTED},
        /* A grid: more tiles than there are, tiles too small, too large,
           too few for the whole, none. */
        {"avif-grid", "mdat", 1, 4, 0x0000FFFF, DI_RENDER_BROKEN},
        {"avif-grid", "ispe", 2, 8, 32, DI_RENDER_BROKEN},
        {"avif-grid", "ispe", 2, 8, 128, DI_RENDER_BROKEN},
        {"avif-grid", "ispe", 2, 8, 200000, DI_RENDER_UNSUPPORTED},
        {"avif-grid", "mdat", 1, 8, 0xFFFFFFFFu, DI_RENDER_BROKEN},
        {"avif-grid", "dimg", 1, 0, 0x74686D62, DI_RENDER_BROKEN},
        /* A crop of more than a block, larger than the picture, in parts. */
        {"avif-cropped", "clap", 1, 4, 22, DI_RENDER_OK},
        {"avif-cropped", "ispe", 1, 8, 149, DI_RENDER_OK},
        {"avif-cropped", "ispe", 1, 8, 150, DI_RENDER_UNSUPPORTED},
        {"avif-cropped", "clap", 1, 4, 25, DI_RENDER_UNSUPPORTED},
        {"avif-cropped", "clap", 1, 4, 0, DI_RENDER_BROKEN},
        {"avif-cropped", "clap", 1, 8, 3, DI_RENDER_UNSUPPORTED},
        {"avif-cropped", "clap", 1, 8, 0, DI_RENDER_UNSUPPORTED},
        /* A sequence. */
        {"avif-sequence", "stsz", 1, 12, 100001, DI_RENDER_TOO_MANY_FRAMES},
        {"avif-sequence", "minf", 1, -4, 0xFFFFFF, DI_RENDER_BROKEN},
        /* Alpha larger than the picture. */
        {"heic-alpha", "ispe", 3, 8, 70000, DI_RENDER_UNSUPPORTED},
    };
    size_t i;

    for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        assert_lie(apr_pstrcat(*state, "header_heif/", lies[i].file, NULL),
                   *lies[i].file == 'a' ? DI_FORMAT_AVIF : DI_FORMAT_HEIC,
                   lies[i].box, lies[i].nth, lies[i].at, lies[i].value,
                   lies[i].status, *state);
    }
}

static void turns_and_mirrors_add_up_to_an_orientation(void **state)
{
    static const apr_uint32_t orientations[4][2] = {
        {4, 2}, {5, 7}, {2, 4}, {7, 5}};
    fixture_t f = fixture_read("header_heif/avif-exif-turned", *state);
    unsigned char *turn = fixture_find(&f, "irot", 1) + 4;
    unsigned char *mirror = fixture_find(&f, "imir", 1) + 4;
    di_header_t header;

    for (*turn = 0; *turn < 4; ++*turn) {
        for (*mirror = 0; *mirror < 2; ++*mirror) {
            assert_int_equal(
                di_header_read(&header, DI_FORMAT_AVIF, f.bytes, f.len),
                DI_RENDER_OK);
            assert_int_equal(header.orientation, orientations[*turn][*mirror]);
        }
    }
}

static void a_heif_crop_to_part_of_a_block_is_the_size(void **state)
{
    fixture_t f = fixture_read("header_heif/avif-cropped", *state);
    di_header_t header;

    assert_int_equal(di_header_read(&header, DI_FORMAT_AVIF, f.bytes, f.len),
                     DI_RENDER_OK);
    assert_int_equal(header.width_px, 22);
    assert_int_equal(header.height_px, 16);
}

/* Sides of 30 bits: as written by hand from ISO/IEC 18181-1 C.2. */
static void a_jxl_of_many_pixels_is_refused(void **state)
{
    /* 0; 11, 30 bits of height - 1; ratio 1:1; metadata as usual. */
    fixture_t f = fixture_room(16, *state);
    apr_uint64_t bits = 6 | (apr_uint64_t)29999 << 3 | (apr_uint64_t)1 << 33 |
                        (apr_uint64_t)1 << 36;
    int i;

    fixture_add(&f, "\xFF\x0A", 2);
    for (i = 0; i < 8; i++, bits >>= 8) {
        unsigned char byte = (unsigned char)bits;

        fixture_add(&f, &byte, 1);
    }
    assert_int_equal(refuse(DI_FORMAT_JXL, &f), DI_RENDER_TOO_MANY_PIXELS);
}

static void a_jxl_without_its_last_part_is_broken(void **state)
{
    fixture_t f = fixture_read("header_jxl/parts-open", *state);

    assert_int_equal(refuse(DI_FORMAT_JXL, &f), DI_RENDER_BROKEN);
    f = fixture_read("header_jxl/parts", *state);
    assert_int_equal(refuse(DI_FORMAT_JXL, &f), DI_RENDER_OK);
    fixture_put32(fixture_find(&f, "jxlp", 1) + 4, 0x80000000u);
    assert_int_equal(refuse(DI_FORMAT_JXL, &f), DI_RENDER_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_png_of_30000_px_each_way_is_refused),
        UNIT(an_apng_has_the_frames_that_it_says_or_more),
        UNIT(one_moving_frame_behind_a_still_one_is_an_animation),
        UNIT(a_gif_of_100000_frames_is_refused),
        UNIT(a_gif_frame_counts_beyond_its_screen),
        UNIT(a_jpeg_of_10000_scans_is_refused),
        UNIT(parts_of_a_jpeg_profile_add_up),
        UNIT(a_jpeg_without_a_scan_is_broken),
        UNIT(a_webp_canvas_must_be_its_picture),
        UNIT(a_webp_canvas_alone_is_broken),
        UNIT(tiff_directories_in_a_circle_are_broken),
        UNIT(tiff_directories_within_each_other_are_broken),
        UNIT(a_bmp_of_the_least_number_is_refused),
        UNIT(boxes_that_lie_are_refused),
        UNIT(turns_and_mirrors_add_up_to_an_orientation),
        UNIT(a_heif_crop_to_part_of_a_block_is_the_size),
        UNIT(a_jxl_of_many_pixels_is_refused),
        UNIT(a_jxl_without_its_last_part_is_broken),
    };

    return UNIT_RUN(tests);
}
