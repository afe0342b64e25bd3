noinst_LTLIBRARIES += librender.la
librender_la_SOURCES = lib/render/render.h \
    lib/render/header.c lib/render/header.h \
    lib/render/density.c lib/render/density.h \
    lib/render/pngcolor.c lib/render/pngcolor.h \
    lib/render/scale.c lib/render/scale.h \
    lib/render/render_gm.c lib/render/render_gm.h \
    lib/render/wire.c lib/render/wire.h \
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

check_PROGRAMS += tests/unit/test_wire
tests_unit_test_wire_SOURCES = tests/unit/test_wire.c tests/unit/unit.h
tests_unit_test_wire_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_restart
tests_unit_test_restart_SOURCES = tests/unit/test_restart.c tests/unit/unit.h
tests_unit_test_restart_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c tests/unit/unit.h
tests_unit_test_sandbox_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_workers
tests_unit_test_workers_SOURCES = tests/unit/test_workers.c \
    tests/unit/unit.h tests/unit/pictures.c tests/unit/pictures.h
tests_unit_test_workers_CPPFLAGS = $(RENDER_TEST_CPPFLAGS)
tests_unit_test_workers_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/unit/test_pngcolor
tests_unit_test_pngcolor_SOURCES = tests/unit/test_pngcolor.c \
    tests/unit/unit.h
tests_unit_test_pngcolor_LDADD = $(RENDER_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_wire_LDADD = librender.la libbase.la $(GM_LIBS) \
    $(SECCOMP_LIBS) $(APR_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_header
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz_header.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_header_LDADD = librender.la libbase.la $(GM_LIBS) \
    $(SECCOMP_LIBS) $(APR_LIBS)
