/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/scale.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

typedef struct {
    unsigned width, height;
    int turned;
    unsigned fit, max_width, max_height, pct, layout;
    unsigned out_width, out_height, eighths;
} scale_case_t;

static const scale_case_t cases[] = {
    /* Nothing asked for, or more than there is. */
    {3264, 2448, 0, 0, 0, 0, 0, 0, 3264, 2448, 8},
    {3264, 2448, 0, 5000, 4000, 4000, 100, 1, 3264, 2448, 8},
    {3264, 2448, 0, 3264, 0, 0, 0, 0, 3264, 2448, 8},
    /* The largest n/8. */
    {3264, 2448, 0, 3263, 0, 0, 0, 0, 2856, 2142, 7},
    {3264, 2448, 0, 2448, 0, 0, 0, 0, 2448, 1836, 6},
    {3264, 2448, 0, 1631, 0, 0, 0, 0, 1224, 918, 3},
    {3264, 2448, 0, 900, 0, 0, 0, 0, 816, 612, 2},
    {3264, 2448, 0, 408, 0, 0, 0, 0, 408, 306, 1},
    /* Sides are rounded up, as libjpeg does. */
    {6028, 3391, 0, 3768, 0, 0, 0, 0, 3768, 2120, 5},
    {6028, 3391, 0, 3767, 0, 0, 0, 0, 3014, 1696, 4},
    {1001, 1, 0, 501, 0, 0, 0, 0, 501, 1, 4},
    {15, 9, 0, 8, 0, 0, 0, 0, 8, 5, 4},
    /* Each limit counts. */
    {3264, 2448, 0, 0, 900, 0, 0, 0, 816, 612, 2},
    {3264, 2448, 0, 0, 0, 700, 0, 0, 816, 612, 2},
    {3264, 2448, 0, 2000, 900, 500, 0, 0, 408, 306, 1},
    /* Width and height are those of the upright picture. */
    {3264, 2448, 1, 0, 700, 0, 0, 0, 816, 612, 2},
    {3264, 2448, 1, 0, 0, 900, 0, 0, 816, 612, 2},
    /* Even 1/8 is too large: exactly the limit. */
    {3264, 2448, 0, 407, 0, 0, 0, 0, 407, 305, 1},
    {2448, 3264, 0, 407, 0, 0, 0, 0, 305, 407, 1},
    {65500, 1, 0, 100, 0, 0, 0, 0, 100, 1, 1},
    {1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 8},
    {3, 3, 0, 1, 0, 0, 0, 0, 1, 1, 2},
    {65500, 65500, 0, 1, 0, 0, 0, 0, 1, 1, 1},
    /* The page sets the size: exactly the tightest limit. */
    {3264, 2448, 0, 900, 0, 0, 0, 1, 900, 675, 3},
    {3264, 2448, 0, 900, 0, 600, 0, 1, 800, 600, 2},
    {3264, 2448, 1, 900, 0, 800, 0, 1, 800, 600, 2},
    {3264, 2448, 0, 817, 0, 0, 0, 1, 817, 613, 3},
    /* A share of the sides. */
    {3264, 2448, 0, 0, 0, 0, 50, 0, 1632, 1224, 4},
    {3264, 2448, 0, 0, 0, 0, 51, 0, 1665, 1248, 5},
    {3264, 2448, 0, 1000, 0, 0, 50, 0, 1000, 750, 3},
    {101, 33, 0, 0, 0, 0, 1, 0, 1, 1, 1},
};

static void the_tightest_limit_gives_the_size(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const scale_case_t *c = &cases[i];
        di_recipe_t recipe = {0};
        di_scale_t s;

        recipe.fit_px = c->fit;
        recipe.max_width_px = c->max_width;
        recipe.max_height_px = c->max_height;
        recipe.scale_permille = 10 * c->pct;
        recipe.page_layout = c->layout;
        di_scale_plan(&s, c->width, c->height, c->turned, &recipe);
        if (s.width_px != c->out_width || s.height_px != c->out_height ||
            s.eighths != c->eighths) {
            fail_msg("case %u: %ux%u in %u: %ux%u by %u/8", (unsigned)i,
                     c->width, c->height, c->fit, s.width_px, s.height_px,
                     s.eighths);
        }
    }
}

