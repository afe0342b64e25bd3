/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map in shared memory: two hash tables of which one is current, places
 * found by linear probing.
 *
 *     magic | version | newest stamp | stamp of all sites | sites | generation
 *     | used[2] | table[2] of 8192 places
 *
 *     place   key, key, site, site | stamp        64-bit words, and in each
 *     word    54 bits of hash, the highest 1                | generation
 *     stamp   53 bits of us (until 2255) | 1 bit frozen     | generation
 *
 * No lock, because a killed process could keep it, and a stopped one would.
 * Instead every step is one compare-and-swap that any process can do for any
 * other, and that does nothing when it is done twice:
 *
 * - A place is taken word by word.  Whoever finds its own first word there goes
 *   on with the next one, so a writer killed half-way leaves a place that has
 *   no stamp, which readers pass over and the next purge of that URL completes.
 * - A stamp is only ever raised.  That last swap is the purge: before it nobody
 *   sees anything, after it everybody does.
 * - Folding fills the other table and then makes it current by a swap of the
 *   generation.  First every stamp of the current table is frozen, so that none
 *   is raised behind the copier's back: who finds a frozen one copies as well.
 *   All copiers fold the same sites, since what is frozen is the same for all.
 *
 * The low ten bits of each word are those of its generation: in another one it
 * is empty.  So a process that slept through two foldings finds that its swaps
 * fail, and a table needs no clearing that could hit what is new.
 *
 * Exported, big-endian:
 *
 *     byte  0    "DIPU"
 *           4    version, 1
 *           8    entries, n
 *           12   n x (key, key, site, site, stamp), 8 bytes each, ascending;
 *                all sites: hashes of 0
 *           ..   CRC-32 of all before
 *
 * What a stamp of the site or of all sites covers anyway is left out.
 */
#include "store/purges.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "store/record.h"

#define MAGIC APR_UINT64_C(0x44495055524745) /* "DIPURGE" */
#define LAYOUT 1

#define TAG_BITS 10
#define TAGS ((APR_UINT64_C(1) << TAG_BITS) - 1)
#define FROZEN (APR_UINT64_C(1) << TAG_BITS)
#define STAMP_SHIFT (TAG_BITS + 1)
#define STAMP_MAX ((APR_UINT64_C(1) << (64 - STAMP_SHIFT)) - 1)
#define IN_USE (APR_UINT64_C(1) << 63)

#define PLACES (2 * DI_PURGES_MAX)
#define SITE_BITS 4096

#define WORDS 4
#define HEAD_BYTES 12
#define ENTRY_BYTES (8 * (WORDS + 1))
#define CRC_BYTES 4

/* Longer paths count as cut. */
#define PATH_MAX_BYTES 8192

typedef _Atomic apr_uint64_t word_t;

typedef struct {
    word_t word[WORDS]; /* key, key, site, site */
    word_t stamp;
} place_t;

struct di_purges_t {
    word_t magic;
    word_t version;
    word_t newest;               /* of all stamps known */
    word_t all;                  /* stamp of all sites */
    word_t site[SITE_BITS / 64]; /* bits of sites that have a place */
    word_t generation;
    word_t used[2]; /* places taken, and the generation as in a stamp */
    place_t table[2][PLACES];
};

/* Who a place belongs to: its words without the generation. */
typedef struct {
    apr_uint64_t word[WORDS];
} name_t;

typedef struct {
    name_t name;
    apr_uint64_t stamp;
} entry_t;

typedef enum {
    RAISED,
    KNOWN, /* the stamp there was not lower */
    MOVED, /* the table is not current any more, or about not to be */
    FULL
} raise_e;

static const name_t all_sites = {{0, 0, 0, 0}};

/* ---- words ---- */

static apr_uint64_t tag_of(apr_uint64_t generation)
{
    return generation & TAGS;
}

static int is_tagged(apr_uint64_t word, apr_uint64_t generation)
{
    return (word & TAGS) == tag_of(generation);
}

static apr_uint64_t stamp_in(apr_uint64_t word)
{
    return word >> STAMP_SHIFT;
}

static apr_uint64_t stamp_word(apr_uint64_t stamp, apr_uint64_t generation)
{
    return stamp << STAMP_SHIFT | tag_of(generation);
}

