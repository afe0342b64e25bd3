noinst_LTLIBRARIES += libimage.la
libimage_la_SOURCES = lib/image/reason.c lib/image/reason.h \
    lib/image/sniff.c lib/image/sniff.h lib/image/tier.c lib/image/tier.h \
    lib/image/accept.c lib/image/accept.h \
    lib/image/variant.c lib/image/variant.h lib/image/obtain.c \
    lib/image/obtain.h lib/image/explain.c lib/image/explain.h \
    lib/image/cachecontrol.c lib/image/cachecontrol.h \
    lib/image/cost.c lib/image/cost.h lib/image/later.c lib/image/later.h \
    lib/image/mode.h lib/image/counters.c lib/image/counters.h \
    lib/image/ledger.c lib/image/ledger.h lib/image/tariff.c lib/image/tariff.h

check_PROGRAMS += tests/unit/test_sniff tests/unit/test_tier \
    tests/unit/test_obtain tests/unit/test_explain \
    tests/unit/test_cachecontrol
tests_unit_test_sniff_SOURCES = tests/unit/test_sniff.c
tests_unit_test_sniff_LDADD = libimage.la libbase.la $(UNIT_LIBS)
tests_unit_test_tier_SOURCES = tests/unit/test_tier.c
tests_unit_test_tier_LDADD = libimage.la libstore.la libbase.la $(CRYPTO_LIBS) $(UNIT_LIBS)
tests_unit_test_obtain_SOURCES = tests/unit/test_obtain.c
tests_unit_test_obtain_LDADD = libimage.la librender.la libstore.la libbase.la \
    $(RENDER_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS) -lpthread
tests_unit_test_explain_SOURCES = tests/unit/test_explain.c
tests_unit_test_explain_LDADD = libimage.la libbase.la $(UNIT_LIBS)
tests_unit_test_cachecontrol_SOURCES = tests/unit/test_cachecontrol.c
tests_unit_test_cachecontrol_LDADD = libimage.la libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_later tests/unit/test_cost
tests_unit_test_later_SOURCES = tests/unit/test_later.c tests/unit/unit.h
tests_unit_test_later_LDADD = libimage.la librender.la libstore.la libbase.la \
    $(RENDER_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS) -lpthread
tests_unit_test_cost_SOURCES = tests/unit/test_cost.c tests/unit/unit.h
tests_unit_test_cost_LDADD = libimage.la librender.la libbase.la \
    $(RENDER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_accept tests/unit/test_variant
tests_unit_test_accept_SOURCES = tests/unit/test_accept.c tests/unit/unit.h
tests_unit_test_accept_LDADD = libimage.la libbase.la $(UNIT_LIBS)
tests_unit_test_variant_SOURCES = tests/unit/test_variant.c tests/unit/unit.h
tests_unit_test_variant_LDADD = libimage.la libstore.la libbase.la \
    $(CRYPTO_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_ledger tests/unit/test_tariff
tests_unit_test_ledger_SOURCES = tests/unit/test_ledger.c tests/unit/unit.h
tests_unit_test_ledger_LDADD = libimage.la libbase.la $(UNIT_LIBS)
tests_unit_test_tariff_SOURCES = tests/unit/test_tariff.c tests/unit/unit.h
tests_unit_test_tariff_LDADD = libimage.la libbase.la $(UNIT_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_accept
tests_fuzz_fuzz_accept_SOURCES = tests/fuzz/fuzz_accept.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_accept_LDADD = libimage.la libbase.la $(APR_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_tariff
tests_fuzz_fuzz_tariff_SOURCES = tests/fuzz/fuzz_tariff.c \
    tests/fuzz/replay_main.c
tests_fuzz_fuzz_tariff_LDADD = libimage.la libbase.la $(APR_LIBS)