static void assert_decodes_large_enough(const di_scale_t *s, unsigned width,
                                        unsigned height)
{
    assert_in_range(s->eighths, 1, 8);
    assert_in_range(s->width_px, 1, (width * s->eighths + 7) / 8);
    assert_in_range(s->height_px, 1, (height * s->eighths + 7) / 8);
}

static void no_size_is_empty_or_over_a_limit(void **state)
{
    di_recipe_t recipe = {0};
    unsigned width, height, fit;
    di_scale_t s;

    for (width = 1; width < 70; width += 3) {
        for (height = 1; height < 70; height++) {
            for (fit = 1; fit < 75; fit++) {
                recipe.fit_px = fit;
                recipe.max_height_px = 75 - fit;
                recipe.page_layout = height % 2;
                di_scale_plan(&s, width, height, 0, &recipe);
                assert_decodes_large_enough(&s, width, height);
                assert_in_range(s.width_px, 1, fit);
                assert_in_range(s.height_px, 1, 75 - fit);
            }
        }
    }
}

typedef struct {
    unsigned width, height; /* of the original */
    unsigned now_width, now_height;
    unsigned bytes, most_bytes;
    unsigned out_width, out_height, eighths; /* 0: cannot be smaller */
} lower_case_t;

static const lower_case_t lowers[] = {
    /* Half the bytes: 0.62 of the sides. */
    {3264, 2448, 1632, 1224, 100000, 50000, 1007, 755, 3},
    {3264, 2448, 3264, 2448, 100000, 50000, 2014, 1511, 5},
    /* A byte too many costs two pixels of a hundred, also where the next
       eighth would be half of the sides. */
    {3264, 2448, 1632, 1224, 100001, 100000, 1599, 1199, 4},
    {3264, 2448, 816, 612, 100001, 100000, 799, 599, 2},
    {3264, 2448, 816, 612, 100000, 10000, 172, 129, 1},
    {3264, 2448, 408, 306, 100001, 100000, 399, 299, 1},
    /* Nothing is left to see. */
    {3264, 2448, 408, 306, 100000, 500, 0, 0, 0},
    {1000, 20, 1000, 20, 100000, 50000, 0, 0, 0},
    {1, 1, 1, 1, 100, 50, 0, 0, 0},
    {64, 64, 17, 17, 101, 100, 16, 16, 2},
    {64, 64, 16, 16, 101, 100, 0, 0, 0},
};

static void a_ceiling_lowers_the_size(void **state)
{
    size_t i;

    for (i = 0; i < COUNT(lowers); i++) {
        const lower_case_t *c = &lowers[i];
        di_scale_t s = {c->now_width, c->now_height, 8};
        int lower =
            di_scale_lower(&s, c->width, c->height, c->bytes, c->most_bytes);

        assert_int_equal(lower, c->eighths > 0);
        if (!lower) {
            assert_int_equal(s.width_px, c->now_width);
            continue;
        }
        if (s.width_px != c->out_width || s.height_px != c->out_height ||
            s.eighths != c->eighths) {
            fail_msg("case %u: %ux%u by %u/8", (unsigned)i, s.width_px,
                     s.height_px, s.eighths);
        }
    }
}

static void lowering_ends(void **state)
{
    di_scale_t s = {65500, 40000, 8};
    unsigned steps = 0;

    while (di_scale_lower(&s, 65500, 40000, 101, 100)) {
        assert_decodes_large_enough(&s, 65500, 40000);
        steps++;
    }
    assert_in_range(steps, 8, 65500);
    assert_int_equal(s.height_px, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_tightest_limit_gives_the_size),
        UNIT(no_size_is_empty_or_over_a_limit),
        UNIT(a_ceiling_lowers_the_size),
        UNIT(lowering_ends),
    };

    return UNIT_RUN(tests);
}
