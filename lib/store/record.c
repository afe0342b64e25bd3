/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record.  Numbers are big-endian; instants are us since 1970.
 *
 *    0  4  magic: 89 'D' 'I' 0a          40  8  expires_at, 0 = never
 *    4  1  version                       48  8  source_bytes
 *    5  3  0 0, priority                56  8  body_bytes
 *    8  4  verdict                       64  4  CRC-32 of the body
 *   12  4  format                        68  4  CRC-32 of bytes 0..67 and of
 *   16  4  width_px                             the key text
 *   20  4  height_px                     72  K  key text, no NUL
 *   24  4  render_us                   72+K  B  body
 *   28  4  K, bytes of the key text
 *   32  8  made_at                     the record ends with the body
 *
 * The magic's first byte is no text and its last is a line end, so a file
 * that some tool took for text and "repaired" is noticed at once.  A CRC-32
 * finds accidents; who can write into the store is trusted.
 */
#include "store/record.h"

#include <string.h>

#include <zlib.h>

#define AT_VERSION 4
#define AT_PRIORITY 7
#define AT_VERDICT 8
#define AT_FORMAT 12
#define AT_WIDTH 16
#define AT_HEIGHT 20
#define AT_RENDER 24
#define AT_KEY_BYTES 28
#define AT_MADE 32
#define AT_EXPIRES 40
#define AT_SOURCE 48
#define AT_BODY 56
#define AT_BODY_CRC 64
#define AT_HEAD_CRC 68

static const unsigned char magic[4] = {0x89, 'D', 'I', '\n'};

static void put_number(char *at, apr_uint64_t value, int bytes)
{
    while (bytes-- > 0) {
        at[bytes] = (char)(value & 0xff);
        value >>= 8;
    }
}

static apr_uint64_t take_number(const char *at, int bytes)
{
    apr_uint64_t value = 0;
    int i;

    for (i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)at[i];
    }
    return value;
}

static apr_uint32_t take_u32(const char *at)
{
    return (apr_uint32_t)take_number(at, 4);
}

static apr_uint32_t head_crc(const char *head, apr_size_t key_bytes)
{
    return di_record_crc(di_record_crc(0, head, AT_HEAD_CRC),
                         head + DI_RECORD_FIXED_BYTES, key_bytes);
}

apr_size_t di_record_head_bytes(const di_key_t *key)
{
    return DI_RECORD_FIXED_BYTES + key->text_len;
}

void di_record_format(char *out, const di_record_t *record,
                      apr_uint32_t body_crc, const di_key_t *key)
{
    memcpy(out, magic, sizeof(magic));
    put_number(out + AT_VERSION, (apr_uint64_t)DI_RECORD_VERSION << 24, 4);
    out[AT_PRIORITY] = (char)(record->priority & 0xff);
    put_number(out + AT_VERDICT, record->verdict, 4);
    put_number(out + AT_FORMAT, record->format, 4);
    put_number(out + AT_WIDTH, record->width_px, 4);
    put_number(out + AT_HEIGHT, record->height_px, 4);
    put_number(out + AT_RENDER, record->render_us, 4);
    put_number(out + AT_KEY_BYTES, key->text_len, 4);
    put_number(out + AT_MADE, (apr_uint64_t)record->made_at, 8);
    put_number(out + AT_EXPIRES, (apr_uint64_t)record->expires_at, 8);
    put_number(out + AT_SOURCE, record->source_bytes, 8);
    put_number(out + AT_BODY, record->body_bytes, 8);
    put_number(out + AT_BODY_CRC, body_crc, 4);
    memcpy(out + DI_RECORD_FIXED_BYTES, key->text, key->text_len);
    put_number(out + AT_HEAD_CRC, head_crc(out, key->text_len), 4);
}

static void take_record(di_record_t *out, const char *head)
{
    out->priority = (unsigned char)head[AT_PRIORITY];
    out->verdict = take_u32(head + AT_VERDICT);
    out->format = take_u32(head + AT_FORMAT);
    out->width_px = take_u32(head + AT_WIDTH);
    out->height_px = take_u32(head + AT_HEIGHT);
    out->render_us = take_u32(head + AT_RENDER);
    out->made_at = (apr_time_t)take_number(head + AT_MADE, 8);
    out->expires_at = (apr_time_t)take_number(head + AT_EXPIRES, 8);
    out->source_bytes = take_number(head + AT_SOURCE, 8);
    out->body_bytes = take_number(head + AT_BODY, 8);
}

/* Is this the whole, unaltered head of that key, in our version? */
static di_record_state_e check_head(const char *head, apr_size_t have,
                                    const di_key_t *key)
{
    if (have < DI_RECORD_FIXED_BYTES ||
        memcmp(head, magic, sizeof(magic)) != 0) {
        return DI_RECORD_DAMAGED;
    }
    if (head[AT_VERSION] != DI_RECORD_VERSION) {
        return DI_RECORD_OLD;
    }
    /* A key of another length may well be a damaged length, but then the
       checksum's end is not known either. */
    if (take_u32(head + AT_KEY_BYTES) != key->text_len) {
        return DI_RECORD_OTHER_KEY;
    }
    if (have < di_record_head_bytes(key) ||
        take_u32(head + AT_HEAD_CRC) != head_crc(head, key->text_len)) {
        return DI_RECORD_DAMAGED;
    }
    return memcmp(head + DI_RECORD_FIXED_BYTES, key->text, key->text_len)
               ? DI_RECORD_OTHER_KEY
               : DI_RECORD_FINE;
}

di_record_state_e di_record_parse(di_record_t *out, apr_uint32_t *body_crc,
                                  const char *data, apr_size_t have,
                                  apr_uint64_t total, const di_key_t *key)
{
    di_record_state_e state = check_head(data, have, key);
    di_record_t record;

    if (state != DI_RECORD_FINE) {
        return state;
    }
    take_record(&record, data);
    if (total < di_record_head_bytes(key) ||
        record.body_bytes != total - di_record_head_bytes(key) ||
        (record.verdict && record.body_bytes)) {
        return DI_RECORD_DAMAGED;
    }
    *out = record;
    *body_crc = take_u32(data + AT_BODY_CRC);
    return DI_RECORD_FINE;
}

di_record_state_e di_record_peek(di_record_t *out, const char *data,
                                 apr_size_t have)
{
    di_record_state_e state = DI_RECORD_DAMAGED;
    di_key_t key = {0};

    if (have >= DI_RECORD_FIXED_BYTES) {
        key.text = data + DI_RECORD_FIXED_BYTES;
        key.text_len = take_u32(data + AT_KEY_BYTES);
        state = check_head(data, have, &key);
    }
    if (state == DI_RECORD_FINE) {
        take_record(out, data);
    }
    return state;
}

apr_uint32_t di_record_crc(apr_uint32_t crc, const char *data, apr_size_t bytes)
{
    return bytes ? (apr_uint32_t)crc32_z(crc, (const Bytef *)data, bytes) : crc;
}

int di_record_is_expired(const di_record_t *record, apr_time_t now)
{
    return record->expires_at != 0 &&
           (now >= record->expires_at ||
            (now < record->made_at &&
             record->made_at - now > DI_RECORD_SKEW_FOR));
}

const char *di_record_state_text(di_record_state_e state)
{
    static const char *const texts[] = {
        [DI_RECORD_FINE] = "fine",
        [DI_RECORD_OLD] = "of another version",
        [DI_RECORD_OTHER_KEY] = "of another key",
        [DI_RECORD_DAMAGED] = "damaged",
    };

    return texts[state];
}
