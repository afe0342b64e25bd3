noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = lib/base/units.h lib/base/log.c lib/base/log.h \
    lib/base/arg.c lib/base/arg.h lib/base/seal.c lib/base/seal.h \
    lib/base/band.c lib/base/band.h lib/base/digest.c lib/base/digest.h \
    lib/base/tally.c lib/base/tally.h lib/base/pool.c lib/base/pool.h \
    lib/base/memory.c lib/base/memory.h \
    lib/base/quiet.c lib/base/quiet.h lib/base/steady.c lib/base/steady.h \
    lib/base/token.c lib/base/token.h \
    lib/base/caretaker.c lib/base/caretaker.h
libbase_la_CPPFLAGS = $(LIB_CPPFLAGS) $(CRYPTO_CFLAGS)
# The whole archive goes into each module, so each needs what seal.c
# and digest.c need.
libbase_la_LIBADD = $(CRYPTO_LIBS)

# For itself, so that mod_speedprobe does not need libcurl.
noinst_LTLIBRARIES += libfetch.la
libfetch_la_SOURCES = lib/base/fetch.c lib/base/fetch.h
libfetch_la_CPPFLAGS = $(LIB_CPPFLAGS) $(CURL_CFLAGS)
libfetch_la_LIBADD = $(CURL_LIBS)

check_PROGRAMS += tests/unit/test_fetch
tests_unit_test_fetch_SOURCES = tests/unit/test_fetch.c tests/unit/unit.h
tests_unit_test_fetch_LDADD = libfetch.la $(UNIT_LIBS) -lpthread

check_PROGRAMS += tests/unit/test_arg
tests_unit_test_arg_SOURCES = tests/unit/test_arg.c tests/unit/unit.h
tests_unit_test_arg_LDADD = libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_band
tests_unit_test_band_SOURCES = tests/unit/test_band.c tests/unit/unit.h
tests_unit_test_band_LDADD = libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_seal
tests_unit_test_seal_SOURCES = tests/unit/test_seal.c tests/unit/unit.h
tests_unit_test_seal_LDADD = libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_digest
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c tests/unit/unit.h
tests_unit_test_digest_LDADD = libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_memory
tests_unit_test_memory_SOURCES = tests/unit/test_memory.c tests/unit/unit.h \
    tests/unit/folder.h
tests_unit_test_memory_LDADD = libspeed.la libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_caretaker
tests_unit_test_caretaker_SOURCES = tests/unit/test_caretaker.c \
    tests/unit/unit.h
tests_unit_test_caretaker_LDADD = libbase.la $(UNIT_LIBS) -lpthread
# Apart: mod_speedprobe needs no jansson.
noinst_LTLIBRARIES += libjson.la
libjson_la_SOURCES = lib/base/json.c lib/base/json.h
libjson_la_CPPFLAGS = $(LIB_CPPFLAGS) $(JANSSON_CFLAGS)
libjson_la_LIBADD = $(JANSSON_LIBS)

check_PROGRAMS += tests/unit/test_token tests/unit/test_json
tests_unit_test_token_SOURCES = tests/unit/test_token.c tests/unit/unit.h \
    tests/unit/folder.h
tests_unit_test_token_LDADD = libbase.la $(UNIT_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test_json.c tests/unit/unit.h
tests_unit_test_json_LDADD = libjson.la $(UNIT_LIBS)
