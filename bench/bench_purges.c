/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a purge costs, against what is stored: renditions of two sites on disk,
 * under the keys that mod_dynimage makes; the folder of the first is purged,
 * and afterwards none of its renditions is found and all of the other's are.
 *
 *     make bench/bench_purges && bench/bench_purges 10000 100000
 *
 * Needs 4 KB of disk in TMPDIR for each rendition.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "image/variant.h"
#include "store/purges.h"
#include "store/store_disk.h"

#define OTHERS 1000
#define PURGES 1001
#define LOOKS 2000

typedef struct {
    di_level_t *disk;
    di_purges_t *purges;
    apr_pool_t *p;
} rig_t;

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void demand(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_purges: %s\n", what);
        exit(1);
    }
}

/* The key of a site's picture, as a request makes it. */
static di_key_t key_of(const rig_t *rig, const char *site, int i, apr_pool_t *p)
{
    static const di_limits_t limits = {.max_bytes = 20971520};
    static const di_recipe_t recipe = {.fit_px = 900, .quality = 40};
    const char *path = apr_psprintf(p, "/photos/%d/%d.jpg", i % 100, i);
    di_original_t original = {apr_pstrcat(p, "/srv/", site, path, NULL), 100000,
                              1700000000000000,
                              di_purges_stamp(rig->purges, site, path)};
    di_key_t key;

    demand(!di_variant_key(&key, &original, &recipe, DI_FORMAT_SET(JPEG),
                           &limits, "bench", p),
           "no key");
    return key;
}

static void store(const rig_t *rig, const char *site, int count)
{
    static const char bytes[1000] = "a rendition";
    const di_body_t body = {.data = bytes, .bytes = sizeof(bytes)};
    const di_record_t record = {.format = DI_FORMAT_JPEG};
    int i;

    for (i = 0; i < count; i++) {
        apr_pool_t *p;
        di_key_t key;
        apr_pool_create(&p, rig->p);
        key = key_of(rig, site, i, p);
        demand(
            !rig->disk->put(rig->disk, &key, &record, &body, apr_time_now(), p),
            "a rendition cannot be stored");
        apr_pool_destroy(p);
    }
}

static int count_hits(const rig_t *rig, const char *site, int from, int count)
{
    int i, hits = 0;

    for (i = from; i < from + count; i++) {
        apr_pool_t *p;
        di_key_t key;
        di_entry_t entry;
        apr_pool_create(&p, rig->p);
        key = key_of(rig, site, i, p);
        hits += !rig->disk->get(rig->disk, &entry, &key, apr_time_now(), p);
        apr_pool_destroy(p);
    }
    return hits;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_purge_us(const rig_t *rig)
{
    static double took[PURGES];
    apr_uint64_t stamp;
    int i;

    for (i = 0; i < PURGES; i++) {
        double start = now_us();
        demand(!di_purges_add(&stamp, rig->purges, "a.example", "/photos/",
                              apr_time_now()),
               "not purged");
        took[i] = now_us() - start;
    }
    qsort(took, PURGES, sizeof(*took), compare);
    return took[PURGES / 2];
}

static void run(int stored, const char *folder, apr_pool_t *p)
{
    rig_t rig = {NULL, di_purges_init(apr_pcalloc(p, di_purges_bytes())), p};
    di_disk_conf_t conf = {.root = folder};
    double start, cost_us;
    apr_uint64_t stamp;

    demand(!di_disk_make(&rig.disk, &conf, p), "no disk level");
    store(&rig, "a.example", stored);
    store(&rig, "b.example", OTHERS);
    demand(count_hits(&rig, "a.example", stored - LOOKS, LOOKS) == LOOKS,
           "stored, but no hits");
    start = now_us();
    di_purges_add(&stamp, rig.purges, "a.example", "/photos/", apr_time_now());
    cost_us = now_us() - start;
    printf("%d stored: hits of the folder after its purge %d of %d\n", stored,
           count_hits(&rig, "a.example", stored - LOOKS, LOOKS), LOOKS);
    printf("%d stored: hits of the other site %d of %d\n", stored,
           count_hits(&rig, "b.example", 0, OTHERS), OTHERS);
    printf("%d stored: first purge %.1f us, median of %d %.2f us\n", stored,
           cost_us, PURGES, median_purge_us(&rig));
}

static int drop(const char *path, const struct stat *info, int kind,
                struct FTW *at)
{
    return remove(path);
}

int main(int argc, char **argv)
{
    int i;

    apr_initialize();
    for (i = 1; i < argc; i++) {
        apr_pool_t *p;
        const char *tmp = getenv("TMPDIR");
        char *folder;
        int stored = (int)strtol(argv[i], NULL, 10);
        apr_pool_create(&p, NULL);
        folder = apr_pstrcat(p, tmp ? tmp : "/tmp", "/purges.XXXXXX", NULL);
        demand(stored >= LOOKS, "at least 2000 renditions, please");
        demand(mkdtemp(folder) != NULL, "no folder");
        run(stored, folder, p);
        nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
        apr_pool_destroy(p);
    }
    return 0;
}
