/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk store with customers in memory that processes share, writers that put
 * and get at random, and a walk over the disk that knows nothing of the store's
 * own.
 */
#ifndef SHOP_H
#define SHOP_H

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <apr_strings.h>

#include "counting_log.h"
#include "folder.h"
#include "store/booking.h"
#include "store/store_disk.h"

#define SHOP_KEYS 40

typedef struct {
    const char *root;
    int customers;
    void *mem; /* shared by processes, as is usage */
    di_accounts_t *accounts;
    di_usage_t *usage;
    counting_log_t counting;
    di_level_t *level;
} shop_t;

/* Of one process: make it after fork. */
static inline void shop_level(shop_t *shop, apr_pool_t *p)
{
    di_disk_conf_t conf = {.root = shop->root,
                           .accounts = shop->accounts,
                           .usage = shop->usage,
                           .log = &shop->counting.log};

    counting_log_init(&shop->counting, DS_LOG_WARNING);
    assert_int_equal(di_disk_make(&shop->level, &conf, p), APR_SUCCESS);
}

static inline void *shop_memory(apr_size_t bytes)
{
    void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(mem != MAP_FAILED);
    return mem;
}

static inline apr_status_t shop_drop(void *baton)
{
    shop_t *shop = baton;

    munmap(shop->mem, di_accounts_bytes());
    munmap(shop->usage, di_usage_bytes());
    return APR_SUCCESS;
}

/* As after the books were lost. */
static inline void shop_open(shop_t *shop, const di_terms_t *terms)
{
    int i;

    shop->accounts = di_accounts_init(shop->mem, "boot");
    for (i = 0; i < shop->customers; i++) {
        char name[20];

        apr_snprintf(name, sizeof(name), "customer%d", i);
        assert_int_equal(di_accounts_open(shop->accounts, name, terms), i);
    }
}

static inline shop_t *shop_make(int customers, const di_terms_t *terms,
                                apr_pool_t *p)
{
    shop_t *shop = apr_pcalloc(p, sizeof(*shop));

    shop->root = folder_make(p);
    shop->customers = customers;
    shop->mem = shop_memory(di_accounts_bytes());
    shop->usage = di_usage_init(shop_memory(di_usage_bytes()));
    apr_pool_cleanup_register(p, shop, shop_drop, apr_pool_cleanup_null);
    shop_open(shop, terms);
    shop_level(shop, p);
    return shop;
}

static inline void shop_key(di_key_t *out, char *text, int customer, int number)
{
    apr_snprintf(text, 40, "picture %d of %d", number, customer);
    di_key_make(out, text);
    out->customer = customer;
    out->priority = (apr_uint32_t)(number % 10);
}

/* A body that tells whose it is: so many times the same byte. */
static inline char shop_byte(int customer, int number)
{
    return (char)('a' + (customer * 7 + number) % 26);
}

static inline apr_status_t shop_put(shop_t *shop, int customer, int number,
                                    apr_size_t bytes, apr_time_t now,
                                    apr_pool_t *p)
{
    di_record_t record = {.format = 1, .made_at = now};
    char text[40], *data = apr_palloc(p, bytes + 1);
    di_body_t body = {.data = data, .bytes = bytes};
    di_key_t key;

    shop_key(&key, text, customer, number);
    memset(data, shop_byte(customer, number), bytes);
    record.verdict = bytes ? 0 : 1;
    return shop->level->put(shop->level, &key, &record, &body, now, p);
}

/* @return 1 found and right, 0 not found, -1 wrong */
static inline int shop_get(shop_t *shop, int customer, int number,
                           apr_time_t now, apr_pool_t *p)
{
    char text[40], byte = shop_byte(customer, number);
    di_entry_t entry;
    const char *data;
    apr_uint64_t i;
    di_key_t key;
    apr_status_t rv;

    shop_key(&key, text, customer, number);
    rv = shop->level->get(shop->level, &entry, &key, now, p);
    if (rv != APR_SUCCESS) {
        return rv == APR_NOTFOUND ? 0 : -1;
    }
    rv = di_body_read(&data, &entry.body, p);
    for (i = 0; rv == APR_SUCCESS && i < entry.body.bytes; i++) {
        rv = data[i] == byte ? APR_SUCCESS : APR_EGENERAL;
    }
    apr_file_close(entry.body.file);
    return rv == APR_SUCCESS ? 1 : -1;
}

static inline di_account_look_t shop_look(shop_t *shop, int customer)
{
    di_account_look_t out;

    di_accounts_look(&out, shop->accounts, customer, apr_time_now());
    return out;
}

/* ---- the disk as it is ---- */

typedef struct {
    apr_uint64_t bytes, files; /* temporary ones too, but not locks */
    int temporaries;
} shop_sum_t;

static shop_sum_t shop_sum; /* nftw has no baton */

static inline int shop_add(const char *path, const struct stat *st, int kind,
                           struct FTW *where)
{
    if (kind == FTW_F && strcmp(path + where->base, "lock") != 0) {
        shop_sum.bytes += ((apr_uint64_t)st->st_size + 4095) / 4096 * 4096;
        shop_sum.files++;
        shop_sum.temporaries += !strcmp(path + where->base, "tmp");
    }
    return 0;
}

static inline shop_sum_t shop_walk(const shop_t *shop, int customer)
{
    char path[1000];

    memset(&shop_sum, 0, sizeof(shop_sum));
    apr_snprintf(path, sizeof(path), "%s/customer%d", shop->root, customer);
    nftw(path, shop_add, 16, FTW_PHYS);
    return shop_sum;
}

/* ---- writers ---- */

static inline apr_uint32_t shop_random(apr_uint32_t *seed, apr_uint32_t bound)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % bound;
}

/* Puts and gets of the first so many customers, until it is killed; ends by
   itself, with 1, when something is wrong. */
static inline void shop_writer(shop_t *shop, int customers, apr_uint32_t seed)
{
    apr_pool_t *pool, *p;

    apr_pool_create(&pool, NULL);
    shop_level(shop, pool);
    apr_pool_create(&p, pool);
    for (;;) {
        int customer = (int)shop_random(&seed, (apr_uint32_t)customers);
        int number = (int)shop_random(&seed, SHOP_KEYS);
        apr_size_t bytes = shop_random(&seed, 3) * shop_random(&seed, 9000);

        if (shop_random(&seed, 3) == 0) {
            shop_put(shop, customer, number, bytes, apr_time_now(), p);
        }
        else if (shop_get(shop, customer, number, apr_time_now(), p) < 0) {
            _exit(1);
        }
        apr_pool_clear(p);
    }
}

static inline pid_t shop_start(shop_t *shop, int customers, apr_uint32_t seed)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(250);
        shop_writer(shop, customers, seed);
    }
    return pid;
}

/* Killed, unless it had found something wrong. */
static inline void shop_kill(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#endif
