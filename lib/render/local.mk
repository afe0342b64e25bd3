noinst_LTLIBRARIES += librender.la
librender_la_SOURCES = lib/render/render.h \
    lib/render/compose.c lib/render/compose.h \
    lib/render/source.c lib/render/source.h \
    lib/render/candidate.c lib/render/candidate.h \
    lib/render/warm.c lib/render/warm.h lib/render/warm_pictures.h \
    lib/render/codec.c lib/render/codec.h \
    lib/render/codecs.c lib/render/codecs.h \
    lib/render/render_gm.c lib/render/render_gm.h \
    lib/render/render_jpeg.c lib/render/render_jpeg.h \
    lib/render/render_png.c lib/render/render_png.h \
    lib/render/pnglayout.c lib/render/pnglayout.h \
    lib/render/render_webp.c lib/render/render_webp.h \
    lib/render/render_avif.c lib/render/render_avif.h \
    lib/render/render_heif.c lib/render/render_heif.h \
    lib/render/render_de265.c lib/render/render_de265.h \
    lib/render/h273.c lib/render/h273.h \
    lib/render/render_jxl.c lib/render/render_jxl.h \
    lib/render/render_lcms.c lib/render/render_lcms.h
librender_la_SOURCES += lib/render/header.c lib/render/header.h \
    lib/render/header_in.h lib/render/cursor.h lib/render/box.h \
    lib/render/header_jpeg.c lib/render/header_png.c \
    lib/render/header_gif.c lib/render/header_webp.c \
    lib/render/header_tiff.c lib/render/header_bmp.c \
    lib/render/header_heif.c lib/render/header_jxl.c \
    lib/render/heif_meta.c lib/render/heif_meta.h \
    lib/render/exif.c lib/render/exif.h \
    lib/render/container.c lib/render/container.h \
    lib/render/container_avif.c lib/render/container_avif.h \
    lib/render/raster.c lib/render/raster.h \
    lib/render/scale.c lib/render/scale.h \
    lib/render/kind.c lib/render/kind.h \
    lib/render/ssim.c lib/render/ssim.h \
    lib/render/search.c lib/render/search.h \
    lib/render/mosaic.c lib/render/mosaic.h
librender_la_SOURCES += lib/render/wire.c lib/render/wire.h \
    lib/render/fdmsg.c lib/render/fdmsg.h \
    lib/render/queue.c lib/render/queue.h \
    lib/render/poolcount.h lib/render/ready.h \
    lib/render/dispatcher.c lib/render/dispatcher.h \
    lib/render/clock.h lib/render/restart.c lib/render/restart.h \
    lib/render/sandbox.c lib/render/sandbox.h \
    lib/render/renderer.c lib/render/renderer.h \
    lib/render/manager.c lib/render/manager.h \
    lib/render/workers.c lib/render/workers.h lib/render/workers_in.h \
    lib/render/client.c
librender_la_CPPFLAGS = $(LIB_CPPFLAGS) $(GM_CFLAGS) $(JPEG_CFLAGS) \
    $(PNG_CFLAGS) $(WEBP_CFLAGS) $(AVIF_CFLAGS) $(JXL_CFLAGS) \
    $(HEIF_CFLAGS) $(DE265_CFLAGS) $(LCMS_CFLAGS) $(SECCOMP_CFLAGS) \
    $(ZLIB_CFLAGS)

# What librender.la needs.
RENDER_LIBS = $(GM_LIBS) $(JPEG_LIBS) $(PNG_LIBS) $(WEBP_LIBS) $(AVIF_LIBS) \
    $(JXL_LIBS) $(HEIF_LIBS) $(DE265_LIBS) $(LCMS_LIBS) $(SECCOMP_LIBS) \
    $(ZLIB_LIBS) -lm

RENDER_TEST_LIBS = librender.la libbase.la $(RENDER_LIBS) $(UNIT_LIBS)
RENDER_TEST_CPPFLAGS = $(LIB_CPPFLAGS) $(GM_CFLAGS)

check_PROGRAMS += tests/unit/test_raster
tests_unit_test_raster_SOURCES = tests/unit/test_raster.c tests/unit/unit.h
tests_unit_test_raster_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_kind
tests_unit_test_kind_SOURCES = tests/unit/test_kind.c tests/unit/unit.h
tests_unit_test_kind_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_ssim
tests_unit_test_ssim_SOURCES = tests/unit/test_ssim.c tests/unit/unit.h \
    tests/unit/shortmemory.h
