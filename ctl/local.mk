# dynimagectl, one file for each command.  Of lib/ it takes what it calls, not
# whole folders, so that it needs none of the picture libraries.
sbin_PROGRAMS = ctl/dynimagectl
CTL_CPPFLAGS = $(LIB_CPPFLAGS) $(JANSSON_CFLAGS) $(XML_CFLAGS) \
    -DCTL_CONFIG=\"/etc/dynimage/dynimagectl.conf\" \
    -DCTL_VERSION=\"$(PACKAGE_VERSION)\"
CTL_LIBS = libfetch.la $(JANSSON_LIBS) $(XML_LIBS) $(APR_LIBS) -lpthread
ctl_dynimagectl_SOURCES = ctl/ctl.h ctl/dynimagectl.c ctl/options.c \
    ctl/admin.c ctl/admin.h ctl/jsonread.c ctl/jsonread.h ctl/show.c ctl/show.h \
    ctl/cmd_purge.c ctl/cmd_explain.c ctl/cmd_status.c ctl/cmd_report.c \
    lib/image/tariff.c lib/image/tariff.h lib/image/ledger.h \
    ctl/cmd_prerender.c ctl/pictures.c ctl/pictures.h \
    ctl/crawl.c ctl/crawl.h ctl/links.c ctl/links.h ctl/robots.c ctl/robots.h \
    ctl/resume.c ctl/resume.h ctl/progress.c ctl/progress.h \
    ctl/ahead.c ctl/ahead.h ctl/watch.c ctl/watch.h \
    ctl/cmd_push.c ctl/child.c ctl/child.h ctl/confcheck.c ctl/confcheck.h \
    ctl/install.c ctl/install.h ctl/stage.c ctl/stage.h
ctl_dynimagectl_CPPFLAGS = $(CTL_CPPFLAGS)
ctl_dynimagectl_LDADD = $(CTL_LIBS)

check_PROGRAMS += tests/unit/test_robots
tests_unit_test_robots_SOURCES = tests/unit/test_robots.c tests/unit/unit.h \
    ctl/robots.c ctl/robots.h
tests_unit_test_robots_CPPFLAGS = $(CTL_CPPFLAGS) -I$(srcdir)/ctl
tests_unit_test_robots_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_links
tests_unit_test_links_SOURCES = tests/unit/test_links.c tests/unit/unit.h \
    ctl/links.c ctl/links.h
tests_unit_test_links_CPPFLAGS = $(CTL_CPPFLAGS) -I$(srcdir)/ctl
tests_unit_test_links_LDADD = $(XML_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_progress
tests_unit_test_progress_SOURCES = tests/unit/test_progress.c \
    tests/unit/unit.h ctl/progress.c ctl/progress.h
tests_unit_test_progress_CPPFLAGS = $(CTL_CPPFLAGS) -I$(srcdir)/ctl
tests_unit_test_progress_LDADD = $(UNIT_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_links
tests_fuzz_fuzz_links_SOURCES = tests/fuzz/fuzz_links.c \
    tests/fuzz/replay_main.c ctl/links.c ctl/links.h
tests_fuzz_fuzz_links_CPPFLAGS = $(CTL_CPPFLAGS) -I$(srcdir)/ctl
tests_fuzz_fuzz_links_LDADD = $(XML_LIBS) $(APR_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_robots
tests_fuzz_fuzz_robots_SOURCES = tests/fuzz/fuzz_robots.c \
    tests/fuzz/replay_main.c ctl/robots.c ctl/robots.h
tests_fuzz_fuzz_robots_CPPFLAGS = $(CTL_CPPFLAGS) -I$(srcdir)/ctl
tests_fuzz_fuzz_robots_LDADD = $(APR_LIBS)
