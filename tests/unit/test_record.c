/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "store/record.h"

#define TEXT "di1 renderer=1 fit=900 quality=50 file=/srv/www/photos/a.jpg"
#define HEAD (DI_RECORD_FIXED_BYTES + sizeof(TEXT) - 1)
#define BODY "the body"
#define TOTAL (HEAD + sizeof(BODY) - 1)

static const di_record_t sample = {
    .format = 1,
    .width_px = 1632,
    .height_px = 1224,
    .render_us = 0x89abcdef,
    .priority = 7,
    .made_at = 0x0102030405060708,
    .expires_at = 0x1112131415161718,
    .source_bytes = 0x2122232425262728,
    .body_bytes = sizeof(BODY) - 1,
};

static void make(char *out, di_key_t *key, const di_record_t *record)
{
    memset(key, 0, sizeof(*key));
    key->text = TEXT;
    key->text_len = sizeof(TEXT) - 1;
    di_record_format(out, record, di_record_crc(0, BODY, sizeof(BODY) - 1),
                     key);
    memcpy(out + HEAD, BODY, sizeof(BODY) - 1);
}

static di_record_state_e parse(const char *data, apr_size_t have,
                               apr_uint64_t total, const di_key_t *key)
{
    apr_uint32_t crc;
    di_record_t record;

    return di_record_parse(&record, &crc, data, have, total, key);
}

static void a_record_reads_back_as_it_was_written(void **state)
{
    char data[TOTAL];
    di_key_t key;
    di_record_t back;
    apr_uint32_t crc;

    make(data, &key, &sample);
    assert_int_equal(di_record_head_bytes(&key), HEAD);
    assert_int_equal(di_record_parse(&back, &crc, data, HEAD, TOTAL, &key),
                     DI_RECORD_FINE);
    assert_int_equal(back.format, sample.format);
    assert_int_equal(back.width_px, sample.width_px);
    assert_int_equal(back.height_px, sample.height_px);
    assert_int_equal(back.render_us, sample.render_us);
    assert_int_equal(back.made_at, sample.made_at);
    assert_int_equal(back.expires_at, sample.expires_at);
    assert_int_equal(back.source_bytes, sample.source_bytes);
    assert_int_equal(back.body_bytes, sample.body_bytes);
    assert_int_equal(crc, di_record_crc(0, data + HEAD, TOTAL - HEAD));
}

/* The drawing of record.c, kept: other machines read these bytes. */
static void the_layout_is_the_drawn_one(void **state)
{
    static const unsigned char drawn[DI_RECORD_FIXED_BYTES - 8] = {
        0x89, 'D',  'I',  '\n', 2,    0,    0,    7,
        0,    0,    0,    0,    0,    0,    0,    1,
        0,    0,    0x06, 0x60, 0,    0,    0x04, 0xc8,
        0x89, 0xab, 0xcd, 0xef, 0,    0,    0,    sizeof(TEXT) - 1,
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
        0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
        0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28,
        0,    0,    0,    0,    0,    0,    0,    sizeof(BODY) - 1};
    char data[TOTAL];
    di_key_t key;

    make(data, &key, &sample);
    assert_memory_equal(data, drawn, sizeof(drawn));
    assert_memory_equal(data + DI_RECORD_FIXED_BYTES, TEXT, sizeof(TEXT) - 1);
}

/* Source: the check value that every description of this CRC gives. */
static void the_checksum_is_the_usual_crc_32(void **state)
{
    assert_int_equal(di_record_crc(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(di_record_crc(di_record_crc(0, "1234", 4), "56789", 5),
                     0xcbf43926);
    assert_int_equal(di_record_crc(0, NULL, 0), 0);
}

static void every_flipped_bit_of_the_head_is_noticed(void **state)
{
    char data[TOTAL];
    di_key_t key;
    size_t at;
    int bit;

    make(data, &key, &sample);
    for (at = 0; at < HEAD; at++) {
        for (bit = 0; bit < 8; bit++) {
            data[at] = (char)(data[at] ^ 1 << bit);
            if (parse(data, HEAD, TOTAL, &key) == DI_RECORD_FINE) {
                fail_msg("byte %zu bit %d", at, bit);
            }
            data[at] = (char)(data[at] ^ 1 << bit);
        }
    }
    assert_int_equal(parse(data, HEAD, TOTAL, &key), DI_RECORD_FINE);
}

static void a_record_of_any_other_length_is_damaged(void **state)
{
    char data[TOTAL];
    di_key_t key;
    size_t length;

    make(data, &key, &sample);
    for (length = 0; length < TOTAL; length++) {
        if (parse(data, length, length, &key) != DI_RECORD_DAMAGED) {
            fail_msg("length %zu", length);
        }
    }
    assert_int_equal(parse(data, TOTAL, TOTAL + 1, &key), DI_RECORD_DAMAGED);
    assert_int_equal(parse(data, TOTAL, UINT64_MAX, &key), DI_RECORD_DAMAGED);
}

static void other_versions_and_keys_are_told_apart(void **state)
{
    char data[TOTAL];
    di_key_t key, other;

    make(data, &key, &sample);
    other = key;
    other.text = TEXT "x";
    other.text_len++;
    assert_int_equal(parse(data, TOTAL, TOTAL, &other), DI_RECORD_OTHER_KEY);
    other.text = "x" TEXT;
    other.text_len--;
    assert_int_equal(parse(data, TOTAL, TOTAL, &other), DI_RECORD_OTHER_KEY);
    data[4]++;
    assert_int_equal(parse(data, TOTAL, TOTAL, &key), DI_RECORD_OLD);
    memset(data, 0, sizeof(data));
    assert_int_equal(parse(data, TOTAL, TOTAL, &key), DI_RECORD_DAMAGED);
}

static void a_verdict_with_a_body_is_damaged(void **state)
{
    di_record_t verdict = sample;
    char data[TOTAL];
    di_key_t key;

    verdict.verdict = 3;
    make(data, &key, &verdict);
    assert_int_equal(parse(data, TOTAL, TOTAL, &key), DI_RECORD_DAMAGED);
    verdict.body_bytes = 0;
    make(data, &key, &verdict);
    assert_int_equal(parse(data, HEAD, HEAD, &key), DI_RECORD_FINE);
}

static void extreme_instants_do_not_overflow(void **state)
{
    di_record_t record = {.made_at = APR_INT64_MAX,
                          .expires_at = APR_INT64_MAX};

    assert_true(di_record_is_expired(&record, 0));
    record.made_at = APR_INT64_MIN;
    assert_false(di_record_is_expired(&record, 0));
    record.expires_at = APR_INT64_MIN;
    assert_true(di_record_is_expired(&record, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_record_reads_back_as_it_was_written),
        UNIT(the_layout_is_the_drawn_one),
        UNIT(the_checksum_is_the_usual_crc_32),
        UNIT(every_flipped_bit_of_the_head_is_noticed),
        UNIT(a_record_of_any_other_length_is_damaged),
        UNIT(other_versions_and_keys_are_told_apart),
        UNIT(a_verdict_with_a_body_is_damaged),
        UNIT(extreme_instants_do_not_overflow),
    };

    return UNIT_RUN(tests);
}
