/* SPDX-License-Identifier: Apache-2.0 */
/* Bills against figures computed by hand. */
#include "unit.h"

#include <apr_strings.h>

#include "image/tariff.h"

/* A month of 30 days, in millionths. */
#define MONTH_E6 1000000

/* 1 GB (1e9 bytes) for 30 days, of 1024 bytes x 1 s. */
#define GB_MONTH APR_UINT64_C(2531250000000)

/* What the bills below are of:
   250,000 requests; 3.5 GB sent; 20 GB saved; 1,200 renders of 2 h in all;
   4 GB stored for a month. */
static const di_used_t month = {.requests = 250000,
                                .bytes = APR_UINT64_C(3500000000),
                                .saved_bytes = APR_UINT64_C(20000000000),
                                .renders = 1200,
                                .render_us = APR_UINT64_C(7200000000),
                                .byte_seconds = 4 * GB_MONTH};

typedef struct {
    const char *tariff;
    const di_used_t *used;
    apr_uint64_t months_e6;
    const char *bill; /* "item quantity-included amount" of each line; total */
} bill_case_t;

static const di_used_t nothing;
static const di_used_t one = {.requests = 1,
                              .bytes = 1,
                              .saved_bytes = 1,
                              .renders = 1,
                              .render_us = 1,
                              .byte_seconds = 1};

static const bill_case_t bills[] = {
    /* The patent's three. */
    {"flat=10.00", &month, MONTH_E6, "flat 1.00-0.00 10.00; 10.00"},
    {"per_1000_requests=0.05", &month, MONTH_E6,
     "requests 250.00-0.00 12.50; 12.50"},
    {"per_gb_month=0.02 per_cpu_hour=0.08", &month, MONTH_E6,
     "storage 4.00-0.00 0.08; render CPU 2.00-0.00 0.16; 0.24"},
    /* Mixed: 10 + (250 - 100) x 0.05 + 3 x 0.02 + 2 x 0.08 + 3.5 x 0.01 */
    {"currency=EUR flat=10.00 included_requests=100000\n"
     "per_1000_requests=0.05 # beyond\n"
     "per_gb_month=0.02\tincluded_gb_month=1 per_cpu_hour=0.08 "
     "per_gb_sent=0.01",
     &month, MONTH_E6,
     "flat 1.00-0.00 10.00; requests 250.00-100.00 7.50; "
     "storage 4.00-1.00 0.06; render CPU 2.00-0.00 0.16; "
     "sent 3.50-0.00 0.035; 17.755"},
    /* What is included is for a month: half of it for half of one. */
    {"flat=10 included_requests=100000 per_1000_requests=0.05", &month,
     MONTH_E6 / 2, "flat 0.50-0.00 5.00; requests 250.00-50.00 10.00; 15.00"},
    /* More is included than was used: nothing, not less. */
    {"included_requests=300000 per_1000_requests=0.05 per_cpu_hour=1 "
     "included_cpu_hours=1.5",
     &month, MONTH_E6,
     "requests 250.00-250.00 0.00; render CPU 2.00-1.50 0.50; 0.50"},
    {"per_1000_renders=0.3 included_renders=200 per_gb_saved=0.001 "
     "per_gb_sent=1 included_gb_sent=0.5",
     &month, MONTH_E6,
     "sent 3.50-0.50 3.00; renders 1.20-0.20 0.30; saved 20.00-0.00 0.02; "
     "3.32"},
    /* Keys of price 0 are no lines. */
    {"per_gb_sent=0 per_1000_requests=0.000000", &month, MONTH_E6, "0.00"},
    {"flat=1 per_gb_sent=9", &nothing, 0,
     "flat 0.00-0.00 0.00; sent 0.00-0.00 0.00; 0.00"},
    /* Quantities are cut off, amounts rounded: 0.001 x 0.0005 = 5e-7 is the
       half that goes up, 0.001 x 0.000499 does not. */
    {"per_1000_requests=0.0005", &one, 0,
     "requests 0.001-0.00 0.000001; "
     "0.000001"},
    {"per_1000_requests=0.000499", &one, 0, "requests 0.001-0.00 0.00; 0.00"},
    {"per_cpu_hour=1000 per_gb_sent=1000 per_gb_month=1000", &one, 0,
     "storage 0.00-0.00 0.00; render CPU 0.00-0.00 0.00; sent 0.00-0.00 0.00; "
     "0.00"},
};

