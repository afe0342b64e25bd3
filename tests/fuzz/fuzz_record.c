/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record under any bytes.  What parses must lie within the bytes given
 * and, written again, yield the same head.  Half of the inputs get a right
 * head checksum first, or a fuzzer would hardly ever get past it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "di1 fuzz file=/a.jpg";

static void check(const char *data, size_t size, const di_key_t *key)
{
    char again[DI_RECORD_FIXED_BYTES + sizeof(text)];
    apr_size_t head = di_record_head_bytes(key);
    apr_uint32_t crc;
    di_record_t record;

    if (di_record_parse(&record, &crc, data, size, size, key) !=
        DI_RECORD_FINE) {
        return;
    }
    if (size < head || record.body_bytes != size - head ||
        (record.verdict && record.body_bytes)) {
        abort();
    }
    (void)di_record_is_expired(&record, 0);
    (void)di_record_is_expired(&record, APR_INT64_MAX);
    di_record_format(again, &record, crc, key);
    /* Bytes 5..7 are reserved: written as zero, read as anything. */
    if (memcmp(again, data, 5) != 0 || memcmp(again + 8, data + 8, 60) != 0) {
        abort();
    }
}

static void mend_head(char *data, size_t size, const di_key_t *key)
{
    apr_size_t head = di_record_head_bytes(key);
    apr_uint32_t crc;
    int i;

    if (size < head) {
        return;
    }
    memcpy(data + DI_RECORD_FIXED_BYTES, key->text, key->text_len);
    crc = di_record_crc(di_record_crc(0, data, 68),
                        data + DI_RECORD_FIXED_BYTES, key->text_len);
    for (i = 0; i < 4; i++) {
        data[68 + i] = (char)(crc >> (24 - 8 * i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    di_key_t key = {.text = text, .text_len = sizeof(text) - 1};
    char *copy = malloc(size + 1);

    if (!copy) {
        return 0;
    }
    memcpy(copy, data, size);
    check(copy, size, &key);
    mend_head(copy, size, &key);
    check(copy, size, &key);
    free(copy);
    return 0;
}
