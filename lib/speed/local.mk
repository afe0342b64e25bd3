noinst_LTLIBRARIES += libspeed.la
libspeed_la_SOURCES = \
    lib/speed/sample.c lib/speed/sample.h \
    lib/speed/estimate.c lib/speed/estimate.h \
    lib/speed/speedcookie.c lib/speed/speedcookie.h \
    lib/speed/htmlscan.c lib/speed/htmlscan.h \
    lib/speed/htmlskip.c lib/speed/htmlskip.h \
    lib/speed/htmlrules.c lib/speed/htmlrules.h \
    lib/speed/placecache.c lib/speed/placecache.h \
    lib/speed/snippet.c lib/speed/snippet.h \
    lib/speed/policy.c lib/speed/policy.h \
    lib/speed/gaps.c lib/speed/gaps.h \
    lib/speed/sealed.c lib/speed/sealed.h \
    lib/speed/budget.c lib/speed/budget.h \
    lib/speed/probe.c lib/speed/probe.h \
    lib/speed/tcpinfo.c lib/speed/tcpinfo.h \
    lib/speed/transfer.c lib/speed/transfer.h \
    lib/speed/plateau.c lib/speed/plateau.h \
    lib/speed/train.c lib/speed/train.h \
    lib/speed/passive.c lib/speed/passive.h \
    lib/speed/parallel.c lib/speed/parallel.h \
    lib/speed/sampler.c lib/speed/sampler.h \
    lib/speed/known.c lib/speed/known.h \
    lib/speed/clientkey.c lib/speed/clientkey.h \
    lib/speed/table.c lib/speed/table.h \
    lib/speed/client.h \
    lib/speed/networks.c lib/speed/networks.h \
    lib/speed/sharedrow.c lib/speed/sharedrow.h \
    lib/speed/share.c lib/speed/share.h
libspeed_la_LIBADD = -lm -lpthread
libspeed_la_SOURCES += lib/speed/counters.c lib/speed/counters.h \
    lib/speed/beaconlimit.c lib/speed/beaconlimit.h \
    lib/speed/pagemark.c lib/speed/pagemark.h \
    lib/speed/consent.c lib/speed/consent.h lib/speed/prior.c lib/speed/prior.h
SPEED_TEST_LIBS = libspeed.la libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_sample
tests_unit_test_sample_SOURCES = tests/unit/test_sample.c tests/unit/unit.h
tests_unit_test_sample_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_estimate
tests_unit_test_estimate_SOURCES = tests/unit/test_estimate.c \
    tests/unit/unit.h
tests_unit_test_estimate_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_speedcookie
tests_unit_test_speedcookie_SOURCES = tests/unit/test_speedcookie.c \
    tests/unit/unit.h
tests_unit_test_speedcookie_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_htmlscan
tests_unit_test_htmlscan_SOURCES = tests/unit/test_htmlscan.c \
    tests/unit/unit.h
tests_unit_test_htmlscan_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_snippet
tests_unit_test_snippet_SOURCES = tests/unit/test_snippet.c tests/unit/unit.h
tests_unit_test_snippet_LDADD = $(SPEED_TEST_LIBS) $(ZLIB_LIBS)

check_PROGRAMS += tests/unit/test_policy
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c tests/unit/unit.h
tests_unit_test_policy_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_transfer
tests_unit_test_transfer_SOURCES = tests/unit/test_transfer.c tests/unit/unit.h
tests_unit_test_transfer_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_plateau
tests_unit_test_plateau_SOURCES = tests/unit/test_plateau.c tests/unit/unit.h
tests_unit_test_plateau_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_passive
tests_unit_test_passive_SOURCES = tests/unit/test_passive.c tests/unit/unit.h
tests_unit_test_passive_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_parallel
tests_unit_test_parallel_SOURCES = tests/unit/test_parallel.c tests/unit/unit.h
tests_unit_test_parallel_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_known
tests_unit_test_known_SOURCES = tests/unit/test_known.c tests/unit/unit.h
tests_unit_test_known_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_sampler
tests_unit_test_sampler_SOURCES = tests/unit/test_sampler.c tests/unit/unit.h
tests_unit_test_sampler_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_train
tests_unit_test_train_SOURCES = tests/unit/test_train.c tests/unit/unit.h
tests_unit_test_train_LDADD = $(SPEED_TEST_LIBS)