static const char *told(const di_bill_t *bill, apr_pool_t *p)
{
    const char *all = "";
    int i;

    for (i = 0; i < bill->lines; i++) {
        const di_bill_line_t *line = &bill->line[i];

        all = apr_psprintf(p, "%s%s %s-%s %s; ", all, line->item,
                           di_tariff_decimal(line->quantity_e6, p),
                           di_tariff_decimal(line->included_e6, p),
                           di_tariff_decimal(line->amount_e6, p));
    }
    return apr_pstrcat(p, all, di_tariff_decimal(bill->total_e6, p), NULL);
}

static void bills_are_as_computed_by_hand(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(bills) / sizeof(*bills); i++) {
        const bill_case_t *c = &bills[i];
        const char *wrong, *got;
        di_tariff_t tariff;
        di_bill_t bill;

        wrong = di_tariff_parse(&tariff, c->tariff, *state);
        if (wrong) {
            fail_msg("%s: %s", c->tariff, wrong);
        }
        di_tariff_bill(&bill, &tariff, c->used, c->months_e6);
        got = told(&bill, *state);
        if (strcmp(got, c->bill)) {
            fail_msg("%s: %s instead of %s", c->tariff, got, c->bill);
        }
    }
}

static void every_key_is_read_to_the_millionth(void **state)
{
    di_tariff_t tariff;

    assert_null(di_tariff_parse(&tariff,
                                "currency=CHF\nflat=999999999999.999999 "
                                "per_gb_month=0.000001 included_requests=1234 "
                                "included_gb_month=2.5",
                                *state));
    assert_string_equal(tariff.currency, "CHF");
    assert_true(tariff.price_e6[DI_CHARGE_FLAT] ==
                APR_UINT64_C(999999999999999999));
    assert_int_equal(tariff.price_e6[DI_CHARGE_STORED], 1);
    assert_int_equal(tariff.included_e6[DI_CHARGE_REQUESTS], 1234000);
    assert_int_equal(tariff.included_e6[DI_CHARGE_STORED], 2500000);
    assert_int_equal(tariff.price_e6[DI_CHARGE_CPU], 0);
}

static void a_wrong_tariff_is_told_with_what_is_legal(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "without a key"},
        {" # flat=10 \n\t", "without a key"},
        {"flat", "is not KEY=VALUE"},
        {"flat 10", "is not KEY=VALUE"},
        {"Flat=10", "\"Flat\" is no key of a tariff: legal are currency, flat, "
                    "per_1000_requests, included_requests, per_gb_month"},
        {"=10", "\"\" is no key"},
        {"flat=", "flat: \"\" is not a number from 0"},
        {"flat=-1", "flat: \"-1\" is not a number from 0"},
        {"flat=1,50", "such as 10 or 0.05"},
        {"flat=1.", "is not a number"},
        {"flat=.5", "is not a number"},
        {"flat=0.1234567", "is not a number"},
        {"flat=1e3", "is not a number"},
        {"flat=1000000000000", "999999999999.999999"},
        {"flat=1 flat=1", "flat is there twice"},
        {"currency=EUR currency=EUR", "currency is there twice"},
        {"currency=", "currency: \"\" is not 1 to 8 letters"},
        {"currency=E2", "is not 1 to 8 letters"},
        {"currency=ABCDEFGHI", "is not 1 to 8 letters"},
        {"included_gb_saved=1", "\"included_gb_saved\" is no key"},
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        di_tariff_t tariff;
        const char *wrong = di_tariff_parse(&tariff, cases[i].text, *state);

        if (!wrong || !strstr(wrong, cases[i].says)) {
            fail_msg("\"%s\": %s", cases[i].text, wrong ? wrong : "fine");
        }
    }
}