/* Raise a plain number.  @return 1 when it was lower */
static int raise_number(word_t *number, apr_uint64_t to)
{
    apr_uint64_t seen = atomic_load(number);

    while (seen < to) {
        if (atomic_compare_exchange_weak(number, &seen, to)) {
            return 1;
        }
    }
    return 0;
}

/* ---- names ---- */

static apr_uint64_t word_of(const unsigned char *bytes)
{
    apr_uint64_t word = 0;
    int i;

    for (i = 0; i < 8; i++) {
        word = word << 8 | bytes[i];
    }
    return (word & ~TAGS) | IN_USE;
}

/* The place of the site itself is found by the site's words. */
static apr_status_t name_site(name_t *out, const char *site)
{
    unsigned char digest[DS_DIGEST_BYTES];
    apr_status_t rv = ds_digest_sha256(digest, site, strlen(site));

    if (rv == APR_SUCCESS) {
        out->word[0] = out->word[2] = word_of(digest);
        out->word[1] = out->word[3] = word_of(digest + 8);
    }
    return rv;
}

static name_t site_of(const name_t *name)
{
    name_t site = {
        {name->word[2], name->word[3], name->word[2], name->word[3]}};

    return site;
}

/* Bytes to hash for the places of one URL. */
typedef struct {
    apr_uint64_t site[2];
    char path[PATH_MAX_BYTES];
} spelling_t;

static apr_size_t spell(spelling_t *out, const name_t *site, const char *path)
{
    apr_size_t len = strnlen(path, PATH_MAX_BYTES);

    memcpy(out->site, &site->word[2], sizeof(out->site));
    memcpy(out->path, path, len);
    return len;
}

/* The place of the first len bytes of the path. */
static apr_status_t name_path(name_t *out, const spelling_t *spelling,
                              apr_size_t len)
{
    unsigned char digest[DS_DIGEST_BYTES];
    apr_status_t rv =
        ds_digest_sha256(digest, spelling, offsetof(spelling_t, path) + len);

    if (rv == APR_SUCCESS) {
        out->word[0] = word_of(digest);
        out->word[1] = word_of(digest + 8);
        out->word[2] = spelling->site[0];
        out->word[3] = spelling->site[1];
    }
    return rv;
}

/* Bytes of a path up to the end of its folder of the deepest level that has a
   place of its own. */
static apr_size_t deepest_folder(const char *path, apr_size_t len)
{
    apr_size_t i;
    int level = 0;

    for (i = 1; i < len; i++) {
        if (path[i] == '/' && ++level == DI_PURGES_DEPTH_MAX) {
            return i + 1;
        }
    }
    return len;
}

static apr_status_t make_name(name_t *out, const char *site, const char *path)
{
    spelling_t spelling;
    name_t whole;
    apr_size_t len;
    apr_status_t rv = name_site(&whole, site);

    *out = whole;
    if (rv != APR_SUCCESS || !path[1]) {
        return rv;
    }
    len = spell(&spelling, &whole, path);
    if (spelling.path[len - 1] == '/') {
        len = deepest_folder(spelling.path, len);
    }
    return name_path(out, &spelling, len);
}

/* Where a site's bit is. */
static word_t *site_bit(di_purges_t *purges, apr_uint64_t *bit,
                        const name_t *name)
{
    apr_uint64_t at = (name->word[2] >> TAG_BITS) % SITE_BITS;

    *bit = (apr_uint64_t)1 << at % 64;
    return &purges->site[at / 64];
}

/* ---- places ---- */

/* No process writes into the table of a generation but while it is current or
   being made ready. */
static int is_over(di_purges_t *purges, apr_uint64_t generation)
{
    apr_uint64_t now = atomic_load(&purges->generation);

    return now != generation && now + 1 != generation;
}

typedef enum { OURS, TAKEN, OTHERS, OVER } claim_e;

/* Write a word where there is none.  TAKEN: it was free, and is ours now. */
static claim_e claim(di_purges_t *purges, word_t *at, apr_uint64_t hash,
                     apr_uint64_t generation)
{
    apr_uint64_t want = hash | tag_of(generation), seen = atomic_load(at);

    for (;;) {
        if (seen == want) {
            return OURS;
        }
        if (is_tagged(seen, generation) && seen != tag_of(generation)) {
            return OTHERS;
        }
        if (is_over(purges, generation)) {
            return OVER;
        }
        if (atomic_compare_exchange_strong(at, &seen, want)) {
            return TAKEN;
        }
    }
}

