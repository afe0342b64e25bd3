/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders files as the pool would, for tests and benches of renditions.
 *
 *     rendition <orders >results
 *
 * An order is a line of words separated by blanks:
 *     FILE OUT FORMATS key=value ...
 * FORMATS: what the client takes, as jpeg,png,webp,avif,jxl; key=value as for
 * DynImageTier; also background=RRGGBB, copyright=keep, quick=1.  OUT may be
 * "-".  A result is a line of words:
 *     FILE status format width height source_width source_height quality ssim
 *     bytes source_bytes cpu_ms
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "image/sniff.h"
#include "image/tier.h"
#include "render/codecs.h"
#include "render/compose.h"

#define MEMORY ((apr_uint64_t)2 << 30)

static unsigned char *slurp(apr_size_t *len, const char *path)
{
    unsigned char *bytes = NULL;
    FILE *file = fopen(path, "rb");
    long size;

    if (file && !fseek(file, 0, SEEK_END) && (size = ftell(file)) > 0) {
        bytes = malloc((size_t)size);
        rewind(file);
        *len = fread(bytes, 1, (size_t)size, file);
    }
    if (file) {
        fclose(file);
    }
    return bytes;
}

static void spill(const char *path, const unsigned char *bytes, apr_size_t len)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "wb") : NULL;

    if (file) {
        fwrite(bytes, 1, len, file);
        fclose(file);
    }
}

/* A set of formats by their names. */
static unsigned formats_of(const char *words)
{
    unsigned set = 0;
    int format;

    for (format = 1; format < DI_FORMAT_END; format++) {
        const di_codec_t *codec = di_codec_of((apr_uint32_t)format);
        const char *at;
        apr_size_t i, len;

        if (!codec) {
            continue;
        }
        len = strlen(codec->name);
        for (at = words; at; at = strchr(at, ','), at = at ? at + 1 : NULL) {
            for (i = 0;
                 i < len && toupper((unsigned char)at[i]) == codec->name[i];
                 i++) {
            }
            if (i == len && (!at[len] || at[len] == ',')) {
                set |= 1u << format;
            }
        }
    }
    return set;
}

/* What is not a tier's key but an argument of its recipe. */
static int take_extra(di_recipe_t *extra, const char *word)
{
    if (!strncmp(word, "background=", 11)) {
        extra->background = (apr_uint32_t)strtoul(word + 11, NULL, 16);
        return 1;
    }
    if (!strcmp(word, "copyright=keep")) {
        extra->keep_copyright = 1;
        return 1;
    }
    if (!strcmp(word, "quick=1")) {
        extra->quick = 1;
        return 1;
    }
    return 0;
}

static const char *recipe_of(di_recipe_t *out, char *words, apr_pool_t *p)
{
    apr_array_header_t *keys = apr_array_make(p, 4, sizeof(char *));
    di_tiers_t *tiers = di_tiers_make(p);
    const char *name = "wanted";
    di_recipe_t extra = {.background = 0xffffff};
    const char *error;
    char *state, *word;
    di_tier_t room;

    for (word = apr_strtok(words, " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        if (!strncmp(word, "tier=", 5)) {
            name = word + 5;
        }
        else if (!take_extra(&extra, word)) {
            *(char **)apr_array_push(keys) = word;
        }
    }
    error = keys->nelts || !strcmp(name, "wanted")
                ? di_tiers_add(tiers, name, keys, p)
                : NULL;
    if (!error) {
        const di_tier_t *tier = di_tiers_find(&room, tiers, name);

        if (!tier) {
            return "there is no tier of that name";
        }
        *out =
            di_tier_recipe(tier, extra.background, (int)extra.keep_copyright);
        out->quick = extra.quick;
    }
    return error;
}

static void report(const char *file, const di_result_t *result,
                   const di_recipe_t *recipe, apr_size_t len, clock_t took)
{
    const di_codec_t *codec = di_codec_of(result->format);

    printf("%s %u %s %u %u %u %u %u %u %lu %lu %.1f %u %u %u\n", file,
           result->status, codec ? codec->name : "-", result->width_px,
           result->height_px, result->source_width_px, result->source_height_px,
           result->quality, result->ssim_e4, (unsigned long)result->bytes,
           (unsigned long)len, (double)took * 1000 / CLOCKS_PER_SEC,
           recipe->ssim_e4, recipe->most_bytes, recipe->fit_px);
    fflush(stdout);
}

static const char *run(char *line, apr_pool_t *p)
{
    di_job_t job = {.limits = {.max_bytes = (apr_uint64_t)200 << 20,
                               .max_pixels = 100000000,
                               .max_side_px = DI_SIDE_MAX_PX,
                               .max_frames = 1000,
                               .max_scans = 100,
                               .max_profile_bytes = 4 << 20}};
    char *state, *file = apr_strtok(line, " \n", &state);
    char *to = apr_strtok(NULL, " \n", &state);
    char *formats = apr_strtok(NULL, " \n", &state);
    char *rest = apr_strtok(NULL, "\n", &state);
    unsigned char *bytes, *out;
    apr_size_t len = 0;
    const char *error;
    di_result_t result;
    clock_t began, took;

    if (!file || !to || !formats || !rest) {
        return "FILE OUT FORMATS key=value ...";
    }
    error = recipe_of(&job.recipe, rest, p);
    bytes = error ? NULL : slurp(&len, file);
    if (!bytes) {
        return error ? error : "cannot be read";
    }
    job.format = (apr_uint32_t)di_sniff(bytes, len);
    job.formats = formats_of(formats);
    began = clock();
    di_compose(&result, &out, &job, bytes, len);
    took = clock() - began;
    if (out) {
        spill(to, out, (apr_size_t)result.bytes);
    }
    report(file, &result, &job.recipe, len, took);
    free(out);
    free(bytes);
    return NULL;
}

int main(void)
{
    char line[8192];
    apr_pool_t *p;
    int failed = 0;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (!di_compose_start(DI_FORMATS_IN, MEMORY)) {
        fputs("rendition: a library does not work\n", stderr);
        return 1;
    }
    while (fgets(line, sizeof(line), stdin)) {
        const char *error = run(line, p);

        if (error) {
            fprintf(stderr, "rendition: %s\n", error);
            failed = 1;
        }
        apr_pool_clear(p);
    }
    di_compose_stop();
    apr_terminate();
    return failed;
}
