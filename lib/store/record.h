/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record: an entry in bytes, the same on disk and in memcached.  Pure.
 *
 * A level may lose, cut, swap or damage what it was given, and may still hold
 * what another version of this program wrote; di_record_parse tells all that
 * from a good record, and nothing else in the store needs to.
 */
#ifndef DI_RECORD_H
#define DI_RECORD_H

#include "store/store.h"

/* Raise it whenever the bytes mean something else; old records then count as
   missing. */
#define DI_RECORD_VERSION 2

/* Bytes of the head without the key text. */
#define DI_RECORD_FIXED_BYTES 72

/* How far the clock of the machine that made an entry may be ahead before an
   entry that expires is no longer believed. */
#define DI_RECORD_SKEW_FOR apr_time_from_sec(60)

typedef enum {
    DI_RECORD_FINE = 0,
    DI_RECORD_OLD,       /* whole, maybe, but of another version */
    DI_RECORD_OTHER_KEY, /* the head of some other key */
    DI_RECORD_DAMAGED    /* cut, altered, or never a record */
} di_record_state_e;

/* Bytes before the body in the record of this key. */
apr_size_t di_record_head_bytes(const di_key_t *key);

/**
 * Write a head.
 * @param out       room for di_record_head_bytes(key)
 * @param body_crc  di_record_crc over the whole body; 0 for none
 */
void di_record_format(char *out, const di_record_t *record,
                      apr_uint32_t body_crc, const di_key_t *key);

/**
 * Read and check a head.  The body is not looked at: compare its checksum.
 * @param out       set when fine
 * @param body_crc  set when fine
 * @param data      the record's first bytes
 * @param have      how many; di_record_head_bytes(key) are enough
 * @param total     bytes of the whole record
 * @param key       the key that is looked for
 */
di_record_state_e di_record_parse(di_record_t *out, apr_uint32_t *body_crc,
                                  const char *data, apr_size_t have,
                                  apr_uint64_t total, const di_key_t *key);

/**
 * Read a head for what it says, whoever's it is.
 * @param out   set when fine
 * @param data  the record's first bytes
 * @param have  how many; DI_RECORD_FIXED_BYTES + DI_KEY_TEXT_MAX are enough
 */
di_record_state_e di_record_peek(di_record_t *out, const char *data,
                                 apr_size_t have);

/**
 * CRC-32 (ISO 3309, as in gzip) of more bytes.
 * @param crc  of the bytes before; 0 at the start
 */
apr_uint32_t di_record_crc(apr_uint32_t crc, const char *data,
                           apr_size_t bytes);

/**
 * 1 when an entry is past its time.  An entry that expires and was made more
 * than DI_RECORD_SKEW_FOR after now is too: the clock was set back, and it
 * must not live longer than the span it was given.
 */
int di_record_is_expired(const di_record_t *record, apr_time_t now);

/* A state in words, for log lines. */
const char *di_record_state_text(di_record_state_e state);

#endif