static apr_uint64_t count_used(di_purges_t *purges, apr_uint64_t generation)
{
    apr_uint64_t used = atomic_load(&purges->used[generation & 1]);

    return is_tagged(used, generation) ? stamp_in(used) : 0;
}

/* A place more.  Who is killed before this leaves one uncounted: the table has
   twice the room that is promised. */
static void note_used(di_purges_t *purges, apr_uint64_t generation)
{
    word_t *at = &purges->used[generation & 1];
    apr_uint64_t seen = atomic_load(at);

    while (is_tagged(seen, generation) &&
           !atomic_compare_exchange_weak(
               at, &seen, stamp_word(stamp_in(seen) + 1, generation))) {
    }
}

static raise_e raise_stamp(di_purges_t *purges, word_t *at, apr_uint64_t to,
                           apr_uint64_t generation)
{
    apr_uint64_t seen = atomic_load(at);

    for (;;) {
        int tagged = is_tagged(seen, generation);
        if (is_over(purges, generation) || (tagged && seen & FROZEN)) {
            return MOVED;
        }
        if (tagged && stamp_in(seen) >= to) {
            return KNOWN;
        }
        if (atomic_compare_exchange_strong(at, &seen,
                                           stamp_word(to, generation))) {
            return RAISED;
        }
    }
}

/* Take the place's other words.  @return OURS, OTHERS or OVER */
static claim_e claim_rest(di_purges_t *purges, place_t *place,
                          const name_t *name, apr_uint64_t generation)
{
    int i;

    for (i = 1; i < WORDS; i++) {
        claim_e got = claim(purges, &place->word[i], name->word[i], generation);
        if (got == OTHERS || got == OVER) {
            return got;
        }
    }
    return OURS;
}

static apr_uint64_t home_of(const name_t *name)
{
    return (name->word[0] >> TAG_BITS) % PLACES;
}

/* Raise a name's stamp in the table of a generation.
   @param most  places that the table may have */
static raise_e raise_in(di_purges_t *purges, const name_t *name,
                        apr_uint64_t stamp, apr_uint64_t generation,
                        apr_uint64_t most)
{
    place_t *table = purges->table[generation & 1];
    apr_uint64_t i, home = home_of(name);

    for (i = 0; i < PLACES; i++) {
        place_t *place = &table[(home + i) % PLACES];
        claim_e got;
        if (atomic_load(&place->word[0]) == tag_of(generation) &&
            count_used(purges, generation) >= most) {
            return FULL;
        }
        got = claim(purges, &place->word[0], name->word[0], generation);
        if (got == TAKEN) {
            note_used(purges, generation);
        }
        if (got == TAKEN || got == OURS) {
            got = claim_rest(purges, place, name, generation);
        }
        if (got == OURS) {
            return raise_stamp(purges, &place->stamp, stamp, generation);
        }
        if (got == OVER) {
            return MOVED;
        }
    }
    return FULL;
}

/* A name's stamp in the table of a generation; 0: none. */
static apr_uint64_t find_in(const di_purges_t *purges, const name_t *name,
                            apr_uint64_t generation)
{
    const place_t *table = purges->table[generation & 1];
    apr_uint64_t i, home = home_of(name), tag = tag_of(generation);

    for (i = 0; i < PLACES; i++) {
        const place_t *place = &table[(home + i) % PLACES];
        apr_uint64_t first = atomic_load(&place->word[0]), stamp;
        if (first == tag || !is_tagged(first, generation)) {
            return 0;
        }
        if (first == (name->word[0] | tag) &&
            atomic_load(&place->word[1]) == (name->word[1] | tag)) {
            stamp = atomic_load(&place->stamp);
            return is_tagged(stamp, generation) ? stamp_in(stamp) : 0;
        }
    }
    return 0;
}

/* ---- what is in a table ---- */

static int compare_names(const void *a, const void *b)
{
    const name_t *x = a, *y = b;
    int i;

    for (i = 0; i < WORDS; i++) {
        if (x->word[i] != y->word[i]) {
            return x->word[i] < y->word[i] ? -1 : 1;
        }
    }
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    return compare_names(&((const entry_t *)a)->name,
                         &((const entry_t *)b)->name);
}

