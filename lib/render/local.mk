noinst_LTLIBRARIES += librender.la
librender_la_SOURCES = lib/render/render.h \
    lib/render/header.c lib/render/header.h \
    lib/render/density.c lib/render/density.h \
    lib/render/pngcolor.c lib/render/pngcolor.h \
    lib/render/scale.c lib/render/scale.h \
    lib/render/render_gm.c lib/render/render_gm.h
librender_la_CPPFLAGS = $(LIB_CPPFLAGS) $(GM_CFLAGS) $(SECCOMP_CFLAGS)

RENDER_TEST_LIBS = librender.la libbase.la $(GM_LIBS) $(SECCOMP_LIBS) \
    $(UNIT_LIBS)
RENDER_TEST_CPPFLAGS = $(LIB_CPPFLAGS) $(GM_CFLAGS)

check_PROGRAMS += tests/unit/test_scale
tests_unit_test_scale_SOURCES = tests/unit/test_scale.c tests/unit/unit.h
tests_unit_test_scale_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_density
tests_unit_test_density_SOURCES = tests/unit/test_density.c tests/unit/unit.h
tests_unit_test_density_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_header
tests_unit_test_header_SOURCES = tests/unit/test_header.c tests/unit/unit.h \
    tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_header_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_header_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_render_gm
tests_unit_test_render_gm_SOURCES = tests/unit/test_render_gm.c \
    tests/unit/unit.h tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_render_gm_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_render_gm_LDADD = $(RENDER_TEST_LIBS)
