/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/search.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define POINTS 16

typedef struct {
    unsigned ssim_e4;
    unsigned bytes;
} point_t;

typedef struct {
    const char *of;
    point_t points[POINTS]; /* at qualities 20, 25 ... 95 */
} curve_t;

/* Photographs scaled to 900 px, by cjpeg -optimize -progressive and cwebp
   -m 4. */
static const curve_t curves[] = {
    {"dogs, JPEG",
     {{9268, 21473},
      {9389, 24777},
      {9473, 27881},
      {9532, 30802},
      {9576, 33300},
      {9615, 36044},
      {9647, 38469},
      {9673, 40998},
      {9702, 44101},
      {9732, 47855},
      {9764, 52587},
      {9792, 57863},
      {9825, 66087},
      {9860, 77829},
      {9897, 97555},
      {9938, 140545}}},
    {"sunset, JPEG",
     {{9158, 15968},
      {9288, 18969},
      {9374, 21786},
      {9442, 24791},
      {9487, 27339},
      {9534, 30309},
      {9571, 32589},
      {9599, 34959},
      {9632, 37856},
      {9667, 41546},
      {9700, 45781},
      {9731, 50685},
      {9770, 58495},
      {9811, 70041},
      {9860, 91365},
      {9919, 137990}}},
    {"stream, JPEG",
     {{8646, 56314},
      {8835, 65840},
      {8974, 74523},
      {9081, 82639},
      {9159, 89284},
      {9233, 96517},
      {9292, 102913},
      {9348, 109357},
      {9409, 117412},
      {9474, 127138},
      {9545, 139197},
      {9617, 152817},
      {9702, 172947},
      {9790, 200161},
      {9879, 244044},
      {9958, 328197}}},
    {"storm, JPEG",
     {{9651, 7848},
      {9711, 8628},
      {9749, 9676},
      {9782, 10595},
      {9803, 11505},
      {9823, 12590},
      {9839, 13369},
      {9850, 14298},
      {9861, 15418},
      {9872, 16848},
      {9882, 18471},
      {9892, 20419},
      {9900, 23558},
      {9908, 28940},
      {9919, 40114},
      {9936, 70543}}},
    {"elephants, JPEG",
     {{8193, 33780},
      {8423, 40356},
      {8586, 46375},
      {8715, 52127},
      {8805, 56954},
      {8893, 62258},
      {8963, 66878},
      {9031, 71726},
      {9104, 77615},
      {9182, 84797},
      {9270, 93513},
      {9362, 103810},
      {9475, 119318},
      {9602, 140686},
      {9751, 176099},
      {9908, 246326}}},
    {"wine, JPEG",
     {{9293, 20289},
      {9416, 23771},
      {9501, 26912},
      {9560, 29831},
      {9602, 32303},
      {9642, 35115},
      {9671, 37454},
      {9695, 39828},
      {9722, 42886},
      {9750, 46658},
      {9777, 51082},
      {9802, 56225},
      {9831, 64297},
      {9863, 75372},
      {9898, 95073},
      {9937, 138172}}},
    {"fig, WebP",
     {{8062, 22452},
      {8239, 25723},
      {8406, 29608},
      {8559, 33552},
      {8687, 37652},
      {8810, 42021},
      {8904, 46244},
      {8972, 49642},
      {9059, 53768},
      {9161, 59227},
      {9225, 63366},
      {9318, 69852},
      {9505, 87204},
      {9661, 110700},
      {9806, 148716},
      {9893, 203647}}},
    {"kleiber, WebP",
     {{9626, 11442},
      {9669, 12528},
      {9709, 13664},
      {9733, 14677},
      {9752, 15734},
      {9770, 16877},
      {9781, 17668},
      {9796, 18961},
      {9807, 20122},
      {9818, 21150},
      {9830, 22452},
      {9839, 24027},
      {9865, 28736},
      {9892, 35975},
      {9919, 50116},
      {9937, 84583}}},
};

static unsigned between(unsigned a, unsigned b, int fifths)
{
    return (unsigned)(((int)a * (5 - fifths) + (int)b * fifths) / 5);
}

static point_t at(const curve_t *curve, int quality)
{
    int i = (quality - 20) / 5;
    const point_t *p = &curve->points[i];
    const point_t *q = i + 1 < POINTS ? p + 1 : p;
    int fifths = (quality - 20) % 5;
    point_t result;

    result.ssim_e4 = between(p->ssim_e4, q->ssim_e4, fifths);
    result.bytes = between(p->bytes, q->bytes, fifths);
    return result;
}

