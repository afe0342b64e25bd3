/* SPDX-License-Identifier: Apache-2.0 */
/* A file of tokens -> hashes; a shown token -> its number. */
#include "base/token.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

static int is_printable(char c)
{
    return c > ' ' && c < 0x7f;
}

/* How many different characters; all are printable. */
static int count_different(const char *token, apr_size_t len)
{
    unsigned char seen[128] = {0};
    int different = 0;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        different += !seen[(unsigned char)token[i]];
        seen[(unsigned char)token[i]] = 1;
    }
    return different;
}

/* What is wrong with a token; NULL: nothing. */
static const char *fault_of(const char *token, apr_size_t len)
{
    apr_size_t i;

    if (len < DS_TOKEN_LEAST) {
        return "is too short";
    }
    if (len > DS_TOKEN_MOST) {
        return "is too long";
    }
    for (i = 0; i < len; i++) {
        if (!is_printable(token[i])) {
            return "has a space, or a character that is not printable ASCII";
        }
    }
    return count_different(token, len) < DS_TOKEN_DIFFERENT
               ? "is too easy to guess"
               : NULL;
}

static const char *sentence(int line, const char *fault, apr_pool_t *p)
{
    return apr_psprintf(p,
                        "line %d: the token %s: legal are %d to %d printable "
                        "characters without spaces, at least %d of them "
                        "different",
                        line, fault, DS_TOKEN_LEAST, DS_TOKEN_MOST,
                        DS_TOKEN_DIFFERENT);
}

/* One line without its end; len is at least 1. */
static const char *take_line(ds_tokens_t *out, int number, const char *line,
                             apr_size_t len, apr_pool_t *p)
{
    const char *fault = fault_of(line, len);

    if (fault) {
        return sentence(number, fault, p);
    }
    if (out->count == DS_TOKENS_MAX) {
        return apr_psprintf(p, "line %d: there are more than %d tokens", number,
                            DS_TOKENS_MAX);
    }
    if (ds_digest_sha256(out->hash[out->count], line, len) != APR_SUCCESS) {
        return "OpenSSL makes no SHA-256";
    }
    out->count++;
    return NULL;
}

const char *ds_tokens_parse(ds_tokens_t *out, const char *text, apr_size_t len,
                            apr_pool_t *p)
{
    const char *end = text + len, *error = NULL;
    int number = 0;

    out->count = 0;
    while (text < end && !error) {
        const char *stop = memchr(text, '\n', (apr_size_t)(end - text));
        const char *next = stop ? stop + 1 : end;
        apr_size_t bytes = (apr_size_t)((stop ? stop : end) - text);

        number++;
        while (bytes && strchr(" \t\r", text[bytes - 1])) {
            bytes--;
        }
        if (bytes && *text != '#') {
            error = take_line(out, number, text, bytes, p);
        }
        text = next;
    }
    if (!error && out->count == 0) {
        error = apr_psprintf(p,
                             "it holds no token: legal are lines of %d to %d "
                             "printable characters without spaces",
                             DS_TOKEN_LEAST, DS_TOKEN_MOST);
    }
    return error;
}

/* What is wrong with the file itself; NULL: nothing. */
static const char *fault_of_file(const apr_finfo_t *info)
{
    if (info->filetype != APR_REG) {
        return "it is not a plain file";
    }
    if (info->size > DS_TOKENS_FILE_MAX) {
        return "it is larger than " APR_STRINGIFY(DS_TOKENS_FILE_MAX) " bytes";
    }
    if (info->protection & (APR_WREAD | APR_WWRITE)) {
        return "others than its owner and its group can read or write it: "
               "chmod o-rw";
    }
    return NULL;
}

const char *ds_tokens_read(ds_tokens_t *out, const char *path, apr_pool_t *p)
{
    char text[DS_TOKENS_FILE_MAX], why[120];
    apr_size_t len = 0;
    const char *error = NULL;
    apr_finfo_t info;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, p);

    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(
            &info, APR_FINFO_TYPE | APR_FINFO_SIZE | APR_FINFO_PROT, file);
        error = rv == APR_SUCCESS ? fault_of_file(&info) : NULL;
        if (rv == APR_SUCCESS && !error) {
            rv = apr_file_read_full(file, text, sizeof(text), &len);
        }
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        error = apr_strerror(rv, why, sizeof(why));
    }
    if (!error) {
        error = ds_tokens_parse(out, text, len, p);
    }
    return error ? apr_psprintf(p, "token file %s: %s", path, error) : NULL;
}

/* 1 when equal; looks at every byte in any case. */
static int is_equal(const unsigned char *a, const unsigned char *b)
{
    volatile unsigned char differ = 0;
    int i;

    for (i = 0; i < DS_DIGEST_BYTES; i++) {
        differ |= a[i] ^ b[i];
    }
    return differ == 0;
}

int ds_tokens_find(const ds_tokens_t *tokens, const char *given, apr_size_t len)
{
    unsigned char hash[DS_DIGEST_BYTES];
    int i, found = 0;

    if (!tokens || ds_digest_sha256(hash, given, len) != APR_SUCCESS) {
        return 0;
    }
    for (i = 0; i < tokens->count; i++) {
        int same = is_equal(hash, tokens->hash[i]);

        found += same * (i + 1) * !found;
    }
    return found;
}
