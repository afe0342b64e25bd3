/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One beacon's raw numbers, checked and turned into bytes over time.  Pure.
 *
 * The body is that of a form: KEY=NUMBER pairs with "&" between them, at most
 * SP_BEACON_MAX_BYTES.  Numbers are plain decimals; "v=1" must be there,
 * every other key at most once, no unknown key.
 *
 *     v   1, the version of this list
 *     f   flags, 0 when missing: 1 from a cache, 2 prerendered, 4 restored
 *         from history, 8 hidden while it loaded; any of them: no sample
 *     pb  bytes of the page's body as they came over the wire
 *     pd  ms from its first byte to its last
 *     rb  bytes of all other responses of this site that really crossed
 *         the network
 *     rd  ms in which at least one of them was arriving
 *     rn  number of separate stretches that rd is made of
 *     rt  ms of the least round trip seen, rounded up
 *     mb  length of the document's text, characters
 *     md  ms between the start script and the end script
 *     fb  length of the filler between the two scripts
 *     fd  ms between them
 *     ck  ms of a step of the browser's clock, rounded up
 *     pe  ms since the page's last byte, when the beacon is sent
 *     nb  bytes of a probe that came in its fastest stretch
 *     nd  ms of that
 *     np  1 when the rate did not grow any more: the line was full
 *     nt  the probe's token; text, not a number (speed/probe.h)
 *
 * pb and pd, rb and rd, mb and md, fb and fd, nb and nd come in pairs.
 */
#ifndef SP_SAMPLE_H
#define SP_SAMPLE_H

#include <apr.h>

#define SP_BEACON_MAX_BYTES 1024
#define SP_BEACON_TOKEN_MAX 80

/* Standard deviation of a point sample, octaves. */
#define SP_SAMPLE_SPREAD 0.2

typedef struct {
    double rate_kbps;    /* > 0 */
    double spread;       /* standard deviation of log2(rate) */
    apr_uint32_t rtt_ms; /* 0 = unknown */
    int lower_bound;     /* 1: the client is at least this fast */
} sp_sample_t;

typedef struct {
    apr_int64_t version, flags, page_bytes, page_ms, rest_bytes, rest_ms,
        rest_stretches, rtt_ms, mark_bytes, mark_ms, filler_bytes, filler_ms,
        tick_ms, since_page_ms, probe_bytes, probe_ms,
        probe_full;    /* -1: not given */
    const char *token; /* in the body that was parsed; NULL: not given */
    apr_size_t token_len;
} sp_beacon_t;

/**
 * Read a beacon's body.
 * @return 1 when it is one, else 0: too long, a key unknown, missing or
 *         twice, half of a pair, a number that is none or out of range
 */
int sp_beacon_parse(sp_beacon_t *out, const char *body, apr_size_t len);

/**
 * What does a beacon say about the client's rate?  Its probe is not looked
 * at here, see sp_probe_sample.
 * @return 1 and *out; 0 when it says nothing
 */
int sp_sample_make(sp_sample_t *out, const sp_beacon_t *beacon);

#endif