static int lowest_that_keeps(const curve_t *curve, unsigned floor_e4)
{
    int quality = 20;

    while (quality <= 95 && at(curve, quality).ssim_e4 < floor_e4) {
        quality++;
    }
    return quality <= 95 ? quality : 0;
}

static void run(di_search_t *s, const curve_t *curve, unsigned floor_e4,
                int start)
{
    int quality;

    di_search_begin(s, floor_e4, start, 20, 95);
    while (di_search_next(s, &quality)) {
        point_t p;

        assert_in_range(quality, 20, 95);
        p = at(curve, quality);
        di_search_feed(s, p.ssim_e4, p.bytes);
    }
}

static const int starts[] = {20, 50, 70, 80, 95};

/* Bytes over those of the lowest quality that keeps the floor, in percent. */
static double excess_pct(const curve_t *curve, unsigned floor_e4, int start)
{
    int ideal = lowest_that_keeps(curve, floor_e4);
    di_search_t s;

    run(&s, curve, floor_e4, start);
    if (!ideal) {
        assert_int_equal(s.best, -1);
        return 0;
    }
    if (s.best < 0) {
        fail_msg("%s: no quality for %u from %d", curve->of, floor_e4, start);
    }
    assert_true(s.tries[s.best].ssim_e4 >= floor_e4);
    return 100.0 * (double)s.tries[s.best].bytes / at(curve, ideal).bytes - 100;
}

static void real_curves_end_near_the_smallest_file(void **state)
{
    double sum = 0, worst = 0;
    unsigned floor_e4, runs = 0;
    size_t c, i;

    for (c = 0; c < COUNT(curves); c++) {
        for (floor_e4 = 9000; floor_e4 <= 9800; floor_e4 += 20) {
            for (i = 0; i < COUNT(starts); i++) {
                double excess = excess_pct(&curves[c], floor_e4, starts[i]);

                sum += excess;
                worst = excess > worst ? excess : worst;
                runs++;
            }
        }
    }
    print_message("# mean %.2f %%, worst %.1f %% of %u\n", sum / runs, worst,
                  runs);
    assert_true(sum / runs < 1);
    assert_true(worst < 25);
}

static void no_quality_is_tried_twice(void **state)
{
    unsigned floor_e4;
    size_t c, i;
    int a, b;

    for (c = 0; c < COUNT(curves); c++) {
        for (floor_e4 = 8000; floor_e4 < 10000; floor_e4 += 37) {
            for (i = 0; i < COUNT(starts); i++) {
                di_search_t s;

                run(&s, &curves[c], floor_e4, starts[i]);
                assert_in_range(s.count, 1, DI_SEARCH_TRIES);
                for (a = 0; a < s.count; a++) {
                    for (b = 0; b < a; b++) {
                        assert_int_not_equal(s.tries[a].quality,
                                             s.tries[b].quality);
                    }
                }
            }
        }
    }
}

static void the_first_try_is_the_one_asked_for(void **state)
{
    static const int cases[][2] = {{60, 60}, {10, 20}, {100, 95}};
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        di_search_t s;
        int quality;

        di_search_begin(&s, 9500, cases[i][0], 20, 95);
        assert_int_equal(di_search_next(&s, &quality), 1);
        assert_int_equal(quality, cases[i][1]);
        assert_int_equal(di_search_next(&s, &quality), 1);
        assert_int_equal(quality, cases[i][1]);
    }
}

static void nothing_lossy_keeps_a_floor_of_everything(void **state)
{
    di_search_t s;
    int quality;

    di_search_begin(&s, 10000, 80, 1, 100);
    assert_int_equal(di_search_next(&s, &quality), 0);
    assert_int_equal(s.best, -1);
}

static void a_try_that_is_close_enough_ends_it(void **state)
{
    di_search_t s;
    int quality;

    di_search_begin(&s, 9500, 60, 20, 95);
    assert_int_equal(di_search_next(&s, &quality), 1);
    di_search_feed(&s, 9501, 30000);
    assert_int_equal(di_search_next(&s, &quality), 0);
    assert_int_equal(s.best, 0);
}

static void at_the_ends_there_is_nothing_more_to_try(void **state)
{
    di_search_t s;
    int quality;

    di_search_begin(&s, 9500, 20, 20, 95);
    assert_int_equal(di_search_next(&s, &quality), 1);
    di_search_feed(&s, 9900, 30000);
    assert_int_equal(di_search_next(&s, &quality), 0);
    assert_int_equal(s.best, 0);

    di_search_begin(&s, 9500, 95, 20, 95);
    assert_int_equal(di_search_next(&s, &quality), 1);
    di_search_feed(&s, 9000, 30000);
    assert_int_equal(di_search_next(&s, &quality), 0);
    assert_int_equal(s.best, -1);
}

