/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <apr_strings.h>

#include "store/ring.h"
#include "store/store.h"

#define KEYS 20000

static const char *const words[] = {"10.0.0.1:11211", "10.0.0.2:11211",
                                    "10.0.0.3:11211", "10.0.0.4:11211"};

static const char *server_of(const di_ring_t *ring, const char *const *list,
                             int number, apr_pool_t *p)
{
    di_key_t key;

    di_key_make(&key, apr_psprintf(p, "picture %d", number));
    return list[di_ring_find(ring, key.hash)];
}

static void the_servers_have_about_equal_shares(void **state)
{
    int share[4] = {0}, i;
    di_ring_t *ring;

    assert_int_equal(di_ring_make(&ring, words, 4, *state), APR_SUCCESS);
    for (i = 0; i < KEYS; i++) {
        di_key_t key;

        di_key_make(&key, apr_psprintf(*state, "picture %d", i));
        share[di_ring_find(ring, key.hash)]++;
    }
    for (i = 0; i < 4; i++) {
        assert_in_range(share[i], KEYS / 4 * 8 / 10, KEYS / 4 * 12 / 10);
    }
}

static void the_order_of_the_list_does_not_matter(void **state)
{
    static const char *const turned[] = {"10.0.0.3:11211", "10.0.0.1:11211",
                                         "10.0.0.4:11211", "10.0.0.2:11211"};
    di_ring_t *ring, *other;
    int i;

    assert_int_equal(di_ring_make(&ring, words, 4, *state), APR_SUCCESS);
    assert_int_equal(di_ring_make(&other, turned, 4, *state), APR_SUCCESS);
    for (i = 0; i < KEYS; i++) {
        assert_string_equal(server_of(ring, words, i, *state),
                            server_of(other, turned, i, *state));
    }
}

static void a_server_less_moves_its_own_share_only(void **state)
{
    di_ring_t *four, *three;
    int gone, i, k;

    assert_int_equal(di_ring_make(&four, words, 4, *state), APR_SUCCESS);
    for (gone = 0; gone < 4; gone++) {
        const char *left[3];

        for (i = 0, k = 0; i < 4; i++) {
            if (i != gone) {
                left[k++] = words[i];
            }
        }
        assert_int_equal(di_ring_make(&three, left, 3, *state), APR_SUCCESS);
        for (i = 0; i < KEYS / 10; i++) {
            const char *before = server_of(four, words, i, *state);

            if (strcmp(before, words[gone])) {
                assert_string_equal(server_of(three, left, i, *state), before);
            }
        }
    }
}

static void the_ends_of_the_ring_meet(void **state)
{
    static const unsigned char first[8] = {0};
    static const unsigned char last[8] = {255, 255, 255, 255,
                                          255, 255, 255, 255};
    di_ring_t *ring;

    assert_int_equal(di_ring_make(&ring, words, 4, *state), APR_SUCCESS);
    assert_int_equal(di_ring_find(ring, first), di_ring_find(ring, last));
    assert_int_equal(di_ring_make(&ring, words, 1, *state), APR_SUCCESS);
    assert_int_equal(di_ring_find(ring, last), 0);
}

/* Computed apart: another ring would lose what all machines have stored. */
static void the_places_are_as_they_always_were(void **state)
{
    static const struct {
        int picture;
        int server;
    } cases[] = {{0, 3}, {1, 1}, {2, 0}, {3, 0},
                 {4, 0}, {5, 0}, {6, 2}, {7, 3}};
    di_ring_t *ring;
    size_t i;

    assert_int_equal(di_ring_make(&ring, words, 4, *state), APR_SUCCESS);
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_string_equal(server_of(ring, words, cases[i].picture, *state),
                            words[cases[i].server]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(the_servers_have_about_equal_shares),
        UNIT(the_order_of_the_list_does_not_matter),
        UNIT(a_server_less_moves_its_own_share_only),
        UNIT(the_ends_of_the_ring_meet),
        UNIT(the_places_are_as_they_always_were),
    };

    return UNIT_RUN(tests);
}
