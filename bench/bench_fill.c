/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a customer's folder with small entries, through the disk level.
 *
 *     bench_fill STATE_DIR CACHE_ROOT CUSTOMER COUNT
 *
 * For an httpd that is stopped: the books are its own, so that it finds all
 * this in its accounts.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "base/arg.h"
#include "base/memory.h"
#include "store/books.h"
#include "store/store_disk.h"

#define BODY_BYTES 700

/* The head and the body together are one block. */
static apr_status_t put_one(di_level_t *disk, int customer, int number,
                            apr_pool_t *p)
{
    static const char bytes[BODY_BYTES] = "\xff\xd8";
    di_body_t body = {.data = bytes, .bytes = sizeof(bytes)};
    di_record_t record = {.format = 1, .width_px = 1, .height_px = 1};
    di_key_t key;
    apr_status_t rv =
        di_key_make(&key, apr_psprintf(p, "bench_fill %d", number));

    key.customer = customer;
    record.made_at = apr_time_now();
    if (rv == APR_SUCCESS) {
        rv = disk->put(disk, &key, &record, &body, apr_time_now(), p);
    }
    return rv;
}

static int fill(di_level_t *disk, int customer, int count, apr_pool_t *p)
{
    apr_pool_t *ptemp;
    int i, kept = 0;

    apr_pool_create(&ptemp, p);
    for (i = 0; i < count; i++) {
        kept += put_one(disk, customer, i, ptemp) == APR_SUCCESS;
        apr_pool_clear(ptemp);
    }
    return kept;
}

static di_accounts_t *open_books(ds_memory_t *memory, const char *state,
                                 apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, state, "/books", NULL);
    char boot[40] = "";
    struct stat st;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");

    if (file) {
        if (fgets(boot, sizeof(boot), file)) {
            boot[strcspn(boot, "\n")] = '\0';
        }
        fclose(file);
    }
    if (stat(path, &st) ||
        ds_memory_make(memory, path, (apr_size_t)st.st_size) != APR_SUCCESS) {
        return NULL;
    }
    return di_accounts_init((char *)memory->at + DI_BOOKS_DIRECTORY_BYTES,
                            boot);
}

/* As whoever owns that folder. */
static int become_owner(const char *path)
{
    struct stat st;

    return stat(path, &st) || setegid(st.st_gid) || seteuid(st.st_uid);
}

int main(int argc, char **argv)
{
    di_disk_conf_t conf = {0};
    ds_memory_t memory;
    di_level_t *disk;
    apr_pool_t *p;
    apr_int64_t number;
    int customer, count, kept;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (argc != 5) {
        fprintf(stderr, "usage: bench_fill STATE CACHE_ROOT CUSTOMER COUNT\n");
        return 1;
    }
    conf.root = argv[2];
    conf.accounts = open_books(&memory, argv[1], p);
    customer = conf.accounts ? di_accounts_find(conf.accounts, argv[3]) : -1;
    if (!ds_arg_decimal(&number, argv[4], strlen(argv[4])) ||
        number > INT_MAX) {
        fprintf(stderr, "bench_fill: %s is no count\n", argv[4]);
        return 1;
    }
    count = (int)number;
    if (customer < 0 || become_owner(conf.root) ||
        di_disk_make(&disk, &conf, p) != APR_SUCCESS) {
        fprintf(stderr, "bench_fill: no books of %s in %s\n", argv[3], argv[1]);
        return 1;
    }
    kept = fill(disk, customer, count, p);
    printf("%d of %d kept\n", kept, count);
    ds_memory_drop(&memory);
    return 0;
}
