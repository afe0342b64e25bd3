/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The median is the exact one of the customers remembered: a running estimate
 * of a quantile (as in Jain and Chlamtac's P2, 1985) would need fewer bytes,
 * but it counts samples, so that one busy customer is the median; and it never
 * forgets.
 */
#include "speed/networks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* log2 of the slowest and the fastest rate, kbit/s. */
#define X_MAX 27

typedef struct {
    apr_uint32_t who;    /* part of the key */
    float x;             /* log2 of kbit/s */
    apr_uint32_t rtt_ms; /* 0: unknown */
    apr_uint32_t minute; /* of the sample, since 1970; 0: a free place */
} voice_t;

typedef struct {
    voice_t voice[SP_NETWORKS_CLIENTS];
} network_t;

apr_size_t sp_networks_row_bytes(void)
{
    return sizeof(network_t);
}

static apr_uint32_t minute_of(apr_time_t at)
{
    return (apr_uint32_t)(apr_time_sec(at) / 60);
}

/* ---- adding ---- */

/* The customer's place, or that of the one heard longest ago. */
static voice_t *place_for(network_t *network, apr_uint32_t who)
{
    voice_t *oldest = &network->voice[0];
    int i;

    for (i = 0; i < SP_NETWORKS_CLIENTS; i++) {
        voice_t *voice = &network->voice[i];
        if (voice->minute != 0 && voice->who == who) {
            return voice;
        }
        oldest = voice->minute < oldest->minute ? voice : oldest;
    }
    return oldest;
}

static void add(void *row, void *baton)
{
    const voice_t *heard = baton;

    *place_for(row, heard->who) = *heard;
}

void sp_networks_add(sp_table_t *table, const sp_clientkey_t *network,
                     const sp_clientkey_t *voice, const sp_sample_t *sample,
                     apr_time_t now)
{
    voice_t heard = {.rtt_ms = sample->rtt_ms, .minute = minute_of(now)};

    if (sample->lower_bound || !(sample->rate_kbps >= 1) ||
        sample->rate_kbps > DS_RATE_MAX_KBPS || heard.minute == 0) {
        return;
    }
    memcpy(&heard.who, voice->bytes, sizeof(heard.who));
    heard.x = (float)log2(sample->rate_kbps);
    (void)sp_table_with(table, network->bytes, 1, add, &heard, now);
}

/* ---- asking ---- */

static void copy(void *row, void *baton)
{
    memcpy(baton, row, sizeof(network_t));
}

/* A row may come from a file, so its numbers are not believed blindly. */
static int counts(const voice_t *voice, apr_time_t now)
{
    apr_time_t at = apr_time_from_sec((apr_int64_t)voice->minute * 60);

    return voice->minute != 0 && at <= now + apr_time_from_sec(60) &&
           at >= now - SP_NETWORKS_AGE_FOR && voice->x >= 0 &&
           voice->x <= X_MAX && voice->rtt_ms <= DS_RTT_MAX_MS;
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;

    return (one > two) - (one < two);
}

/* @return 0 for an empty list */
static double median(double *list, int count)
{
    if (count == 0) {
        return 0;
    }
    qsort(list, (size_t)count, sizeof(*list), compare);
    return (list[(count - 1) / 2] + list[count / 2]) / 2;
}

/* @return how many voices count */
static int sum_up(sp_state_t *out, const network_t *network, apr_time_t now)
{
    double x[SP_NETWORKS_CLIENTS], rtt_ms[SP_NETWORKS_CLIENTS];
    int voices = 0, rtts = 0, i;
    apr_uint32_t newest = 0;

    for (i = 0; i < SP_NETWORKS_CLIENTS; i++) {
        const voice_t *voice = &network->voice[i];
        if (!counts(voice, now)) {
            continue;
        }
        x[voices++] = voice->x;
        if (voice->rtt_ms > 0) {
            rtt_ms[rtts++] = voice->rtt_ms;
        }
        newest = voice->minute > newest ? voice->minute : newest;
    }
    memset(out, 0, sizeof(*out));
    out->x = median(x, voices);
    out->s = SP_NETWORKS_SPREAD;
    out->rtt_ms = (apr_uint32_t)median(rtt_ms, rtts);
    out->at = apr_time_from_sec((apr_int64_t)newest * 60);
    sp_estimate_follow(out);
    return voices;
}

int sp_networks_prior(sp_state_t *out, sp_table_t *table,
                      const sp_clientkey_t *network, apr_time_t now)
{
    network_t row;
    sp_state_t state;

    if (sp_table_with(table, network->bytes, 0, copy, &row, now) <= 0 ||
        sum_up(&state, &row, now) < SP_NETWORKS_CLIENTS_MIN) {
        return 0;
    }
    *out = state;
    return 1;
}
