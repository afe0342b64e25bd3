noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = lib/store/store.c lib/store/store.h \
    lib/store/record.c lib/store/record.h \
    lib/store/store_disk.c lib/store/store_disk.h \
    lib/store/reclaim.c lib/store/reclaim.h \
    lib/store/sweeper.c lib/store/sweeper.h \
    lib/store/store_memcached.c lib/store/store_memcached.h \
    lib/store/breaker.c lib/store/breaker.h \
    lib/store/lease.c lib/store/lease.h \
    lib/store/pace.c lib/store/pace.h
libstore_la_CPPFLAGS = $(LIB_CPPFLAGS) $(MEMCACHED_CFLAGS) $(ZLIB_CFLAGS)
libstore_la_LIBADD = $(MEMCACHED_LIBS) $(ZLIB_LIBS) -lpthread

# What any test of this folder links with, and the tests' shared parts.
STORE_TEST_LIBS = libstore.la libbase.la $(UNIT_LIBS) -lpthread
STORE_TEST_PARTS = tests/unit/unit.h tests/unit/counting_log.h \
    tests/unit/folder.h tests/unit/level_memory.h \
    tests/unit/memcached_server.h

check_PROGRAMS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(STORE_TEST_PARTS)
tests_unit_test_store_LDADD = $(STORE_TEST_LIBS)