static void one_quality_is_one_try(void **state)
{
    di_search_t s;
    int quality;

    di_search_begin(&s, 9500, 50, 80, 80);
    assert_int_equal(di_search_next(&s, &quality), 1);
    assert_int_equal(quality, 80);
    di_search_feed(&s, 9000, 30000);
    assert_int_equal(di_search_next(&s, &quality), 0);
}

/* A picture that the model knows nothing of: all fails, up to the end. */
static void tries_go_up_while_all_fail(void **state)
{
    di_search_t s;
    int quality, before = 0;

    di_search_begin(&s, 9500, 20, 1, 100);
    while (di_search_next(&s, &quality)) {
        assert_true(quality > before);
        before = quality;
        di_search_feed(&s, (unsigned)(7000 + quality), 1000);
    }
    assert_in_range(s.count, 2, DI_SEARCH_TRIES);
    assert_int_equal(s.best, -1);
    assert_in_range(before, 98, 100);
}

/* Bytes that fall while quality grows: the smaller file wins. */
static void the_smallest_of_those_that_keep_the_floor_is_best(void **state)
{
    di_search_t s;
    int quality;

    di_search_begin(&s, 9000, 70, 1, 100);
    assert_int_equal(di_search_next(&s, &quality), 1);
    di_search_feed(&s, 9800, 1000);
    assert_int_equal(di_search_next(&s, &quality), 1);
    assert_true(quality < 70);
    di_search_feed(&s, 9700, 1200);
    assert_int_equal(s.best, 0);
}

/* Lossless by chance, no bytes, or more than fit in 31 bits. */
static void odd_answers_do_no_harm(void **state)
{
    static const unsigned ssims[] = {0, 1, 9999, 10000};
    static const apr_size_t sizes[] = {0, 1, 0xffffffffu};
    size_t i, j, k;
    unsigned floor_e4;

    for (floor_e4 = 1; floor_e4 <= 10000; floor_e4 += 3333) {
        for (i = 0; i < COUNT(ssims); i++) {
            for (j = 0; j < COUNT(ssims); j++) {
                for (k = 0; k < COUNT(sizes); k++) {
                    di_search_t s;
                    int quality, n = 0;

                    di_search_begin(&s, floor_e4, 50, 1, 100);
                    while (di_search_next(&s, &quality)) {
                        assert_in_range(quality, 1, 100);
                        di_search_feed(&s, ssims[n % 2 ? i : j],
                                       sizes[(k + (size_t)n) % 3]);
                        n++;
                    }
                    assert_in_range(n, 0, DI_SEARCH_TRIES);
                }
            }
        }
    }
}

/* A JPEG coded again in its own blocks: quality 54 looks well on the line
   through two tries on a mosaic, and is not. */
static void what_kept_the_floor_on_a_mosaic_is_the_last_resort(void **state)
{
    di_search_t small, search;
    int quality = 0;

    di_search_begin(&small, 9700, 70, 30, 98);
    di_search_bound(&small, 2);
    assert_true(di_search_next(&small, &quality));
    di_search_feed(&small, 9852, 52139);
    assert_true(di_search_next(&small, &quality));
    assert_true(quality < 70);
    di_search_feed(&small, 9059, 26157);
    assert_false(di_search_next(&small, &quality));

    di_search_follow(&search, &small, 8000000);
    assert_true(di_search_next(&search, &quality));
    assert_in_range(quality, 45, 69);
    di_search_feed(&search, 9453, 910322);
    assert_true(di_search_next(&search, &quality));
    assert_int_equal(quality, 70);
    di_search_feed(&search, 9859, 1289238);
    assert_int_equal(search.best, 1);
    assert_false(di_search_next(&search, &quality));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(real_curves_end_near_the_smallest_file),
        UNIT(no_quality_is_tried_twice),
        UNIT(the_first_try_is_the_one_asked_for),
        UNIT(nothing_lossy_keeps_a_floor_of_everything),
        UNIT(a_try_that_is_close_enough_ends_it),
        UNIT(at_the_ends_there_is_nothing_more_to_try),
        UNIT(one_quality_is_one_try),
        UNIT(tries_go_up_while_all_fail),
        UNIT(the_smallest_of_those_that_keep_the_floor_is_best),
        UNIT(odd_answers_do_no_harm),
        UNIT(what_kept_the_floor_on_a_mosaic_is_the_last_resort),
    };

    return UNIT_RUN(tests);
}
