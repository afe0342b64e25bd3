/* SPDX-License-Identifier: Apache-2.0 */
/* Test pictures; see the header.  The child writes its answer to a memory
   file: width and height, 4 bytes each, then the bytes asked for. */
#include "pictures.h"

#include "unit.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <magick/api.h>
#include <magick/confirm_access.h>
#pragma GCC diagnostic pop

#define PROFILE_BYTES 4000

static void put(int fd, const void *bytes, size_t len)
{
    if (write(fd, bytes, len) != (ssize_t)len) {
        _exit(3);
    }
}

static unsigned char *ramps(unsigned width, unsigned height, unsigned flags)
{
    unsigned char *pixels = malloc((size_t)width * height * 4), *q = pixels;
    unsigned x, y, seed = 12345;

    for (y = 0; pixels && y < height; y++) {
        for (x = 0; x < width; x++, q += 4) {
            seed = seed * 1664525 + 1013904223;
            q[0] = (unsigned char)(flags & PICTURE_NOISE ? seed >> 24
                                                         : x * 255 / width);
            q[1] = (unsigned char)(flags & PICTURE_NOISE ? seed >> 16
                                                         : y * 255 / height);
            q[2] = flags & PICTURE_NOISE ? (unsigned char)(seed >> 8) : 64;
            if (flags & PICTURE_GRAY) {
                q[1] = q[2] = q[0];
            }
            q[3] = flags & PICTURE_ALPHA && x < width / 2 ? 0 : 255;
        }
    }
    return pixels;
}

static Image *frames(unsigned width, unsigned height, unsigned flags,
                     ExceptionInfo *ex)
{
    unsigned char *pixels = ramps(width, height, flags);
    Image *list = NULL;
    int i;

    for (i = 0; i < (flags & PICTURE_FRAMES ? 3 : 1); i++) {
        Image *image =
            ConstituteImage(width, height, "RGBA", CharPixel, pixels, ex);

        image->matte =
            flags & (PICTURE_ALPHA | PICTURE_OPAQUE) ? MagickTrue : MagickFalse;
        image->delay = 10;
        pixels[0] = (unsigned char)(pixels[0] + 100);
        AppendImageToList(&list, image);
    }
    free(pixels);
    return GetFirstImageInList(list);
}

static void describe(Image *image, ImageInfo *info, unsigned flags)
{
    unsigned char profile[PROFILE_BYTES];

    info->quality = 90;
    CloneString(&info->sampling_factor, flags & PICTURE_444 ? "1x1" : "2x2");
    if (flags & PICTURE_PROGRESSIVE) {
        info->interlace = LineInterlace;
    }
    if (flags & PICTURE_GRAY && !(flags & PICTURE_COLOR_FILE)) {
        info->type = OptimizeType;
    }
    if (flags & PICTURE_JPEG_INSIDE) {
        info->compression = JPEGCompression;
    }
    if (flags & PICTURE_CMYK) {
        TransformColorspace(image, CMYKColorspace);
    }
    if (flags & PICTURE_COMMENT) {
        SetImageAttribute(image, "comment", "made on a Tuesday");
        SetImageAttribute(image, "Software", "made by a test");
    }
    if (flags & PICTURE_ICC) {
        memset(profile, 0x5A, sizeof(profile));
        SetImageProfile(image, "ICM", profile, sizeof(profile));
    }
}

/* The process that forked this child may have taken coders away and set
   limits.  The library must have been there to be destroyed. */
static void start_library(void)
{
    InitializeMagick(NULL);
    DestroyMagick();
    InitializeMagick(NULL);
    MagickSetConfirmAccessHandler(NULL);
    SetMagickResourceLimit(PixelsResource, 1 << 30);
    SetMagickResourceLimit(MemoryResource, 1 << 30);
    SetMagickResourceLimit(ReadResource, 1 << 30);
}

