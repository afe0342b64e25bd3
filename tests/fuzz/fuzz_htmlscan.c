/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner on any bytes: fed whole and fed in pieces it must report the
 * same places, hold back no more than its bound, and stay inside the input.
 * The first byte says how to cut.
 */
#include <stdint.h>
#include <stdlib.h>

#include "speed/htmlscan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    apr_uint64_t start, end; /* offsets + 1; 0: none */
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

static places_t scan_in_pieces(const char *data, size_t size, size_t piece)
{
    places_t places = {0, 0};
    sp_htmlscan_t scan;
    size_t at;

    sp_htmlscan_init(&scan, 0);
    for (at = 0; at < size; at += piece) {
        feed(&scan, &places, data + at, size - at < piece ? size - at : piece,
             at);
    }
    if (sp_htmlscan_finish(&scan)) {
        check(places.end == 0);
        places.end = size + 1;
    }
    return places;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    places_t whole, pieces;

    if (size < 2) {
        return 0;
    }
    whole = scan_in_pieces((const char *)data + 1, size - 1, size);
    pieces = scan_in_pieces((const char *)data + 1, size - 1, 1 + data[0] % 16);
    check(whole.start == pieces.start && whole.end == pieces.end);
    check(!whole.start || !whole.end || whole.start <= whole.end);
    return 0;
}
