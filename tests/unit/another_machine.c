/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For live tests: another machine with the same key file, and a look into the
 * table that httpd keeps in its state file, also while it runs.
 *
 *     another_machine publish KEYFILE SERVER ADDRESS KBPS
 *     another_machine put     KEYFILE STATEFILE ROWS ADDRESS KBPS
 *     another_machine look    KEYFILE STATEFILE ROWS ADDRESS
 *
 * publish tells the memcached server what it knows of the client; look prints
 * the client's rate as the table has it, 0 for none.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_network_io.h>

#include "directives/share_memcached.h"
#include "speed/client.h"
#include "speed/clientkey.h"
#include "speed/sharedrow.h"
#include "speed/table.h"

/* Where the head of a table has its tag. */
#define TAG_AT 32

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static ds_seal_key_t secret_of(const char *key_file, apr_pool_t *p)
{
    const char *error;
    ds_seal_keys_t keys;
    ds_seal_key_t secret;

    error = ds_seal_keys_read(&keys, key_file, p);
    must(!error, error ? error : "");
    must(!sp_clientkey_secret(&secret, &keys.key[0]), "no secret");
    return secret;
}

static sp_clientkey_t client_of(const char *address,
                                const ds_seal_key_t *secret, apr_pool_t *p)
{
    apr_sockaddr_t *sa;
    sp_clientkey_t client;

    must(!apr_sockaddr_info_get(&sa, address, APR_UNSPEC, 0, 0, p),
         "no address");
    must(!sp_clientkey_client(&client, secret, sa), "no key of the client");
    return client;
}

static sp_state_t state_of(const char *kbps)
{
    sp_state_t state = {.s = 0.12, .rtt_ms = 30, .at = apr_time_now()};

    state.x = log2(strtod(kbps, NULL));
    return state;
}

/* The table of clients at the file's start. */
static sp_table_t *table_in(const char *state_file, apr_uint32_t rows)
{
    int fd = open(state_file, O_RDWR), kept = 0;
    struct stat info;
    apr_uint64_t tag;
    sp_table_t *table;
    char *mem;

    must(fd >= 0 && !fstat(fd, &info), "no state file");
    mem = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
               fd, 0);
    must(mem != MAP_FAILED && info.st_size >= TAG_AT + 8, "no memory");
    memcpy(&tag, mem + TAG_AT, sizeof(tag));
    must(sp_table_is_kept(mem, (apr_size_t)info.st_size, rows,
                          sizeof(sp_client_t), tag),
         "no table of such a shape in it");
    table = sp_table_init(mem, (apr_size_t)info.st_size, rows,
                          sizeof(sp_client_t), tag, &kept);
    must(table && kept, "no table in it");
    return table;
}

static void put_state(void *row, void *baton)
{
    ((sp_client_t *)row)->state = *(const sp_state_t *)baton;
}

static void get_state(void *row, void *baton)
{
    *(sp_state_t *)baton = ((sp_client_t *)row)->state;
}

static void publish(const char *server, const sp_clientkey_t *client,
                    const ds_seal_key_t *secret, const char *kbps,
                    apr_pool_t *p)
{
    const char *servers[] = {server, NULL};
    unsigned char bytes[SP_SHAREDROW_BYTES];
    sp_state_t state = state_of(kbps);
    sp_share_cache_t cache;

    must(!sp_share_memcached_make(&cache, servers, 1000, NULL, p) &&
             !sp_sharedrow_format(bytes, &state, secret, client) &&
             !cache.put(cache.self, client, bytes, sizeof(bytes), state.at),
         "not published");
}

static void look(sp_table_t *table, const sp_clientkey_t *client)
{
    sp_state_t state = {0};

    (void)sp_table_with(table, client->bytes, 0, get_state, &state,
                        apr_time_now());
    printf("%.0f\n", state.at ? exp2(state.x) : 0);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    ds_seal_key_t secret;
    sp_clientkey_t client;
    sp_state_t state;
    apr_pool_t *p;

    must(argc == 6 || (argc == 7 && !strcmp(word, "put")), "usage: see source");
    must(!apr_initialize() && !atexit(apr_terminate) &&
             !apr_pool_create(&p, NULL),
         "no APR");
    secret = secret_of(argv[2], p);
    client = client_of(argv[strcmp(word, "publish") ? 5 : 4], &secret, p);
    if (!strcmp(word, "publish")) {
        publish(argv[3], &client, &secret, argv[5], p);
        return 0;
    }
    if (!strcmp(word, "put")) {
        state = state_of(argv[6]);
        must(sp_table_with(
                 table_in(argv[3], (apr_uint32_t)strtoul(argv[4], NULL, 10)),
                 client.bytes, 1, put_state, &state, state.at) > 0,
             "no row");
        return 0;
    }
    look(table_in(argv[3], (apr_uint32_t)strtoul(argv[4], NULL, 10)), &client);
    return 0;
}
