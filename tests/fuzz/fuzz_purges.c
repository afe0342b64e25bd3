/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as another machine's purge map.  What is refused changes nothing;
 * what is merged is in ours afterwards, merges again without news, and what we
 * export merges into an empty map to the same bytes.  Half of the inputs get
 * magic, count and checksum set right, or a fuzzer would hardly ever get past
 * them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "store/purges.h"
#include "store/record.h"

#define NOW apr_time_from_sec(1700000000)
#define HEAD 12
#define ENTRY 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static di_purges_t *fresh(apr_pool_t *p)
{
    return di_purges_init(apr_pcalloc(p, di_purges_bytes()));
}

static void check(const char *data, size_t size, apr_pool_t *p)
{
    di_purges_t *ours = fresh(p), *other = fresh(p);
    const char *first, *second;
    apr_size_t first_bytes, second_bytes;
    int news, theirs;

    if (di_purges_merge(&news, &theirs, ours, data, size, NOW)) {
        if (di_purges_version(ours) || news || theirs) {
            abort();
        }
        return;
    }
    if (di_purges_merge(&news, &theirs, ours, data, size, NOW) || news) {
        abort();
    }
    di_purges_export(&first, &first_bytes, ours, p);
    if (first_bytes > size ||
        di_purges_merge(&news, &theirs, other, first, first_bytes, NOW) ||
        theirs) {
        abort();
    }
    di_purges_export(&second, &second_bytes, other, p);
    if (first_bytes != second_bytes || memcmp(first, second, first_bytes)) {
        abort();
    }
}

static void put_number(char *at, apr_uint32_t value)
{
    int i;

    for (i = 0; i < 4; i++) {
        at[i] = (char)(value >> (24 - 8 * i));
    }
}

/* @return the size of what is right now */
static size_t mend(char *data, size_t size)
{
    size_t count = size < HEAD + 4 ? 0 : (size - HEAD - 4) / ENTRY, i;
    size_t end = HEAD + count * ENTRY;

    memcpy(data, "DIPU", 4);
    put_number(data + 4, 1);
    put_number(data + 8, (apr_uint32_t)count);
    for (i = HEAD; i < end; i += 8) {
        if ((i - HEAD) % ENTRY < 32) {
            data[i] |= (char)0x80;
            data[i + 6] &= (char)0xfc;
            data[i + 7] = 0;
        }
        else {
            data[i] = 0;
            data[i + 1] &= 7;
        }
    }
    put_number(data + end, di_record_crc(0, data, end));
    return end + 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + HEAD + 4);
    apr_pool_t *p;

    if (!copy) {
        return 0;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    memcpy(copy, data, size);
    check(copy, size, p);
    check(copy, mend(copy, size), p);
    apr_pool_destroy(p);
    free(copy);
    return 0;
}
