/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>

#include "folder.h"

#include "base/token.h"

#define GOOD "0123456789abcdef0123456789abcdef"
#define OTHER "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210"

typedef struct {
    const char *text;
    int count;           /* 0: refused */
    const char *message; /* part of the sentence */
} text_case_t;

static const text_case_t texts[] = {
    {GOOD, 1, NULL},
    {GOOD "\n", 1, NULL},
    {"# mine\n\n" GOOD " \r\n" OTHER "\n", 2, NULL},
    {"", 0, "holds no token"},
    {"\n\r\n   \n# nothing\n", 0, "holds no token"},
    {"short\n", 0, "line 1: the token is too short: legal are 32 to 256"},
    {GOOD "\n0123456789abcdef0123456789abcde\n", 0,
     "line 2: the token is too "
     "short"},
    {"0123456789abcdef 0123456789abcdef\n", 0, "has a space"},
    {"0123456789abcdef\t0123456789abcdef\n", 0, "has a space"},
    {"0123456789abcdef\xc3\xa9" GOOD, 0, "not printable"},
    {"changechangechangechangechangechange", 0, "too easy to guess"},
};

static void a_file_of_tokens_is_read_or_refused_with_what_is_legal(void **state)
{
    ds_tokens_t tokens;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const char *error = ds_tokens_parse(&tokens, texts[i].text,
                                            strlen(texts[i].text), *state);

        if (texts[i].count) {
            assert_null(error);
            assert_int_equal(tokens.count, texts[i].count);
        }
        else {
            assert_non_null(error);
            assert_non_null(strstr(error, texts[i].message));
            assert_null(strstr(error, "0123456789"));
        }
    }
}

static void length_and_number_of_tokens_are_bounded(void **state)
{
    ds_tokens_t tokens;
    char text[DS_TOKENS_MAX * 40 + 40];
    char line[DS_TOKEN_MOST + 2];
    size_t len = 0, i;

    for (i = 0; i < sizeof(line) - 1; i++) {
        line[i] = (char)('a' + i % 26);
    }
    assert_null(ds_tokens_parse(&tokens, line, DS_TOKEN_MOST, *state));
    assert_non_null(ds_tokens_parse(&tokens, line, DS_TOKEN_MOST + 1, *state));
    assert_null(ds_tokens_parse(&tokens, line, DS_TOKEN_LEAST, *state));
    for (i = 0; i <= DS_TOKENS_MAX; i++) {
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, GOOD "%03zu\n", i);
        assert_int_equal(ds_tokens_parse(&tokens, text, len, *state) == NULL,
                         i < DS_TOKENS_MAX);
    }
}

static void only_a_whole_token_is_found(void **state)
{
    static const char text[] = GOOD "\n" OTHER "\n" GOOD "\n";
    static const struct {
        const char *given;
        int number;
    } cases[] = {
        {GOOD, 1},     {OTHER, 2},
        {"", 0},       {GOOD "0", 0},
        {"x", 0},      {GOOD OTHER, 0},
        {" " GOOD, 0}, {"0123456789ABCDEF0123456789abcdef", 0},
    };
    ds_tokens_t tokens;
    size_t i;

    assert_null(ds_tokens_parse(&tokens, text, sizeof(text) - 1, *state));
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(
            ds_tokens_find(&tokens, cases[i].given, strlen(cases[i].given)),
            cases[i].number);
    }
    assert_int_equal(ds_tokens_find(&tokens, GOOD, sizeof(GOOD) - 2), 0);
    assert_int_equal(ds_tokens_find(NULL, GOOD, sizeof(GOOD) - 1), 0);
}

static void a_file_that_others_may_read_or_write_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        int fine;
    } cases[] = {{0600, 1}, {0640, 1}, {0400, 1},
                 {0644, 0}, {0602, 0}, {0666, 0}};
    const char *folder = folder_make(*state), *error;
    const char *path = apr_pstrcat(*state, folder, "/tokens", NULL);
    FILE *file = fopen(path, "w");
    ds_tokens_t tokens;
    size_t i;

    assert_non_null(file);
    fputs(GOOD "\n", file);
    fclose(file);
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(chmod(path, cases[i].mode), 0);
        error = ds_tokens_read(&tokens, path, *state);
        assert_int_equal(error == NULL, cases[i].fine);
        if (error) {
            assert_non_null(strstr(error, "chmod o-rw"));
        }
    }
    assert_non_null(
        strstr(ds_tokens_read(&tokens, folder, *state), "not a plain file"));
    assert_non_null(ds_tokens_read(
        &tokens, apr_pstrcat(*state, folder, "/none", NULL), *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(a_file_of_tokens_is_read_or_refused_with_what_is_legal),
        UNIT(length_and_number_of_tokens_are_bounded),
        UNIT(only_a_whole_token_is_found),
        UNIT(a_file_that_others_may_read_or_write_is_refused),
    };

    return UNIT_RUN(tests);
}