tests_unit_test_ssim_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_search
tests_unit_test_search_SOURCES = tests/unit/test_search.c tests/unit/unit.h
tests_unit_test_search_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_mosaic
tests_unit_test_mosaic_SOURCES = tests/unit/test_mosaic.c tests/unit/unit.h
tests_unit_test_mosaic_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_candidate
tests_unit_test_candidate_SOURCES = tests/unit/test_candidate.c \
    tests/unit/rasters.h tests/unit/unit.h tests/unit/shortmemory.h
tests_unit_test_candidate_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_scale
tests_unit_test_scale_SOURCES = tests/unit/test_scale.c tests/unit/unit.h
tests_unit_test_scale_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_exif
tests_unit_test_exif_SOURCES = tests/unit/test_exif.c tests/unit/unit.h
tests_unit_test_exif_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_container
tests_unit_test_container_SOURCES = tests/unit/test_container.c \
    tests/unit/unit.h
tests_unit_test_container_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_pnglayout
tests_unit_test_pnglayout_SOURCES = tests/unit/test_pnglayout.c \
    tests/unit/unit.h
tests_unit_test_pnglayout_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_png
tests_unit_test_render_png_SOURCES = tests/unit/test_render_png.c \
    tests/unit/unit.h
tests_unit_test_render_png_CPPFLAGS = $(LIB_CPPFLAGS) $(PNG_CFLAGS) \
    $(ZLIB_CFLAGS)
