/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between two qualities that are not far apart, the logarithm of what is lost
 * (1 - SSIM) is nearly a straight line over the logarithm of the step of
 * quantisation, and so is the logarithm of the bytes.  The step is that of
 * libjpeg's quality scale; other formats' scales are not so straight over it,
 * but smooth, and that is all the search needs: it draws a line through the
 * two tries nearest to the floor and asks for the lowest quality at which that
 * line keeps it.
 *
 * Everything is integers, logarithms too, so that all machines choose alike.
 */
#include "render/search.h"

#include <string.h>

/* Logarithms to base 2, in 1/4096. */
#define ONE_E12 4096

/* Of the line of the loss over that of the step.  On 32 photographs 900 px
   wide, JPEG qualities 20 to 95, the median is 0.7, and four of five lie
   between 0.45 and 0.95. */
#define SLOPE_E12 (ONE_E12 * 3 / 4)
#define LEAST_SLOPE_E12 (ONE_E12 / 3)
#define MOST_SLOPE_E12 (ONE_E12 * 3)

/* The same of the bytes, falling. */
#define BYTES_SLOPE_E12 (ONE_E12 * 6 / 10)

/* Another try does not pay for less than 2 %: log2(1.02). */
#define LEAST_SAVING_E12 117

/* A try of many pixels costs more than bytes of 8 % are worth: log2(1.08). */
#define LARGE_PX ((apr_uint64_t)4 << 20)
#define LARGE_SAVING_E12 455

/* What is lost of a mosaic and of its picture at one quality differs: on 8
   photographs in 2 sizes, JPEG and WebP, by a standard deviation of 9 %.  A
   guess stays half of that on the safe side: log2(1.04). */
#define GUESS_MARGIN_E12 232

/* What keeps a floor on a mosaic by this much keeps it on the picture, by more
   than twice that deviation: log2(1.2). */
#define SURE_MARGIN_E12 1077

/* The last try aims at a loss that is smaller by 0.7 % and by a part of the
   way that is left, because a try that just misses the floor is wasted. */
#define LAST_MARGIN_E12 40
#define LAST_MARGIN_PART 6

/* value 1 or more, below 2^31. */
static int log2_e12(apr_uint64_t value)
{
    int whole = 0, bit;
    apr_uint64_t part; /* 1..2, in 1/2^31 */
    int fraction = 0;

    while (value >> (whole + 1)) {
        whole++;
    }
    part = (value << 31) >> whole;
    for (bit = ONE_E12 / 2; bit; bit /= 2) {
        part = (part * part) >> 31;
        if (part >> 32) {
            part >>= 1;
            fraction += bit;
        }
    }
    return whole * ONE_E12 + fraction;
}

/* libjpeg's scaling of its tables (jpeg_quality_scaling), in 1/100 %. */
static int step_log(int quality)
{
    int step = quality < 50 ? 500000 / quality : 20000 - 200 * quality;

    return log2_e12((apr_uint64_t)(step > 100 ? step : 100));
}

/* No loss at all counts as half of the least that is told. */
static int loss_log(unsigned ssim_e4)
{
    return log2_e12(ssim_e4 < 10000 ? 2 * (10000 - ssim_e4) : 1);
}

static int bytes_log(apr_size_t bytes)
{
    return log2_e12(bytes < 1 ? 1 : bytes > 0x7fffffff ? 0x7fffffff : bytes);
}

void di_search_begin(di_search_t *search, unsigned floor_e4, int start,
                     int lowest, int highest)
{
    memset(search, 0, sizeof(*search));
    search->floor_e4 = floor_e4;
    search->lowest = lowest;
    search->highest = highest;
    search->most = DI_SEARCH_TRIES;
    search->slope_e12 = search->steep_e12 = SLOPE_E12;
    search->saving_e12 = LEAST_SAVING_E12;
    search->best = -1;
    search->asked = start < lowest ? lowest : start > highest ? highest : start;
}

void di_search_bound(di_search_t *search, int tries)
{
    search->most = tries;
    search->goes_on = 1;
}