static void what_was_used_is_the_sum_of_all_cells(void **state)
{
    di_ledger_look_t look = {.tiers = 2, .renders = 6, .render_us = 7};
    di_used_t used;

    look.tier[0].cell[DI_RESULT_HIT] = (di_ledger_cell_t){1, 10, 100};
    look.tier[0].cell[DI_RESULT_ORIGINAL] = (di_ledger_cell_t){2, 20, 0};
    look.tier[1].cell[DI_RESULT_STAND_IN] = (di_ledger_cell_t){4, 40, 400};
    look.tier[2].cell[DI_RESULT_HIT] = (di_ledger_cell_t){9, 9, 9};
    di_used_of(&used, &look, 8);
    assert_int_equal(used.requests, 7);
    assert_int_equal(used.bytes, 70);
    assert_int_equal(used.saved_bytes, 500);
    assert_int_equal(used.renders, 6);
    assert_int_equal(used.render_us, 7);
    assert_int_equal(used.byte_seconds, 8);
}

static void
a_bill_is_of_a_difference_and_books_begun_anew_count_from_0(void **state)
{
    static const di_used_t from = {5, 50, 500, 6, 60, 600};
    static const di_used_t to = {7, 49, 501, 6, 0, 1600};
    di_used_t used;

    di_used_between(&used, &from, &to);
    assert_int_equal(used.requests, 2);
    assert_int_equal(used.bytes, 49);
    assert_int_equal(used.saved_bytes, 1);
    assert_int_equal(used.renders, 0);
    assert_int_equal(used.render_us, 0);
    assert_int_equal(used.byte_seconds, 1000);
}

static void what_does_not_fit_is_the_largest_number(void **state)
{
    static const di_used_t all = {APR_UINT64_MAX, APR_UINT64_MAX,
                                  APR_UINT64_MAX, APR_UINT64_MAX,
                                  APR_UINT64_MAX, APR_UINT64_MAX};
    di_ledger_look_t look = {.tiers = 1};
    di_tariff_t tariff;
    di_bill_t bill;
    di_used_t used;

    assert_null(di_tariff_parse(&tariff,
                                "flat=1 per_1000_requests=1 "
                                "per_gb_sent=999999999999",
                                *state));
    di_tariff_bill(&bill, &tariff, &all, APR_UINT64_MAX);
    assert_int_equal(bill.lines, 3);
    assert_true(bill.line[0].amount_e6 == APR_UINT64_MAX);
    assert_true(bill.line[1].quantity_e6 == APR_UINT64_MAX);
    assert_true(bill.line[2].amount_e6 == APR_UINT64_MAX);
    assert_true(bill.total_e6 == APR_UINT64_MAX);
    look.tier[0].cell[0].requests = look.tier[0].cell[1].requests =
        APR_UINT64_MAX - 1;
    di_used_of(&used, &look, 0);
    assert_true(used.requests == APR_UINT64_MAX);
}

static void months_and_money_are_shown_as_people_write_them(void **state)
{
    static const struct {
        apr_uint64_t value_e6;
        const char *decimal, *amount;
    } cases[] = {
        {0, "0.00", "0.00"},
        {1, "0.000001", "0.00"},
        {4999, "0.004999", "0.00"},
        {5000, "0.005", "0.01"},
        {12340000, "12.34", "12.34"},
        {12300000, "12.30", "12.30"},
        {999995000, "999.995", "1000.00"},
        {APR_UINT64_MAX, "18446744073709.551615", "18446744073709.55"}};
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_string_equal(di_tariff_decimal(cases[i].value_e6, *state),
                            cases[i].decimal);
        assert_string_equal(di_tariff_amount(cases[i].value_e6, *state),
                            cases[i].amount);
    }
    assert_int_equal(di_tariff_months_e6(0), 0);
    assert_int_equal(di_tariff_months_e6(30 * 86400), 1000000);
    assert_int_equal(di_tariff_months_e6(31 * 86400), 1033333);
    assert_int_equal(di_tariff_months_e6(1), 0);
    assert_int_equal(di_tariff_months_e6(2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(bills_are_as_computed_by_hand),
        UNIT(every_key_is_read_to_the_millionth),
        UNIT(a_wrong_tariff_is_told_with_what_is_legal),
        UNIT(what_was_used_is_the_sum_of_all_cells),
        UNIT(a_bill_is_of_a_difference_and_books_begun_anew_count_from_0),
        UNIT(what_does_not_fit_is_the_largest_number),
        UNIT(months_and_money_are_shown_as_people_write_them)};

    return UNIT_RUN(tests);
}