/* Does a stamp of the site, or of all sites, make this one needless? */
static int is_covered(const di_purges_t *purges, const entry_t *entry,
                      apr_uint64_t generation)
{
    name_t site = site_of(&entry->name);

    return atomic_load(&purges->all) >= entry->stamp ||
           (compare_names(&site, &entry->name) &&
            find_in(purges, &site, generation) >= entry->stamp);
}

/* Read a place that counts.  @return 0 when there is none, or no need of it */
static int read_place(entry_t *out, const di_purges_t *purges,
                      const place_t *place, apr_uint64_t generation)
{
    apr_uint64_t stamp = atomic_load(&place->stamp);
    int i;

    if (!is_tagged(stamp, generation) || !stamp_in(stamp)) {
        return 0;
    }
    out->stamp = stamp_in(stamp);
    for (i = 0; i < WORDS; i++) {
        out->name.word[i] = atomic_load(&place->word[i]) & ~TAGS;
    }
    return !is_covered(purges, out, generation);
}

/* Entries of a table that count.  @param out  PLACES of them */
static int collect(entry_t *out, const di_purges_t *purges,
                   apr_uint64_t generation)
{
    int i, count = 0;

    for (i = 0; i < PLACES; i++) {
        count += read_place(&out[count], purges,
                            &purges->table[generation & 1][i], generation);
    }
    return count;
}

/* ---- folding ---- */

/* One site's entries in a list. */
typedef struct {
    int first, count, fold;
} group_t;

static int compare_sites(const void *a, const void *b)
{
    const entry_t *x = a, *y = b;
    name_t sx = site_of(&x->name), sy = site_of(&y->name);
    int order = compare_names(&sx, &sy);

    return order ? order : compare_entries(a, b);
}

static int compare_groups(const void *a, const void *b)
{
    const group_t *x = a, *y = b;

    return x->count != y->count ? y->count - x->count : x->first - y->first;
}

/* Sort by sites and mark those to be folded: the ones with most entries, until
   an eighth of the places is free.  The same for the same entries. */
static int choose(group_t *groups, entry_t *entries, int count)
{
    int i, all = 0, left = count;

    qsort(entries, (size_t)count, sizeof(*entries), compare_sites);
    for (i = 0; i < count; i++) {
        if (i > 0 && entries[i].name.word[2] == entries[i - 1].name.word[2] &&
            entries[i].name.word[3] == entries[i - 1].name.word[3]) {
            groups[all - 1].count++;
        }
        else {
            groups[all++] = (group_t){i, 1, 0};
        }
    }
    qsort(groups, (size_t)all, sizeof(*groups), compare_groups);
    for (i = 0; i < all && groups[i].count > 1 &&
                left > DI_PURGES_MAX - DI_PURGES_MAX / 8;
         i++) {
        groups[i].fold = 1;
        left -= groups[i].count - 1;
    }
    return all;
}

static void copy_group(di_purges_t *purges, const group_t *group,
                       const entry_t *entries, apr_uint64_t next)
{
    int i;

    for (i = group->first; i < group->first + group->count; i++) {
        name_t name = group->fold ? site_of(&entries[i].name) : entries[i].name;
        if (raise_in(purges, &name, entries[i].stamp, next, PLACES) == MOVED) {
            return;
        }
    }
}

/* Give each word of the table to come its generation.  @return 0 when that
   generation is past */
static int make_ready(di_purges_t *purges, word_t *at, apr_uint64_t next)
{
    apr_uint64_t seen = atomic_load(at);

    while (!is_tagged(seen, next)) {
        if (atomic_load(&purges->generation) + 1 != next) {
            return 0;
        }
        if (atomic_compare_exchange_weak(at, &seen, tag_of(next))) {
            break;
        }
    }
    return 1;
}

static int make_table_ready(di_purges_t *purges, apr_uint64_t next)
{
    int i, at;

    for (i = 0; i < PLACES; i++) {
        place_t *place = &purges->table[next & 1][i];
        for (at = 0; at < WORDS; at++) {
            if (!make_ready(purges, &place->word[at], next)) {
                return 0;
            }
        }
        if (!make_ready(purges, &place->stamp, next)) {
            return 0;
        }
    }
    return make_ready(purges, &purges->used[next & 1], next);
}

