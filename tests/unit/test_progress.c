/* SPDX-License-Identifier: Apache-2.0 */
/* The line that shows how far a prerender is. */
#include "unit.h"

#include <stdlib.h>

#include "progress.h"

static void the_line_fits_whatever_the_width(void **state)
{
    static const ctl_progress_look_t looks[] = {
        {.total = 0},
        {.total = 1, .done = 1},
        {.total = 2743, .done = 1234, .made = 99999, .failed = 12},
        {.total = 1000000, .done = 1, .note = "waiting: server is busy"},
    };
    char line[600];

    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        for (int width = 1; width < 300; width++) {
            ctl_progress_line(line, sizeof line, width, &looks[i], 12.3);
            assert_true((int)strlen(line) < width);
        }
    }
}

static void the_line_is_as_described(void **state)
{
    static const struct {
        int width;
        double rate;
        const char *line;
    } table[] = {
        {100, 10,
         "[##################>.....................]  45%   450/1000  0:55 "
         "left "
         " "
         "failed 2  10.0/s  made 1350"},
        {60, 10, " 45%   450/1000  0:55 left  failed 2  10.0/s  made 1350"},
        {32, 0.01, " 45%   450/1000  15:16:40 left"},
        {60, 0.05,
         " 45%   450/1000  3:03:20 left  failed 2  3.0/min  made 1350"},
        {30, 0, " 45%   450/1000  -:-- left"},
        {8, 1, " 45%"},
    };
    ctl_progress_look_t look = {
        .total = 1000, .done = 450, .made = 1350, .failed = 2};
    char line[600];

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ctl_progress_line(line, sizeof line, table[i].width, &look,
                          table[i].rate);
        assert_string_equal(line, table[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_line_fits_whatever_the_width),
        UNIT(the_line_is_as_described),
    };

    return UNIT_RUN(tests);
}
