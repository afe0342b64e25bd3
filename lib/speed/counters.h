/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mod_speedprobe counts.  To count something new: one line here, one in
 * docs/metrics.md, and ds_tally_add(sp_tally, SP_COUNT_..., 1) where it
 * happens (directives/speedprobe_tally.h).
 */
#ifndef SP_COUNTERS_H
#define SP_COUNTERS_H

#include "base/tally.h"

/* X(SUFFIX, name, kind, unit, help) */
#define SP_COUNTERS(X)                                                         \
    X(COOKIE_USED, "cookies_used", COUNTER, "requests",                        \
      "the speed cookie was read and believed")                                \
    X(COOKIE_MALFORMED, "cookies_malformed", COUNTER, "requests",              \
      "the speed cookie has not the form of one")                              \
    X(COOKIE_OVERSIZED, "cookies_oversized", COUNTER, "requests",              \
      "the speed cookie is longer than any of ours")                           \
    X(COOKIE_FORGED, "cookies_forged", COUNTER, "requests",                    \
      "the signature is not ours, or of a key that was retired")               \
    X(COOKIE_EXPIRED, "cookies_expired", COUNTER, "requests",                  \
      "the speed cookie is too old, or from the future")                       \
    X(COOKIE_ELSEWHERE, "cookies_elsewhere", COUNTER, "requests",              \
      "the speed cookie was made for another network")                         \
    X(CONSENT_MISSING, "consent_missing", COUNTER, "requests",                 \
      "consent was asked for and not given")                                   \
    X(HINT_USED, "hints_used", COUNTER, "requests",                            \
      "nothing was measured, and the browser's hints were taken")              \
    X(SAVE_DATA, "save_data", COUNTER, "requests",                             \
      "the client said Save-Data: on")                                         \
    X(BEACON_TAKEN, "beacons_taken", COUNTER, "beacons",                       \
      "the report gave a sample")                                              \
    X(BEACON_NO_SAMPLE, "beacons_no_sample", COUNTER, "beacons",               \
      "the report is well-formed and says nothing about the speed")            \
    X(BEACON_MALFORMED, "beacons_malformed", COUNTER, "beacons",               \
      "the report is none: numbers, keys, or longer than 1 KB")                \
    X(BEACON_FOREIGN, "beacons_foreign_origin", COUNTER, "beacons",            \
      "a page of another site sent it")                                        \
    X(BEACON_NO_CONSENT, "beacons_no_consent", COUNTER, "beacons",             \
      "not used: no consent, SpeedProbeCookie is Off, or SpeedProbeAssume")    \
    X(BEACON_REPLAYED, "beacons_replayed", COUNTER, "beacons",                 \
      "the same report came before from this client")                          \
    X(BEACON_LIMITED, "beacons_limited", COUNTER, "beacons",                   \
      "over SpeedProbeBeaconLimit")                                            \
    X(BEACON_OVERSIZED, "beacons_oversized", COUNTER, "requests",              \
      "the body is over 8 KB: refused with 413")                               \
    X(BEACON_METHOD, "beacons_wrong_method", COUNTER, "requests",              \
      "not POST: refused with 405")                                            \
    X(PROBE_SENT, "probes_sent", COUNTER, "requests",                          \
      "a step of the probe was sent")                                          \
    X(PROBE_BYTES, "probe_bytes", COUNTER, "bytes",                            \
      "noise that the probe has sent")                                         \
    X(PROBE_NONE, "probes_without_step", COUNTER, "requests",                  \
      "the probe had nothing to send: budget, Save-Data, or enough is known")  \
    X(PROBE_NO_CONSENT, "probes_no_consent", COUNTER, "requests",              \
      "not answered: no consent, SpeedProbeCookie Off, or SpeedProbeAssume")   \
    X(PROBE_FOREIGN, "probes_foreign", COUNTER, "requests",                    \
      "not answered: no page of this site asked")                              \
    X(PAGE_INJECTED, "pages_injected", COUNTER, "pages",                       \
      "a script that measures was put in, or would have been for GET")         \
    X(PAGE_METHOD, "pages_left_method", COUNTER, "answers",                    \
      "left alone: neither GET nor HEAD")                                      \
    X(PAGE_STATUS, "pages_left_status", COUNTER, "answers",                    \
      "left alone: not status 200")                                            \
    X(PAGE_RANGE, "pages_left_range", COUNTER, "answers",                      \
      "left alone: a part was asked for")                                      \
    X(PAGE_TYPE, "pages_left_type", COUNTER, "answers",                        \
      "left alone: not text/html")                                             \
    X(PAGE_CHARSET, "pages_left_charset", COUNTER, "answers",                  \
      "left alone: a charset in which markup may be something else")           \
    X(PAGE_ENCODED, "pages_left_encoded", COUNTER, "answers",                  \
      "left alone: compressed by somebody before us")                          \
    X(PAGE_ATTACHMENT, "pages_left_attachment", COUNTER, "answers",            \
      "left alone: to be saved, not shown")                                    \
    X(PAGE_NO_TRANSFORM, "pages_left_no_transform", COUNTER, "answers",        \
      "left alone: Cache-Control: no-transform")                               \
    X(PAGE_NOT_SHOWN, "pages_left_not_shown", COUNTER, "answers",              \
      "left alone: fetched by a script, or not as a page")                     \
    X(PAGE_POLICY, "pages_left_policy", COUNTER, "answers",                    \
      "left alone: the Content-Security-Policy forbids")                       \
    X(PAGE_PROXY, "pages_left_proxy", COUNTER, "answers",                      \
      "left alone: a forward proxy's traffic")                                 \
    X(PAGE_CONSENT, "pages_left_consent", COUNTER, "answers",                  \
      "left alone: consent is missing")                                        \
    X(PAGE_FRAGMENT, "pages_left_fragment", COUNTER, "pages",                  \
      "not measured: not an HTML document, but a part of one, or other text")  \
    X(PAGE_OWN_POLICY, "pages_left_own_policy", COUNTER, "pages",              \
      "not measured: a meta element sets a Content-Security-Policy")           \
    X(PAGE_AMP, "pages_left_amp", COUNTER, "pages", "not measured: AMP")       \
    X(PAGE_FRAMESET, "pages_left_frameset", COUNTER, "pages",                  \
      "not measured: a frameset")                                              \
    X(PAGE_LOST, "pages_left_lost", COUNTER, "pages",                          \
      "not measured: markup that browsers may read in several ways")           \
    X(PAGE_BASE, "pages_left_base", COUNTER, "pages",                          \
      "not measured: its base URL could lead the external script elsewhere")   \
    X(PAGE_CUT, "pages_left_cut", COUNTER, "pages",                            \
      "not measured: an error ended the page before its end")                  \
    X(TABLE_CLIENTS, "table_clients", GAUGE, "rows",                           \
      "clients that the table knows now")                                      \
    X(TABLE_NETWORKS, "table_networks", GAUGE, "rows",                         \
      "networks that the table knows now")                                     \
    X(TABLE_EVICTED, "table_evicted", GAUGE, "rows",                           \
      "clients that made room for others, in the life of the table")

#define SP_COUNTERS_ENUM(suffix, name, kind, unit, help) SP_COUNT_##suffix,

/* Places in the tally; SP_COUNT_NONE is nobody's. */
enum { SP_COUNT_NONE, SP_COUNTERS(SP_COUNTERS_ENUM) SP_COUNT_END };

/* SP_COUNT_END entries, by place. */
extern const ds_counter_t sp_counters[];

#endif