/* @return 0 when the generation is past */
static int freeze(di_purges_t *purges, word_t *at, apr_uint64_t generation)
{
    apr_uint64_t seen = atomic_load(at), want;

    do {
        int tagged = is_tagged(seen, generation);
        if (tagged && seen & FROZEN) {
            return 1;
        }
        if (atomic_load(&purges->generation) != generation) {
            return 0;
        }
        want = (tagged ? seen : tag_of(generation)) | FROZEN;
    } while (!atomic_compare_exchange_weak(at, &seen, want));
    return 1;
}

static int freeze_table(di_purges_t *purges, apr_uint64_t generation)
{
    int i;

    for (i = 0; i < PLACES; i++) {
        if (!freeze(purges, &purges->table[generation & 1][i].stamp,
                    generation)) {
            return 0;
        }
    }
    return 1;
}

/* Go on to the next generation, or help another process that does.  Some 700
   KB of scratch, some ms. */
static apr_status_t renew(di_purges_t *purges, apr_uint64_t generation)
{
    entry_t *entries = malloc(PLACES * (sizeof(*entries) + sizeof(group_t)));
    group_t *groups = (group_t *)(void *)(entries + PLACES);
    int count, i;

    if (!entries) {
        return APR_ENOMEM;
    }
    if (atomic_load(&purges->generation) == generation &&
        make_table_ready(purges, generation + 1) &&
        freeze_table(purges, generation)) {
        count = choose(groups, entries, collect(entries, purges, generation));
        for (i = 0; i < count; i++) {
            copy_group(purges, &groups[i], entries, generation + 1);
        }
        atomic_compare_exchange_strong(&purges->generation, &generation,
                                       generation + 1);
    }
    free(entries);
    return APR_SUCCESS;
}

/* ---- the map ---- */

apr_size_t di_purges_bytes(void)
{
    return sizeof(di_purges_t);
}

di_purges_t *di_purges_init(void *mem)
{
    di_purges_t *purges = mem;
    const apr_uint64_t magic = MAGIC << 8 | LAYOUT;

    if (atomic_load(&purges->magic) != magic) {
        memset(mem, 0, sizeof(*purges));
        atomic_store(&purges->magic, magic);
    }
    return purges;
}

apr_uint64_t di_purges_version(const di_purges_t *purges)
{
    return purges ? atomic_load(&purges->version) : 0;
}

/* A stamp shall count for a name.  The map's version is above 0 before there
   is anything in it: that is what readers look at first. */