SPEED_FUZZ_LIBS = libspeed.la libbase.la $(APR_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_htmlscan
tests_fuzz_fuzz_htmlscan_SOURCES = tests/fuzz/fuzz_htmlscan.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_htmlscan_LDADD = $(SPEED_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_sample
tests_fuzz_fuzz_sample_SOURCES = tests/fuzz/fuzz_sample.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_sample_LDADD = $(SPEED_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_speedcookie
tests_fuzz_fuzz_speedcookie_SOURCES = tests/fuzz/fuzz_speedcookie.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_speedcookie_LDADD = $(SPEED_FUZZ_LIBS)

EXTRA_DIST += tests/fuzz/corpus/htmlscan tests/fuzz/corpus/sample \
    tests/fuzz/corpus/speedcookie tests/fuzz/corpus/sharedrow

check_PROGRAMS += tests/unit/test_htmlskip
tests_unit_test_htmlskip_SOURCES = tests/unit/test_htmlskip.c tests/unit/unit.h
tests_unit_test_htmlskip_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_tally
tests_unit_test_tally_SOURCES = tests/unit/test_tally.c tests/unit/unit.h
tests_unit_test_tally_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_beaconlimit
tests_unit_test_beaconlimit_SOURCES = tests/unit/test_beaconlimit.c tests/unit/unit.h
tests_unit_test_beaconlimit_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_consent
tests_unit_test_consent_SOURCES = tests/unit/test_consent.c tests/unit/unit.h
tests_unit_test_consent_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_pagemark
tests_unit_test_pagemark_SOURCES = tests/unit/test_pagemark.c tests/unit/unit.h
tests_unit_test_pagemark_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_prior
tests_unit_test_prior_SOURCES = tests/unit/test_prior.c tests/unit/unit.h
tests_unit_test_prior_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_prior
tests_fuzz_fuzz_prior_SOURCES = tests/fuzz/fuzz_prior.c tests/fuzz/replay_main.c
tests_fuzz_fuzz_prior_LDADD = $(SPEED_FUZZ_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_consent
tests_fuzz_fuzz_consent_SOURCES = tests/fuzz/fuzz_consent.c tests/fuzz/replay_main.c
tests_fuzz_fuzz_consent_LDADD = $(SPEED_FUZZ_LIBS)

EXTRA_DIST += tests/fuzz/corpus/prior tests/fuzz/corpus/consent
check_PROGRAMS += tests/unit/test_gaps
tests_unit_test_gaps_SOURCES = tests/unit/test_gaps.c tests/unit/unit.h
tests_unit_test_gaps_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_budget
tests_unit_test_budget_SOURCES = tests/unit/test_budget.c tests/unit/unit.h
tests_unit_test_budget_LDADD = $(SPEED_TEST_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += tests/unit/test_probe
tests_unit_test_probe_SOURCES = tests/unit/test_probe.c tests/unit/unit.h
tests_unit_test_probe_LDADD = $(SPEED_TEST_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_probe
tests_fuzz_fuzz_probe_SOURCES = tests/fuzz/fuzz_probe.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_probe_LDADD = $(SPEED_FUZZ_LIBS) $(CRYPTO_LIBS)

EXTRA_DIST += tests/fuzz/corpus/probe

check_PROGRAMS += tests/unit/test_table
tests_unit_test_table_SOURCES = tests/unit/test_table.c tests/unit/unit.h
tests_unit_test_table_LDADD = $(SPEED_TEST_LIBS) -lpthread

check_PROGRAMS += tests/unit/test_clientkey
tests_unit_test_clientkey_SOURCES = tests/unit/test_clientkey.c \
    tests/unit/unit.h
tests_unit_test_clientkey_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_networks
tests_unit_test_networks_SOURCES = tests/unit/test_networks.c \
    tests/unit/unit.h
tests_unit_test_networks_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_sharedrow
tests_unit_test_sharedrow_SOURCES = tests/unit/test_sharedrow.c \
    tests/unit/unit.h
tests_unit_test_sharedrow_LDADD = $(SPEED_TEST_LIBS)

check_PROGRAMS += tests/unit/test_share
tests_unit_test_share_SOURCES = tests/unit/test_share.c tests/unit/unit.h \
    tests/unit/counting_log.h tests/unit/fake_server.h \
    tests/unit/memcached_server.h directives/share_memcached.c
tests_unit_test_share_CPPFLAGS = $(LIB_CPPFLAGS) -I$(srcdir)
tests_unit_test_share_LDADD = libspeed.la libmemstore.la libbase.la \
    $(UNIT_LIBS) -lpthread

check_PROGRAMS += tests/fuzz/fuzz_sharedrow
tests_fuzz_fuzz_sharedrow_SOURCES = tests/fuzz/fuzz_sharedrow.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_sharedrow_LDADD = $(SPEED_FUZZ_LIBS)

# For live tests; no test itself.
check_PROGRAMS += tests/unit/another_machine
tests_unit_another_machine_SOURCES = tests/unit/another_machine.c \
    directives/share_memcached.c
tests_unit_another_machine_CPPFLAGS = $(LIB_CPPFLAGS) -I$(srcdir)
tests_unit_another_machine_LDADD = libspeed.la libmemstore.la libbase.la \
    $(APR_LIBS) -lpthread
check_PROGRAMS += tests/unit/test_placecache
tests_unit_test_placecache_SOURCES = tests/unit/test_placecache.c \
    tests/unit/unit.h
tests_unit_test_placecache_LDADD = $(SPEED_TEST_LIBS)