tests_unit_test_render_png_LDADD = $(RENDER_TEST_LIBS) $(ZLIB_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_exif
tests_fuzz_fuzz_exif_SOURCES = tests/fuzz/fuzz_exif.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_exif_LDADD = librender.la libbase.la $(RENDER_LIBS) \
    $(APR_LIBS)

check_PROGRAMS += tests/unit/test_header
tests_unit_test_header_SOURCES = tests/unit/test_header.c \
    tests/unit/fixture.h tests/unit/unit.h
tests_unit_test_header_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_header_bombs
tests_unit_test_header_bombs_SOURCES = tests/unit/test_header_bombs.c \
    tests/unit/fixture.h tests/unit/unit.h
tests_unit_test_header_bombs_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_compose
tests_unit_test_compose_SOURCES = tests/unit/test_compose.c \
    tests/unit/unit.h tests/unit/composing.h tests/unit/fixture.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_compose_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_compose_LDADD = $(RENDER_TEST_LIBS)

# Its own codecs come before those of librender.la.
check_PROGRAMS += tests/unit/test_compose_failing
tests_unit_test_compose_failing_SOURCES = tests/unit/test_compose_failing.c \
    tests/unit/unit.h tests/unit/composing.h tests/unit/rasters.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_compose_failing_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_compose_failing_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_compose_formats
tests_unit_test_compose_formats_SOURCES = tests/unit/test_compose_formats.c \
    tests/unit/unit.h tests/unit/composing.h tests/unit/rasters.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_compose_formats_CPPFLAGS = $(RENDER_TEST_CPPFLAGS) \
    $(JPEG_CFLAGS) $(LCMS_CFLAGS)
tests_unit_test_compose_formats_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_codecs
tests_unit_test_codecs_SOURCES = tests/unit/test_codecs.c \
    tests/unit/unit.h tests/unit/composing.h tests/unit/fixture.h \
    tests/unit/rasters.h tests/unit/shortmemory.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_codecs_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_codecs_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_gm
tests_unit_test_render_gm_SOURCES = tests/unit/test_render_gm.c \
    tests/unit/unit.h tests/unit/fixture.h tests/unit/rasters.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_render_gm_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_render_gm_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_heif
tests_unit_test_render_heif_SOURCES = tests/unit/test_render_heif.c \
    tests/unit/unit.h tests/unit/fixture.h tests/unit/rasters.h
tests_unit_test_render_heif_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_jpeg
tests_unit_test_render_jpeg_SOURCES = tests/unit/test_render_jpeg.c \
    tests/unit/unit.h
tests_unit_test_render_jpeg_CPPFLAGS = $(RENDER_TEST_CPPFLAGS) $(JPEG_CFLAGS)
tests_unit_test_render_jpeg_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_lcms
tests_unit_test_render_lcms_SOURCES = tests/unit/test_render_lcms.c \
    tests/unit/unit.h
tests_unit_test_render_lcms_CPPFLAGS = $(RENDER_TEST_CPPFLAGS) $(LCMS_CFLAGS)
tests_unit_test_render_lcms_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_webp
tests_unit_test_render_webp_SOURCES = tests/unit/test_render_webp.c \
    tests/unit/unit.h tests/unit/rasters.h
tests_unit_test_render_webp_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_jxl
tests_unit_test_render_jxl_SOURCES = tests/unit/test_render_jxl.c \
    tests/unit/unit.h tests/unit/rasters.h
tests_unit_test_render_jxl_CPPFLAGS = $(RENDER_TEST_CPPFLAGS) $(JXL_CFLAGS)
tests_unit_test_render_jxl_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_avif
tests_unit_test_render_avif_SOURCES = tests/unit/test_render_avif.c \
    tests/unit/unit.h tests/unit/rasters.h
tests_unit_test_render_avif_CPPFLAGS = $(RENDER_TEST_CPPFLAGS) $(AVIF_CFLAGS)
tests_unit_test_render_avif_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_wire
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c tests/unit/unit.h
tests_unit_test_wire_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_restart
tests_unit_test_restart_SOURCES = tests/unit/test_restart.c tests/unit/unit.h
tests_unit_test_restart_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c \
    tests/unit/unit.h tests/unit/fixture.h tests/unit/rasters.h
tests_unit_test_sandbox_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_queue
tests_unit_test_queue_SOURCES = tests/unit/test_queue.c tests/unit/unit.h
tests_unit_test_queue_LDADD = $(RENDER_TEST_LIBS)

# Its own di_compose comes before that of librender.la.
check_PROGRAMS += tests/unit/test_workers
tests_unit_test_workers_SOURCES = tests/unit/test_workers.c \
    tests/unit/fake_compose.c tests/unit/poolrig.c tests/unit/poolrig.h \
    tests/unit/unit.h
tests_unit_test_workers_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_pool
tests_unit_test_render_pool_SOURCES = tests/unit/test_render_pool.c \
    tests/unit/poolrig.c tests/unit/poolrig.h tests/unit/unit.h \
    tests/unit/fixture.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_render_pool_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_render_pool_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_cpu
tests_unit_test_render_cpu_SOURCES = tests/unit/test_render_cpu.c \
    tests/unit/poolrig.c tests/unit/poolrig.h tests/unit/unit.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_render_cpu_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_render_cpu_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_wire_LDADD = librender.la libbase.la $(RENDER_LIBS) \
    $(APR_LIBS)

# One target for each parser of a format's header.
HEADER_FUZZ_SOURCES = tests/fuzz/header_one.h tests/fuzz/replay_main.c
HEADER_FUZZ_LIBS = librender.la libbase.la $(RENDER_LIBS) \
    $(APR_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_jpeg
tests_fuzz_fuzz_jpeg_SOURCES = tests/fuzz/fuzz_jpeg.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_jpeg_LDADD = librender.la libbase.la $(RENDER_LIBS) \
    $(APR_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_jpeg
tests_fuzz_fuzz_header_jpeg_SOURCES = tests/fuzz/fuzz_header_jpeg.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_jpeg_LDADD = $(HEADER_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_png
tests_fuzz_fuzz_header_png_SOURCES = tests/fuzz/fuzz_header_png.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_png_LDADD = $(HEADER_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_gif
tests_fuzz_fuzz_header_gif_SOURCES = tests/fuzz/fuzz_header_gif.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_gif_LDADD = $(HEADER_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_webp
tests_fuzz_fuzz_header_webp_SOURCES = tests/fuzz/fuzz_header_webp.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_webp_LDADD = $(HEADER_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_tiff
tests_fuzz_fuzz_header_tiff_SOURCES = tests/fuzz/fuzz_header_tiff.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_tiff_LDADD = $(HEADER_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_bmp
tests_fuzz_fuzz_header_bmp_SOURCES = tests/fuzz/fuzz_header_bmp.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_bmp_LDADD = $(HEADER_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_heif
tests_fuzz_fuzz_header_heif_SOURCES = tests/fuzz/fuzz_header_heif.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_heif_LDADD = $(HEADER_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header_jxl
tests_fuzz_fuzz_header_jxl_SOURCES = tests/fuzz/fuzz_header_jxl.c \
    $(HEADER_FUZZ_SOURCES)
tests_fuzz_fuzz_header_jxl_LDADD = $(HEADER_FUZZ_LIBS)