static int keeps(const di_search_t *s, const di_try_t *try)
{
    return try->ssim_e4 >= s->floor_e4;
}

static int is_last(const di_search_t *s)
{
    return s->count == s->most - 1 && !s->goes_on;
}

/* The highest quality that breaks the floor, and the lowest that keeps it;
   NULL: none. */
static void find_ends(const di_try_t **below, const di_try_t **above,
                      const di_search_t *s)
{
    int i;

    *below = *above = NULL;
    for (i = 0; i < s->count; i++) {
        const di_try_t *t = &s->tries[i];

        if (keeps(s, t) && (!*above || t->quality < (*above)->quality)) {
            *above = t;
        }
        if (!keeps(s, t) && (!*below || t->quality > (*below)->quality)) {
            *below = t;
        }
    }
}

/* The try whose loss is nearest to the floor's, besides `not`. */
static const di_try_t *nearest(const di_search_t *s, const di_try_t * not )
{
    const di_try_t *found = NULL;
    int i, least = 0;

    for (i = 0; i < s->count; i++) {
        int away = loss_log(s->tries[i].ssim_e4) - loss_log(s->floor_e4);

        away = away < 0 ? -away : away;
        if (&s->tries[i] != not &&(!found || away < least)) {
            least = away;
            found = &s->tries[i];
        }
    }
    return found;
}

static int slope_e12(const di_search_t *s, const di_try_t *a, const di_try_t *b)
{
    int usual = keeps(s, a) ? s->steep_e12 : s->slope_e12;
    int run, slope;

    if (!b) {
        return usual;
    }
    run = step_log(a->quality) - step_log(b->quality);
    slope = run ? (loss_log(a->ssim_e4) - loss_log(b->ssim_e4)) * ONE_E12 / run
                : usual;
    return slope < LEAST_SLOPE_E12  ? LEAST_SLOPE_E12
           : slope > MOST_SLOPE_E12 ? MOST_SLOPE_E12
                                    : slope;
}

/*
 * The lowest quality inside low..high at which the line through the two tries
 * nearest to the floor keeps it, by a margin; high when none does.
 */
static int quality_on_line(const di_search_t *s, int low, int high, int margin)
{
    const di_try_t *from = nearest(s, NULL);
    int slope = slope_e12(s, from, nearest(s, from));
    int start = step_log(from->quality);
    int rise = loss_log(s->floor_e4) - loss_log(from->ssim_e4) - margin;
    int quality = low;

    if (is_last(s)) {
        rise -= LAST_MARGIN_E12 + (rise < 0 ? -rise : rise) / LAST_MARGIN_PART;
    }
    while (quality < high &&
           slope * (step_log(quality) - start) / ONE_E12 > rise) {
        quality++;
    }
    return quality;
}

/* What a lower quality is expected to save, as a logarithm. */
static int saving_log(const di_try_t *above, const di_try_t *below, int quality)
{
    apr_int64_t run = step_log(quality) - step_log(above->quality);
    apr_int64_t whole, saved;

    if (!below) {
        return (int)(BYTES_SLOPE_E12 * run / ONE_E12);
    }
    whole = step_log(below->quality) - step_log(above->quality);
    saved = bytes_log(above->bytes) - bytes_log(below->bytes);
    return whole ? (int)(saved * run / whole) : 0;
}

/* Between two ends, or below the one that keeps the floor. */
static int next_lower(const di_search_t *s, const di_try_t *below,
                      const di_try_t *above)
{
    int low = below ? below->quality + 1 : s->lowest;
    int high = above->quality - 1;
    int quality;

    if (low > high) {
        return 0;
    }
    quality = quality_on_line(s, low, high, 0);
    return saving_log(above, below, quality) < s->saving_e12 ? 0 : quality;
}

/* Nothing has kept the floor yet.  The last try goes twice as far as the line
   says, or half as far again where the way is short because another search
   went before. */
