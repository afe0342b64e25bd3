# The memcached level with what it needs, for both modules; and the rest.
noinst_LTLIBRARIES += libmemstore.la libstore.la
libmemstore_la_SOURCES = lib/store/store.c lib/store/store.h \
    lib/store/record.c lib/store/record.h \
    lib/store/store_memcached.c lib/store/store_memcached.h \
    lib/store/breaker.c lib/store/breaker.h lib/store/shareditem.h \
    lib/store/pace.c lib/store/pace.h
libmemstore_la_CPPFLAGS = $(LIB_CPPFLAGS) $(MEMCACHED_CFLAGS) $(ZLIB_CFLAGS)
libmemstore_la_LIBADD = $(MEMCACHED_LIBS) $(ZLIB_LIBS)
libstore_la_SOURCES = lib/store/store_disk.c lib/store/store_disk.h \
    lib/store/account.c lib/store/account.h lib/store/account_in.h \
    lib/store/booking.c lib/store/booking.h \
    lib/store/tree.c lib/store/tree.h \
    lib/store/usage.c lib/store/usage.h \
    lib/store/reclaim.c lib/store/reclaim.h \
    lib/store/sweeper.c lib/store/sweeper.h \
    lib/store/lease.c lib/store/lease.h \
    lib/store/purges.c lib/store/purges.h \
    lib/store/purgesync.c lib/store/purgesync.h \
    lib/store/flight.c lib/store/flight.h \
    lib/store/store_memory.c lib/store/store_memory.h \
    lib/store/books.c lib/store/books.h
libstore_la_CPPFLAGS = $(LIB_CPPFLAGS)
libstore_la_LIBADD = libmemstore.la -lpthread

# What any test of this folder links with, and the tests' shared parts.
STORE_TEST_LIBS = libstore.la libbase.la $(UNIT_LIBS) -lpthread
STORE_TEST_PARTS = tests/unit/unit.h tests/unit/counting_log.h \
    tests/unit/folder.h tests/unit/level_memory.h tests/unit/shop.h \
    tests/unit/memcached_server.h

check_PROGRAMS += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(STORE_TEST_PARTS)
tests_unit_test_store_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_record
tests_unit_test_record_SOURCES = tests/unit/test_record.c $(STORE_TEST_PARTS)
tests_unit_test_record_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_pace
tests_unit_test_pace_SOURCES = tests/unit/test_pace.c $(STORE_TEST_PARTS)
tests_unit_test_pace_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_breaker
tests_unit_test_breaker_SOURCES = tests/unit/test_breaker.c \
    $(STORE_TEST_PARTS)
tests_unit_test_breaker_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_reclaim
tests_unit_test_reclaim_SOURCES = tests/unit/test_reclaim.c \
    $(STORE_TEST_PARTS)
tests_unit_test_reclaim_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_books
tests_unit_test_books_SOURCES = tests/unit/test_books.c $(STORE_TEST_PARTS)
tests_unit_test_books_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_usage
tests_unit_test_usage_SOURCES = tests/unit/test_usage.c $(STORE_TEST_PARTS)
tests_unit_test_usage_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_account
tests_unit_test_account_SOURCES = tests/unit/test_account.c \
    $(STORE_TEST_PARTS)
tests_unit_test_account_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_quota
tests_unit_test_quota_SOURCES = tests/unit/test_quota.c $(STORE_TEST_PARTS)
tests_unit_test_quota_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_sweeper
tests_unit_test_sweeper_SOURCES = tests/unit/test_sweeper.c \
    $(STORE_TEST_PARTS)
tests_unit_test_sweeper_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_lease
tests_unit_test_lease_SOURCES = tests/unit/test_lease.c $(STORE_TEST_PARTS)
tests_unit_test_lease_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_flight tests/unit/test_store_memory
tests_unit_test_flight_SOURCES = tests/unit/test_flight.c $(STORE_TEST_PARTS)
tests_unit_test_flight_LDADD = $(STORE_TEST_LIBS)
tests_unit_test_store_memory_SOURCES = tests/unit/test_store_memory.c \
    $(STORE_TEST_PARTS)
tests_unit_test_store_memory_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_record
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_record_LDADD = libstore.la libbase.la $(APR_LIBS)

check_PROGRAMS += tests/unit/test_store_disk
tests_unit_test_store_disk_SOURCES = tests/unit/test_store_disk.c \
    $(STORE_TEST_PARTS)
tests_unit_test_store_disk_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_store_memcached
tests_unit_test_store_memcached_SOURCES = tests/unit/test_store_memcached.c \
    tests/unit/fake_server.h $(STORE_TEST_PARTS)
tests_unit_test_store_memcached_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_purges
tests_unit_test_purges_SOURCES = tests/unit/test_purges.c $(STORE_TEST_PARTS)
tests_unit_test_purges_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_purgesync
tests_unit_test_purgesync_SOURCES = tests/unit/test_purgesync.c \
    $(STORE_TEST_PARTS)
tests_unit_test_purgesync_LDADD = $(STORE_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_purges
tests_fuzz_fuzz_purges_SOURCES = tests/fuzz/fuzz_purges.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_purges_LDADD = libstore.la libbase.la $(APR_LIBS)

# For the live tests.
check_PROGRAMS += tests/unit/look_accounts
tests_unit_look_accounts_SOURCES = tests/unit/look_accounts.c
tests_unit_look_accounts_LDADD = libstore.la libbase.la $(APR_LIBS)
