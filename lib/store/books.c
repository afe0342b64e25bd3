/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cutting; books.h draws it.  Each part begins at a line of the cache, so
 * that two parts never share one.
 *
 *   directory   0   8  "dibooks1"
 *               8   8  name of the first part, padded with NULs
 *              16   8  where it begins, bytes from the directory's begin
 *              24   8  its bytes
 *              32      the next part; a name of NULs ends
 *
 * Numbers are the machine's own, as everything in the books.
 */
#include "store/books.h"

#include <string.h>

#define LINE 64
#define NAME_BYTES 8

typedef struct {
    char name[NAME_BYTES];
    apr_uint64_t from;
    apr_uint64_t bytes;
} row_t;

typedef struct {
    char magic[NAME_BYTES];
    row_t row[DI_BOOKS_PARTS + 1];
} directory_t;

_Static_assert(sizeof(directory_t) <= DI_BOOKS_DIRECTORY_BYTES,
               "the directory has room for its parts");

static const char magic[NAME_BYTES] = "dibooks";

static apr_uint64_t in_lines(apr_uint64_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static void add_part(directory_t *out, int at, const char *name,
                     apr_uint64_t bytes)
{
    row_t *row = &out->row[at];

    memcpy(row->name, name, strlen(name)); /* 8 at most; the rest is NULs */
    row->bytes = bytes;
    row->from =
        at ? in_lines(row[-1].from + row[-1].bytes) : DI_BOOKS_DIRECTORY_BYTES;
}

/* Where everything lies in books of this version. */
static void draw(directory_t *out, apr_size_t ledger_bytes)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->magic, magic, sizeof(magic));
    add_part(out, 0, "accounts", di_accounts_bytes());
    add_part(out, 1, "usage", di_usage_bytes());
    add_part(out, 2, "purges", di_purges_bytes());
    add_part(out, 3, "ledger", ledger_bytes);
}

/* Turns and breakers lie behind what lasts. */
static apr_size_t lasting_bytes(const directory_t *directory)
{
    const row_t *last = &directory->row[DI_BOOKS_PARTS - 1];

    return (apr_size_t)in_lines(last->from + last->bytes);
}

static apr_size_t turns_bytes(void)
{
    return (apr_size_t)in_lines(DI_TURN_END * sizeof(_Atomic apr_int64_t));
}

apr_size_t di_books_bytes(apr_size_t ledger_bytes)
{
    directory_t directory;

    draw(&directory, ledger_bytes);
    return lasting_bytes(&directory) + turns_bytes() +
           (apr_size_t)in_lines(DI_BREAKERS * sizeof(di_breaker_t));
}

/* Children of the configuration before may be at work with these. */
static void clear_run(di_books_t *books)
{
    int i;

    for (i = 0; i < DI_TURN_END; i++) {
        atomic_store(&books->turn[i], 0);
    }
    di_breakers_clear(books->breaker);
}

void di_books_init(di_books_t *out, void *mem, apr_size_t ledger_bytes,
                   const char *boot)
{
    directory_t directory;
    char *at = mem;

    draw(&directory, ledger_bytes);
    memcpy(mem, &directory, sizeof(directory));
    out->accounts = di_accounts_init(at + directory.row[0].from, boot);
    out->usage = di_usage_init(at + directory.row[1].from);
    out->purges = di_purges_init(at + directory.row[2].from);
    out->ledger = at + directory.row[3].from;
    at += lasting_bytes(&directory);
    out->turn = (void *)at;
    out->breaker = (void *)(at + turns_bytes());
    clear_run(out);
}

/* The part of that name and size in other books; NULL: there is none. */
static const char *part_of(const directory_t *other, const char *mem,
                           apr_size_t bytes, const row_t *wanted)
{
    const row_t *row;

    for (row = other->row; row < &other->row[DI_BOOKS_PARTS]; row++) {
        if (!memcmp(row->name, wanted->name, NAME_BYTES) &&
            row->bytes == wanted->bytes && row->bytes <= bytes &&
            row->from <= bytes - row->bytes) {
            return mem + row->from;
        }
    }
    return NULL;
}

int di_books_carry(void *mem, apr_size_t ledger_bytes, const void *old,
                   apr_size_t old_bytes)
{
    directory_t mine, theirs;
    int carried = 0, i;

    if (old_bytes < sizeof(theirs) || memcmp(old, magic, sizeof(magic)) != 0) {
        return 0;
    }
    draw(&mine, ledger_bytes);
    memcpy(&theirs, old, sizeof(theirs));
    for (i = 0; i < DI_BOOKS_PARTS; i++) {
        const char *part = part_of(&theirs, old, old_bytes, &mine.row[i]);

        if (part) {
            memcpy((char *)mem + mine.row[i].from, part, mine.row[i].bytes);
            carried++;
        }
    }
    return carried;
}