static int next_higher(const di_search_t *s, const di_try_t *below)
{
    int low = below->quality + 1;
    int quality;

    if (low > s->highest) {
        return 0;
    }
    quality = quality_on_line(s, low, s->highest, 0);
    if (is_last(s)) {
        quality += (quality - below->quality) / (s->follows ? 2 : 1);
        if (s->sure > below->quality && s->sure < quality) {
            quality = s->sure;
        }
    }
    return quality > s->highest ? s->highest : quality;
}

int di_search_next(di_search_t *search, int *quality)
{
    const di_try_t *below, *above;

    if (search->floor_e4 >= 10000 || search->count == search->most) {
        return 0;
    }
    if (search->count) {
        find_ends(&below, &above, search);
        search->asked = above ? next_lower(search, below, above)
                              : next_higher(search, below);
    }
    *quality = search->asked;
    return search->asked > 0;
}

void di_search_feed(di_search_t *search, unsigned ssim_e4, apr_size_t bytes)
{
    di_try_t *t = &search->tries[search->count];

    t->quality = search->asked;
    t->ssim_e4 = ssim_e4;
    t->bytes = bytes;
    if (keeps(search, t) &&
        (search->best < 0 || bytes < search->tries[search->best].bytes)) {
        search->best = search->count;
    }
    search->count++;
    search->asked = 0;
}

/* Between tries and a little beyond, the logarithm of bytes is a line too. */
static int bytes_on_line(const di_search_t *s, int quality)
{
    const di_try_t *from = nearest(s, NULL);
    const di_try_t *other = nearest(s, from);
    int run = step_log(quality) - step_log(from->quality);
    int whole = other ? step_log(other->quality) - step_log(from->quality) : 0;
    apr_int64_t fall = -BYTES_SLOPE_E12;

    if (whole) {
        fall = (apr_int64_t)(bytes_log(other->bytes) - bytes_log(from->bytes)) *
               ONE_E12 / whole;
    }
    return bytes_log(from->bytes) + (int)(fall * run / ONE_E12);
}

int di_search_bytes_e12(apr_size_t bytes)
{
    return bytes_log(bytes);
}

void di_search_guess(int *quality, int *bytes_e12, const di_search_t *search)
{
    *bytes_e12 = 0;
    *quality = search->asked;
    if (search->count) {
        *quality = quality_on_line(search, search->lowest, search->highest,
                                   GUESS_MARGIN_E12);
        *bytes_e12 = bytes_on_line(search, *quality);
    }
}

/* Seams are lost at every quality alike, so the line of a mosaic is flatter
   than that of its picture.  Downwards the steeper one of that and the usual
   one counts, since what goes too far down is a try for nothing. */
static void take_slope(di_search_t *s, int small_e12)
{
    int steep = small_e12 * 5 / 4;

    s->steep_e12 = steep < SLOPE_E12 ? SLOPE_E12 : steep;
}

/* The loss of a JPEG that is coded again in its own blocks falls in leaps, and
   a line through two tries is no help: but a try is. */
static int sure_quality(const di_search_t *small)
{
    int i, quality = 0;

    for (i = 0; i < small->count; i++) {
        const di_try_t *t = &small->tries[i];

        if (loss_log(t->ssim_e4) + SURE_MARGIN_E12 <=
                loss_log(small->floor_e4) &&
            (!quality || t->quality < quality)) {
            quality = t->quality;
        }
    }
    return quality;
}

void di_search_follow(di_search_t *search, const di_search_t *small,
                      apr_uint64_t pixels)
{
    int quality, bytes_e12;

    di_search_guess(&quality, &bytes_e12, small);
    di_search_begin(search, small->floor_e4, quality, small->lowest,
                    small->highest);
    search->follows = 1;
    search->sure = sure_quality(small);
    search->most = DI_SEARCH_TRIES - small->count;
    if (small->count > 1) {
        const di_try_t *from = nearest(small, NULL);

        take_slope(search, slope_e12(small, from, nearest(small, from)));
    }
    if (pixels > LARGE_PX) {
        search->saving_e12 = LARGE_SAVING_E12;
    }
}
