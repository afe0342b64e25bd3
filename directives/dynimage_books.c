/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file belongs to httpd's parent (root, mode 0600, in a folder of its own):
 * no child, renderer or customer can open it, and nobody who empties caches
 * comes near it.
 */
#include "directives/dynimage_books.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_file_info.h"
#include "apr_file_io.h"
#include "apr_hash.h"
#include "apr_strings.h"

#include "base/memory.h"
#include "directives/dynimage_conf.h"

/* A parent that was killed may be followed by the next one while the kernel is
   still at ending it. */
#define LOCK_TRIES 20
#define LOCK_PAUSE_FOR apr_time_from_msec(50)

/* Larger files are no books of any version. */
#define FORMER_BYTES_MAX (256 << 20)

/* Room for the name of a boot: a UUID. */
#define BOOT_ROOM 40

/* What the process pool keeps from one configuration to the next. */
typedef struct {
    ds_memory_t memory;
    const char *path; /* of its file; NULL: memory without one */
    di_books_t books;
    di_ledger_t *ledger;
} kept_t;

static kept_t *kept_of(server_rec *s)
{
    static const char name[] = "mod_dynimage-books-1";
    apr_pool_t *process = s->process->pool;
    void *kept = NULL;

    (void)apr_pool_userdata_get(&kept, name, process);
    if (!kept) {
        kept = apr_pcalloc(process, sizeof(kept_t));
        ((kept_t *)kept)->memory.lock_fd = -1;
        (void)apr_pool_userdata_set(kept, name, NULL, process);
    }
    return kept;
}

/* Source: Linux, Documentation/admin-guide/sysctl/kernel.rst, "random" */
static void read_boot(char *out)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, BOOT_ROOM - 1);

    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

static const char *state_path(server_rec *s, apr_pool_t *p)
{
    const char *dir = di_server_conf_of(s)->state_dir;

    return apr_pstrcat(p, dir ? dir : DI_STATE_ROOT, "/books", NULL);
}

static apr_status_t make_folder(const char *path, apr_pool_t *ptemp)
{
    const char *end = strrchr(path, '/');

    return apr_dir_make_recursive(
        apr_pstrndup(ptemp, path, (apr_size_t)(end - path)),
        APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE, ptemp);
}

static apr_status_t map_file(ds_memory_t *out, const char *path,
                             apr_size_t bytes, apr_pool_t *ptemp)
{
    apr_status_t rv = make_folder(path, ptemp);
    int i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = ds_memory_make(out, path, bytes);
    for (i = 0; i < LOCK_TRIES && APR_STATUS_IS_EBUSY(rv); i++) {
        apr_sleep(LOCK_PAUSE_FOR);
        rv = ds_memory_make(out, path, bytes);
    }
    return rv;
}

static void log_no_file(server_rec *s, const char *path, apr_status_t rv)
{
    if (APR_STATUS_IS_EBUSY(rv)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "DI0612: DynImageStateDir: %s is in use by another httpd: "
                     "ledger and purges end with this one",
                     path);
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s,
                 "DI0611: DynImageStateDir: %s cannot be used: ledger and "
                 "purges end with this httpd",
                 path);
}

/* Books of another size, which another version of the module has left. */
typedef struct {
    const void *at; /* a copy; NULL: there are none */
    apr_size_t bytes;
} former_t;

static void read_former(former_t *out, const char *path, apr_size_t bytes,
                        apr_pool_t *ptemp)
{
    apr_finfo_t info;
    apr_file_t *file;
    char *copy;

    if (apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0,
                      ptemp) != APR_SUCCESS) {
        return;
    }
    if (apr_file_info_get(&info, APR_FINFO_SIZE, file) == APR_SUCCESS &&
        info.size > 0 && info.size < FORMER_BYTES_MAX &&
        info.size != (apr_off_t)bytes) {
        out->bytes = (apr_size_t)info.size;
        copy = apr_palloc(ptemp, out->bytes);
        if (apr_file_read_full(file, copy, out->bytes, NULL) == APR_SUCCESS) {
            out->at = copy;
        }
    }
    apr_file_close(file);
}

/* Is that the file we hold, by whatever name? */
static int is_held(const kept_t *kept, const char *path)
{
    struct stat now;

    return kept->memory.at && kept->path && !stat(path, &now) &&
           now.st_dev == kept->memory.dev && now.st_ino == kept->memory.ino;
}

/* A copy of the books at path if they are of another size.  What we hold
   ourselves is not opened: closing it would end our lock. */
static former_t former_books(const kept_t *kept, const char *path,
                             apr_size_t bytes, apr_pool_t *ptemp)
{
    former_t former = {NULL, 0};

    if (!is_held(kept, path)) {
        read_former(&former, path, bytes, ptemp);
    }
    else if (kept->memory.bytes != bytes) {
        former.bytes = kept->memory.bytes;
        former.at = apr_pmemdup(ptemp, kept->memory.at, former.bytes);
    }
    return former;
}

