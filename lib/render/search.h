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
 *
 * Where a small picture stands for a large one (render/mosaic.h), the first
 * tries are made on that: a search on it, bounded by di_search_bound(), then
 * another on the large one, begun by di_search_follow().
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
    int most;            /* tries of this search */
    int goes_on;         /* 1: another search follows, so no try is the last */
    int follows;         /* 1: another went before */
    int sure;            /* lowest quality that kept the floor of a search
                            before it by far; 0: none */
    int slope_e12;       /* of the line of loss, before two tries show it */
    int steep_e12;       /* the same for going down, on the safe side */
    int saving_e12;      /* another try pays for so much, log2 of bytes */
    int count;
    di_try_t tries[DI_SEARCH_TRIES];
    int asked; /* quality handed out and not fed yet; 0: none */
    int best;  /* index of the smallest try that keeps the floor; -1 */
} di_search_t;

/**
 * @param floor_e4  1..10000, 1/10000
 * @param start     quality of the first try
 */
void di_search_begin(di_search_t *search, unsigned floor_e4, int start,
                     int lowest, int highest);

/* Make at most so many tries, 1..DI_SEARCH_TRIES; another search follows. */
void di_search_bound(di_search_t *search, int tries);

/**
 * What a search tells of the smallest file that keeps the floor, on the safe
 * side.  Without any try: where it would begin.
 * @param bytes_e12  logarithm to base 2 of its bytes, 1/4096; 0: not known
 */
void di_search_guess(int *quality, int *bytes_e12, const di_search_t *search);

/* The logarithm that di_search_guess() gives, of so many bytes. */
int di_search_bytes_e12(apr_size_t bytes);

/**
 * Begin a search where one on a small picture ended: with the tries that
 * are left.
 * @param pixels  of the picture.  Of a large one a file that keeps the floor
 *                is not so easily made once more
 */
void di_search_follow(di_search_t *search, const di_search_t *small,
                      apr_uint64_t pixels);

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
