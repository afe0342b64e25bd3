/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner on any bytes: fed whole, byte by byte (so without its shortcut)
 * and in pieces of random lengths it must report the same places and the same
 * outcome, hold back no more than its bound, and stay inside the input.  The
 * first byte says how to cut, and whether the charset is declared.
 */
#include <stdint.h>
#include <stdlib.h>

#include "speed/htmlscan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    apr_uint64_t start, end; /* offsets + 1; 0: none */
    sp_htmlscan_why_e why;
    int base_leads_away;
} places_t;

static void check(int fine)
{
    if (!fine) {
        abort();
    }
}

static void feed(sp_htmlscan_t *scan, places_t *places, const char *data,
                 size_t len, apr_uint64_t offset)
{
    sp_htmlscan_event_e event;
    apr_size_t used;

    do {
        event = sp_htmlscan_feed(scan, data, len, &used);
        check(used <= len);
        data += used;
        len -= used;
        offset += used;
        if (event == SP_HTMLSCAN_START || event == SP_HTMLSCAN_END) {
            apr_size_t back = sp_htmlscan_back(scan);
            apr_uint64_t *place =
                event == SP_HTMLSCAN_START ? &places->start : &places->end;
            check(back <= SP_HTMLSCAN_HOLD_MAX && back <= offset);
            check(*place == 0);
            *place = offset - back + 1;
        }
        check(sp_htmlscan_held(scan) <= SP_HTMLSCAN_HOLD_MAX);
    } while (event == SP_HTMLSCAN_START || event == SP_HTMLSCAN_END);
}

/* Piece lengths out of the input: xorshift32, or a constant. */
static size_t next_piece(apr_uint32_t *state, size_t constant)
{
    if (constant) {
        return constant;
    }
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    /* mostly a few bytes, so that tags are cut; sometimes many */
    return *state % 4 ? 1 + *state / 4 % 12 : 1 + *state / 4 % 300;
}

/* @param piece  length of the pieces; 0: random lengths out of the seed */
static places_t scan_in_pieces(const char *data, size_t size, size_t piece,
                               apr_uint32_t seed)
{
    places_t places = {0, 0, SP_HTMLSCAN_GOING, 0};
    apr_uint32_t state = seed | 1;
    sp_htmlscan_places_t told;
    sp_htmlscan_t scan;
    size_t at, len;

    sp_htmlscan_init(&scan, seed >> 7 & 1);
    for (at = 0; at < size; at += len) {
        len = next_piece(&state, piece);
        len = len < size - at ? len : size - at;
        feed(&scan, &places, data + at, len, at);
    }
    if (sp_htmlscan_finish(&scan)) {
        check(places.end == 0);
        places.end = size + 1;
    }
    told = sp_htmlscan_places(&scan);
    check(told.start == places.start && told.end == places.end);
    check(told.why != SP_HTMLSCAN_GOING);
    check(!places.end || told.why == SP_HTMLSCAN_PLACED);
    places.why = told.why;
    places.base_leads_away = told.base_leads_away;
    return places;
}

static void check_same(const places_t *a, const places_t *b)
{
    check(a->start == b->start && a->end == b->end && a->why == b->why &&
          a->base_leads_away == b->base_leads_away);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    places_t whole, pieces;
    const char *page = (const char *)data + 1;
    apr_uint32_t seed, i;

    if (size < 2) {
        return 0;
    }
    size--;
    seed = data[0];
    whole = scan_in_pieces(page, size, size, seed);
    check(!whole.start || !whole.end || whole.start <= whole.end);
    /* One byte at a time: no shortcut is ever taken. */
    pieces = scan_in_pieces(page, size, 1, seed);
    check_same(&whole, &pieces);
    pieces = scan_in_pieces(page, size, 1 + seed % 16, seed);
    check_same(&whole, &pieces);
    for (i = 1; i <= 4; i++) {
        pieces = scan_in_pieces(page, size, 0, seed + (i << 8));
        check_same(&whole, &pieces);
    }
    return 0;
}
