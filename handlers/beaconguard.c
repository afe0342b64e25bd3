/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the customer, under its lock, through speed/beaconlimit.c. */
#include "handlers/beaconguard.h"

#include "directives/speedprobe_conf.h"
#include "directives/speedprobe_start.h"
#include "directives/speedprobe_tally.h"
#include "speed/clientkey.h"

typedef struct {
    apr_uint32_t hash;
    sp_beaconlimit_t limit;
    apr_time_t now;
    sp_beaconlimit_e verdict;
} baton_t;

static void judge(void *row, void *data)
{
    baton_t *baton = data;

    baton->verdict =
        sp_beaconlimit_take(row, baton->hash, &baton->limit, baton->now);
}

sp_beaconlimit_e sp_beaconguard_take(request_rec *r, const char *body,
                                     apr_size_t len)
{
    const sp_conf_t *conf = sp_conf_of(r);
    baton_t baton = {
        .limit = {SP_CONF(conf, beacon_limit_count),
                  SP_CONF(conf, beacon_limit_per_ms) * 1000},
        .now = r->request_time,
        .verdict = SP_BEACONLIMIT_FINE,
    };
    sp_clientkey_t key;

    if (!sp_parts.clients ||
        sp_beaconlimit_hash(&baton.hash, &sp_parts.table_key, body, len) ||
        sp_clientkey_customer(&key, &sp_parts.table_key, r->useragent_addr)) {
        return SP_BEACONLIMIT_FINE;
    }
    if (sp_table_with(sp_parts.clients, key.bytes, 1, judge, &baton,
                      baton.now) == SP_TABLE_BUSY) {
        baton.verdict = SP_BEACONLIMIT_LIMITED;
    }
    if (baton.verdict != SP_BEACONLIMIT_FINE) {
        sp_count(baton.verdict == SP_BEACONLIMIT_REPLAYED
                     ? SP_COUNT_BEACON_REPLAYED
                     : SP_COUNT_BEACON_LIMITED);
    }
    return baton.verdict;
}
