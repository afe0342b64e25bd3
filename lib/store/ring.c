/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: its points in order.  Point i of a server is the first 8 bytes of
 * the SHA-256 of "<i> <name>", most significant first.
 */
#include "store/ring.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "base/digest.h"

typedef struct {
    apr_uint64_t at;
    int server;
} point_t;

struct di_ring_t {
    int count;
    point_t *point;
};

static apr_uint64_t number_of(const unsigned char *bytes)
{
    apr_uint64_t number = 0;
    int i;

    for (i = 0; i < 8; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

/* Of two servers at one point the first of the list has it. */
static int compare(const void *a, const void *b)
{
    const point_t *one = a, *other = b;

    if (one->at != other->at) {
        return one->at < other->at ? -1 : 1;
    }
    return one->server - other->server;
}

apr_status_t di_ring_make(di_ring_t **out, const char *const *words, int count,
                          apr_pool_t *p)
{
    di_ring_t *ring = apr_palloc(p, sizeof(*ring));
    unsigned char digest[DS_DIGEST_BYTES];
    int i;

    ring->count = count * DI_RING_POINTS;
    ring->point = apr_palloc(p, (apr_size_t)ring->count * sizeof(point_t));
    for (i = 0; i < ring->count; i++) {
        int server = i / DI_RING_POINTS;
        const char *text =
            apr_psprintf(p, "%d %s", i % DI_RING_POINTS, words[server]);
        apr_status_t rv = ds_digest_sha256(digest, text, strlen(text));

        if (rv != APR_SUCCESS) {
            return rv;
        }
        ring->point[i] = (point_t){number_of(digest), server};
    }
    qsort(ring->point, (size_t)ring->count, sizeof(point_t), compare);
    *out = ring;
    return APR_SUCCESS;
}

int di_ring_find(const di_ring_t *ring, const unsigned char *hash)
{
    apr_uint64_t at = number_of(hash);
    int low = 0, high = ring->count, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (ring->point[middle].at < at) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return ring->point[low % ring->count].server;
}