static apr_status_t put(raise_e *did, di_purges_t *purges, const name_t *name,
                        apr_uint64_t stamp)
{
    apr_uint64_t bit;
    word_t *bits = site_bit(purges, &bit, name);
    int renewed = 0;
    apr_status_t rv;

    raise_number(&purges->version, 1);
    raise_number(&purges->newest, stamp);
    if (!compare_names(name, &all_sites)) {
        *did = raise_number(&purges->all, stamp) ? RAISED : KNOWN;
        return APR_SUCCESS;
    }
    atomic_fetch_or(bits, bit);
    for (;;) {
        apr_uint64_t generation = atomic_load(&purges->generation);
        *did = raise_in(purges, name, stamp, generation, DI_PURGES_MAX);
        if (*did == RAISED || *did == KNOWN) {
            return APR_SUCCESS;
        }
        if (*did == FULL && renewed++ > 1) {
            return APR_ENOSPC;
        }
        rv = renew(purges, generation);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

/* Above all that are known, or the purge would be none. */
static apr_uint64_t make_stamp(di_purges_t *purges, apr_time_t now)
{
    apr_uint64_t seen = atomic_load(&purges->newest), stamp;

    do {
        stamp =
            now > 0 && (apr_uint64_t)now > seen ? (apr_uint64_t)now : seen + 1;
    } while (!atomic_compare_exchange_weak(&purges->newest, &seen, stamp));
    return stamp;
}

apr_status_t di_purges_add(apr_uint64_t *stamp, di_purges_t *purges,
                           const char *site, const char *path, apr_time_t now)
{
    name_t name = all_sites;
    raise_e did;
    apr_status_t rv = APR_SUCCESS;

    if (site) {
        rv = path && *path == '/' ? make_name(&name, site, path) : APR_EINVAL;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *stamp = make_stamp(purges, now);
    rv = *stamp > STAMP_MAX ? APR_EINVAL : put(&did, purges, &name, *stamp);
    if (rv == APR_SUCCESS) {
        atomic_fetch_add(&purges->version, 1);
    }
    return rv;
}

/* ---- look-up ---- */

/* The URL itself, the site, and each folder. */
typedef struct {
    name_t name[DI_PURGES_DEPTH_MAX + 2];
    int count;
} cover_t;

static void add_path(cover_t *cover, const spelling_t *spelling, apr_size_t len)
{
    cover->count +=
        name_path(&cover->name[cover->count], spelling, len) == APR_SUCCESS;
}

static void add_paths(cover_t *cover, const char *path)
{
    spelling_t spelling;
    apr_size_t len = spell(&spelling, &cover->name[0], path), i;
    int level = 0;

    if (len < 2 || *path != '/') {
        return;
    }
    /* As the last byte of the path, a '/' makes the name of the URL itself. */
    for (i = 1; i < len - 1 && level < DI_PURGES_DEPTH_MAX; i++) {
        if (spelling.path[i] == '/') {
            level++;
            add_path(cover, &spelling, i + 1);
        }
    }
    add_path(cover, &spelling, len);
}

apr_uint64_t di_purges_stamp(const di_purges_t *purges, const char *site,
                             const char *path)
{
    apr_uint64_t bit, generation, newest;
    cover_t cover = {.count = 1};
    int i;

    if (!di_purges_version(purges)) {
        return 0;
    }
    if (name_site(&cover.name[0], site) != APR_SUCCESS ||
        !(atomic_load(site_bit((di_purges_t *)purges, &bit, &cover.name[0])) &
          bit)) {
        return atomic_load(&purges->all);
    }
    add_paths(&cover, path);
    do {
        generation = atomic_load(&purges->generation);
        newest = atomic_load(&purges->all);
        for (i = 0; i < cover.count; i++) {
            apr_uint64_t stamp = find_in(purges, &cover.name[i], generation);
            newest = stamp > newest ? stamp : newest;
        }
    } while (atomic_load(&purges->generation) != generation);
    return newest;
}

/* ---- between machines ---- */

static char *put_number(char *at, int bytes, apr_uint64_t value)
{
    int i;

    for (i = bytes - 1; i >= 0; i--) {
        at[i] = (char)(value & 0xff);
        value >>= 8;
    }
    return at + bytes;
}

static apr_uint64_t get_number(const char *at, int bytes)
{
    apr_uint64_t value = 0;

    while (bytes-- > 0) {
        value = value << 8 | (unsigned char)*at++;
    }
    return value;
}

/* All that counts, in order.  @param out  PLACES + 1 of them */
static int list(entry_t *out, const di_purges_t *purges)
{
    apr_uint64_t generation;
    int count;

    do {
        generation = atomic_load(&purges->generation);
        out[0].name = all_sites;
        out[0].stamp = atomic_load(&purges->all);
        count = out[0].stamp > 0;
        count += collect(out + count, purges, generation);
    } while (atomic_load(&purges->generation) != generation);
    qsort(out, (size_t)count, sizeof(*out), compare_entries);
    return count;
}

static apr_uint32_t crc_of(const char *data, apr_size_t bytes)
{
    return di_record_crc(0, data, bytes);
}

void di_purges_export(const char **out, apr_size_t *bytes,
                      const di_purges_t *purges, apr_pool_t *p)
{
    entry_t *entries = apr_palloc(p, (PLACES + 1) * sizeof(*entries));
    int count = list(entries, purges), i, at;
    char *data =
        apr_palloc(p, HEAD_BYTES + (apr_size_t)count * ENTRY_BYTES + CRC_BYTES);
    char *to = data;

    memcpy(to, "DIPU", 4);
    to = put_number(to + 4, 4, 1);
    to = put_number(to, 4, (apr_uint64_t)count);
    for (i = 0; i < count; i++) {
        for (at = 0; at < WORDS; at++) {
            to = put_number(to, 8, entries[i].name.word[at]);
        }
        to = put_number(to, 8, entries[i].stamp);
    }
    to = put_number(to, CRC_BYTES, crc_of(data, (apr_size_t)(to - data)));
    *out = data;
    *bytes = (apr_size_t)(to - data);
}

/* A map of another machine, checked. */
typedef struct {
    const char *at;
    int count;
} foreign_t;

static entry_t foreign_entry(const foreign_t *foreign, int i)
{
    const char *from = foreign->at + (apr_size_t)i * ENTRY_BYTES;
    entry_t entry;
    int at;

    for (at = 0; at < WORDS; at++) {
        entry.name.word[at] = get_number(from + 8 * at, 8);
    }
    entry.stamp = get_number(from + 8 * WORDS, 8);
    return entry;
}

static int is_sound(const entry_t *entry)
{
    int i;

    for (i = 0; i < WORDS; i++) {
        if (entry->name.word[i] & TAGS || !(entry->name.word[i] & IN_USE)) {
            break;
        }
    }
    return entry->stamp > 0 && entry->stamp <= STAMP_MAX &&
           (i == WORDS || !compare_names(&entry->name, &all_sites));
}

static int read_foreign(foreign_t *out, const char *data, apr_size_t bytes)
{
    entry_t before = {.stamp = 0};
    int i;

    if (bytes < HEAD_BYTES + CRC_BYTES || bytes > DI_PURGES_EXPORT_MAX ||
        memcmp(data, "DIPU", 4) || get_number(data + 4, 4) != 1 ||
        get_number(data + 8, 4) * ENTRY_BYTES !=
            bytes - HEAD_BYTES - CRC_BYTES ||
        get_number(data + bytes - CRC_BYTES, CRC_BYTES) !=
            crc_of(data, bytes - CRC_BYTES)) {
        return 0;
    }
    out->at = data + HEAD_BYTES;
    out->count = (int)get_number(data + 8, 4);
    for (i = 0; i < out->count; i++) {
        entry_t entry = foreign_entry(out, i);
        if (!is_sound(&entry) ||
            (i > 0 && compare_entries(&before, &entry) >= 0)) {
            return 0;
        }
        before = entry;
    }
    return 1;
}

static apr_uint64_t find_foreign(const foreign_t *foreign, const name_t *name)
{
    int from = 0, upto = foreign->count;

    while (from < upto) {
        int middle = from + (upto - from) / 2;
        entry_t entry = foreign_entry(foreign, middle);
        int order = compare_names(&entry.name, name);
        if (!order) {
            return entry.stamp;
        }
        if (order < 0) {
            from = middle + 1;
        }
        else {
            upto = middle;
        }
    }
    return 0;
}

static int they_lack(const foreign_t *foreign, const entry_t *ours)
{
    name_t site = site_of(&ours->name);

    return ours->stamp > find_foreign(foreign, &all_sites) &&
           ours->stamp > find_foreign(foreign, &site) &&
           ours->stamp > find_foreign(foreign, &ours->name);
}

/* Of ours, those that the other machine should have. */
static int count_theirs(const di_purges_t *purges, const foreign_t *foreign)
{
    apr_uint64_t generation;
    entry_t ours = {all_sites, 0};
    int i, count;

    do {
        generation = atomic_load(&purges->generation);
        ours.name = all_sites;
        ours.stamp = atomic_load(&purges->all);
        count = they_lack(foreign, &ours);
        for (i = 0; i < PLACES; i++) {
            count +=
                read_place(&ours, purges, &purges->table[generation & 1][i],
                           generation) &&
                they_lack(foreign, &ours);
        }
    } while (atomic_load(&purges->generation) != generation);
    return count;
}

apr_status_t di_purges_merge(int *news, int *theirs, di_purges_t *purges,
                             const char *data, apr_size_t bytes, apr_time_t now)
{
    foreign_t foreign;
    apr_status_t rv = APR_SUCCESS;
    int i;

    *news = *theirs = 0;
    if (!read_foreign(&foreign, data, bytes)) {
        return APR_EINVAL;
    }
    for (i = 0; i < foreign.count && rv == APR_SUCCESS; i++) {
        entry_t entry = foreign_entry(&foreign, i);
        raise_e did = KNOWN;
        if (entry.stamp <= (apr_uint64_t)(now + DI_PURGES_AHEAD_FOR) &&
            !is_covered(purges, &entry, atomic_load(&purges->generation))) {
            rv = put(&did, purges, &entry.name, entry.stamp);
        }
        *news += did == RAISED;
    }
    if (*news) {
        atomic_fetch_add(&purges->version, 1);
    }
    *theirs = count_theirs(purges, &foreign);
    return rv;
}