static void make_in_child(int fd, const char *coder, unsigned width,
                          unsigned height, unsigned flags)
{
    ExceptionInfo ex;
    ImageInfo *info;
    Image *image;
    size_t len = 0;
    void *blob;

    start_library();
    GetExceptionInfo(&ex);
    info = CloneImageInfo(NULL);
    image = frames(width, height, flags, &ex);
    describe(image, info, flags);
    info->adjoin = MagickTrue;
    apr_cpystrn(image->magick, coder, MaxTextExtent);
    blob = ImageToBlob(info, image, &len, &ex);
    if (!blob) {
        _exit(2);
    }
    put(fd, &width, sizeof(width));
    put(fd, &height, sizeof(height));
    put(fd, blob, len);
    _exit(0);
}

static void decode_in_child(int fd, const char *coder,
                            const unsigned char *bytes, apr_size_t len)
{
    ExceptionInfo ex;
    ImageInfo *info;
    Image *image;
    unsigned width, height;
    unsigned char *pixels;

    start_library();
    GetExceptionInfo(&ex);
    info = CloneImageInfo(NULL);
    apr_snprintf(info->filename, sizeof(info->filename), "%s:", coder);
    image = BlobToImage(info, bytes, len, &ex);
    if (!image || ex.severity != UndefinedException) {
        _exit(2);
    }
    /* Without alpha its samples may be anything. */
    if (!image->matte) {
        SetImageOpacity(image, OpaqueOpacity);
    }
    width = (unsigned)image->columns;
    height = (unsigned)image->rows;
    pixels = malloc((size_t)width * height * 4);
    if (DispatchImage(image, 0, 0, width, height, "RGBA", CharPixel, pixels,
                      &ex) == MagickFail) {
        _exit(2);
    }
    put(fd, &width, sizeof(width));
    put(fd, &height, sizeof(height));
    put(fd, pixels, (size_t)width * height * 4);
    _exit(0);
}

/* What the child wrote; *bytes NULL when it failed. */
static apr_size_t take(unsigned char **bytes, unsigned size_px[2], int fd,
                       pid_t child, apr_pool_t *p)
{
    int how = -1;
    off_t len;

    assert_int_equal(waitpid(child, &how, 0), child);
    len = lseek(fd, 0, SEEK_END);
    *bytes = NULL;
    if (how == 0 && len >= 8) {
        *bytes = apr_palloc(p, (apr_size_t)len);
        assert_int_equal(pread(fd, size_px, 8, 0), 8);
        assert_int_equal(pread(fd, *bytes, (size_t)len - 8, 8), len - 8);
    }
    close(fd);
    return *bytes ? (apr_size_t)len - 8 : 0;
}

picture_t picture_make(const char *coder, unsigned width_px, unsigned height_px,
                       unsigned flags, apr_pool_t *p)
{
    int fd = memfd_create("picture", MFD_CLOEXEC);
    unsigned size_px[2];
    picture_t picture;
    pid_t child = fork();

    if (child == 0) {
        make_in_child(fd, coder, width_px, height_px, flags);
    }
    picture.len = take(&picture.bytes, size_px, fd, child, p);
    assert_non_null(picture.bytes);
    return picture;
}

unsigned char *picture_pixels(unsigned *width_px, unsigned *height_px,
                              const char *coder, const unsigned char *bytes,
                              apr_size_t len, apr_pool_t *p)
{
    int fd = memfd_create("pixels", MFD_CLOEXEC);
    unsigned size_px[2] = {0, 0};
    unsigned char *pixels;
    pid_t child = fork();

    if (child == 0) {
        decode_in_child(fd, coder, bytes, len);
    }
    (void)take(&pixels, size_px, fd, child, p);
    *width_px = size_px[0];
    *height_px = size_px[1];
    return pixels;
}

picture_t picture_insert(const picture_t *picture, apr_size_t at,
                         const void *bytes, apr_size_t len, apr_pool_t *p)
{
    picture_t out = {apr_palloc(p, picture->len + len), picture->len + len};

    memcpy(out.bytes, picture->bytes, at);
    memcpy(out.bytes + at, bytes, len);
    memcpy(out.bytes + at + len, picture->bytes + at, picture->len - at);
    return out;
}