static void carry(server_rec *s, const char *path, void *mem,
                  const former_t *former)
{
    int carried =
        di_books_carry(mem, di_ledger_bytes(), former->at, former->bytes);

    ap_log_error(APLOG_MARK,
                 carried < DI_BOOKS_PARTS ? APLOG_WARNING : APLOG_INFO, 0, s,
                 "DI0616: DynImageStateDir: %s is of another version of this "
                 "module: %d of %d parts (accounts, usage, purges, ledger) are "
                 "carried over, the others begin anew",
                 path, carried, DI_BOOKS_PARTS);
}

/* Take the file, instead of what there is.  One of another size, as a newer
   version of the module may want it, is our own: its lock is held. */
static apr_status_t take_file(ds_memory_t *made, kept_t *kept, const char *path,
                              apr_size_t bytes, apr_pool_t *ptemp)
{
    apr_status_t rv;

    if (!kept->path || strcmp(kept->path, path)) {
        return map_file(made, path, bytes, ptemp);
    }
    rv = ds_memory_renew(&kept->memory, path, bytes);
    if (rv == APR_SUCCESS) {
        *made = kept->memory;
        kept->memory = (ds_memory_t){.lock_fd = -1};
    }
    return rv;
}

/* Memory for the books: what there is, else the file, else without one. */
static apr_status_t provide(kept_t *kept, server_rec *s, apr_size_t bytes,
                            apr_pool_t *ptemp)
{
    const char *path = state_path(s, ptemp);
    ds_memory_t made;
    former_t former;
    apr_status_t rv;

    if (kept->memory.at && kept->memory.bytes == bytes && kept->path &&
        !strcmp(kept->path, path)) {
        return APR_SUCCESS;
    }
    former = former_books(kept, path, bytes, ptemp);
    rv = take_file(&made, kept, path, bytes, ptemp);
    if (rv == APR_SUCCESS && former.at && made.is_new) {
        carry(s, path, made.at, &former);
    }
    if (rv != APR_SUCCESS) {
        log_no_file(s, path, rv);
        if (kept->memory.at && kept->memory.bytes == bytes && !kept->path) {
            return APR_SUCCESS; /* it could not be had before either */
        }
        path = NULL;
        rv = ds_memory_make(&made, NULL, bytes);
    }
    if (rv == APR_SUCCESS) {
        /* Children of before go on with what they have. */
        ds_memory_replace(&kept->memory, &made);
        kept->path = path ? apr_pstrdup(s->process->pool, path) : NULL;
    }
    return rv;
}

static void open_account(di_books_t *books, server_rec *s, apr_pool_t *ptemp)
{
    di_server_conf_t *conf = di_server_conf_of(s);
    const char *name = di_conf_customer(s, ptemp);
    di_terms_t terms = di_conf_terms(conf);

    conf->site.account = di_accounts_open(books->accounts, name, &terms);
    if (conf->site.account < 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     "DI0613: no account for customer %s (there may be %d "
                     "customers): nothing is kept on disk for it",
                     name, DI_CUSTOMERS_MAX);
    }
}

void di_books_parent_start(di_books_t *out, di_ledger_t **ledger,
                           server_rec *main_server, apr_pool_t *ptemp)
{
    apr_size_t ledger_bytes = di_ledger_bytes();
    kept_t *kept = kept_of(main_server);
    apr_status_t rv =
        provide(kept, main_server, di_books_bytes(ledger_bytes), ptemp);
    char boot[BOOT_ROOM];
    server_rec *s;

    memset(out, 0, sizeof(*out));
    *ledger = NULL;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, main_server,
                     "DI0614: no memory for accounts and ledger: nothing is "
                     "kept on disk");
        return;
    }
    read_boot(boot);
    di_books_init(out, kept->memory.at, ledger_bytes, boot);
    *ledger = di_ledger_init(out->ledger, apr_time_now());
    for (s = main_server; s; s = s->next) {
        open_account(out, s, ptemp);
    }
    di_accounts_opened(out->accounts);
}

void di_books_child_start(server_rec *s)
{
    ds_memory_child(&kept_of(s)->memory);
}

static int is_same(const di_terms_t *a, const di_terms_t *b)
{
    return a->quota_bytes == b->quota_bytes &&
           a->quota_files == b->quota_files && a->policy == b->policy &&
           a->near_pct == b->near_pct && a->keep_pct == b->keep_pct;
}

const char *di_books_check(server_rec *main_server, apr_pool_t *p)
{
    apr_hash_t *seen = apr_hash_make(p);
    server_rec *s;

    for (s = main_server; s; s = s->next) {
        di_terms_t *terms = apr_palloc(p, sizeof(*terms));
        const char *name = di_conf_customer(s, p);
        const di_terms_t *before =
            apr_hash_get(seen, name, APR_HASH_KEY_STRING);

        *terms = di_conf_terms(di_server_conf_of(s));
        if (before && !is_same(before, terms)) {
            return apr_psprintf(
                p,
                "customer \"%s\" has several VirtualHosts with different "
                "DynImageQuota or DynImageReclaim: give each the same, or a "
                "DynImageCustomer of its own",
                name);
        }
        apr_hash_set(seen, name, APR_HASH_KEY_STRING, terms);
    }
    return NULL;
}
