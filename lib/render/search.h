/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which quality to encode at: the smallest file that keeps a floor of
 * similarity, in at most DI_SEARCH_TRIES encodes.  Pure: it says what to try
 * and is told what came of it.
 *
 *     di_search_begin(&s, floor, start, lowest, highest);
 *     while (di_search_next(&s, &quality)) {
 *         encode, compare
 *         di_search_feed(&s, ssim, bytes);
 *     }
 *     s.tries[s.best]; s.best -1: nothing that was tried keeps the floor
 *
 * A floor of 10000 is kept by lossless coding alone, so nothing is tried.
 */
#ifndef DI_SEARCH_H
#define DI_SEARCH_H

#include <apr.h>

#define DI_SEARCH_TRIES 4

typedef struct {
    int quality; /* 1..100 */
    unsigned ssim_e4;
    apr_size_t bytes;
} di_try_t;

typedef struct {
    unsigned floor_e4;
    int lowest, highest; /* qualities that may be tried */
    int count;
    di_try_t tries[DI_SEARCH_TRIES];
    int asked;        /* quality handed out and not fed yet; 0: none */
    int best;         /* index of the smallest try that keeps the floor; -1 */
} di_search_t;

/**
 * @param floor_e4  1..10000, 1/10000
 * @param start     quality of the first try
 */
void di_search_begin(di_search_t *search, unsigned floor_e4, int start,
                     int lowest, int highest);

/**
 * What to try next.  Ends when the tries are used up, when the floor is kept
 * so closely that another try would not pay, or when nothing is left between
 * a quality that keeps the floor and one that does not.  The last try that
 * is left is always one that is expected to keep the floor, if none has yet.
 * @return 1 and the quality, never one that was tried; 0 at the end
 */
int di_search_next(di_search_t *search, int *quality);

void di_search_feed(di_search_t *search, unsigned ssim_e4, apr_size_t bytes);

#endif
