/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "render/scale.h"

typedef struct {
    unsigned width, height, fit;
    unsigned out_width, out_height;
    unsigned hint_width, hint_height;
} scale_case_t;

static const scale_case_t cases[] = {
    {3264, 2448, 0, 3264, 2448, 0, 0},
    {3264, 2448, 5000, 3264, 2448, 0, 0},
    {3264, 2448, 3264, 3264, 2448, 0, 0},
    {3264, 2448, 3263, 1632, 1224, 1632, 1224},
    {3264, 2448, 1632, 1632, 1224, 1632, 1224},
    {3264, 2448, 1631, 1224, 918, 1088, 816},
    {3264, 2448, 1224, 1224, 918, 1088, 816},
    {3264, 2448, 1223, 816, 612, 816, 612},
    {3264, 2448, 815, 408, 306, 408, 306},
    {3264, 2448, 407, 407, 305, 408, 306},
    {2448, 3264, 407, 305, 407, 306, 408},
    {6028, 3391, 3014, 3014, 1696, 3014, 1695},
    {6028, 3391, 2261, 2261, 1272, 2009, 1130},
    {6028, 3391, 2260, 1507, 848, 1507, 847},
    {1001, 1, 501, 501, 1, 500, 1},
    {65500, 1, 100, 100, 1, 8187, 1},
    {15, 9, 8, 8, 5, 0, 0},
    {1, 1, 1, 1, 1, 0, 0},
    {3, 3, 1, 1, 1, 0, 0},
    {65500, 65500, 1, 1, 1, 8187, 8187},
};

static void the_largest_step_that_fits_is_taken(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const scale_case_t *c = &cases[i];
        di_scale_t s;

        di_scale_plan(&s, c->width, c->height, c->fit);
        if (s.width_px != c->out_width || s.height_px != c->out_height ||
            s.hint_width_px != c->hint_width ||
            s.hint_height_px != c->hint_height) {
            fail_msg("%ux%u in %u: %ux%u hint %ux%u", c->width, c->height,
                     c->fit, s.width_px, s.height_px, s.hint_width_px,
                     s.hint_height_px);
        }
    }
}

static void no_size_gives_an_empty_or_too_long_rendition(void **state)
{
    unsigned width, height, fit;

    for (width = 1; width < 70; width += 3) {
        for (height = 1; height < 70; height++) {
            for (fit = 1; fit < 75; fit++) {
                di_scale_t s;

                di_scale_plan(&s, width, height, fit);
                assert_in_range(s.width_px, 1, fit < width ? fit : width);
                assert_in_range(s.height_px, 1, fit < height ? fit : height);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_largest_step_that_fits_is_taken),
        UNIT(no_size_gives_an_empty_or_too_long_rendition),
    };

    return UNIT_RUN(tests);
}
