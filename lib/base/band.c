/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bands of client rate: a short sorted array, searched from the top.  Pure;
 * both modules keep one list per configuration scope.
 */
#include "base/band.h"

#include <string.h>

#include <apr_strings.h>

#include "base/arg.h"
#include "base/units.h"

const ds_bands_t ds_bands_default = {
    3, {{"low", 0}, {"medium", 192}, {"broad", 2000}}};

int ds_bands_find(const ds_bands_t *bands, const char *name)
{
    int i;

    for (i = 0; i < bands->count; i++) {
        if (!strcmp(bands->band[i].name, name)) {
            return i;
        }
    }
    return -1;
}

int ds_bands_pick(const ds_bands_t *bands, apr_int64_t rate_kbps)
{
    int i = bands->count - 1;

    while (i > 0 && bands->band[i].from_kbps > rate_kbps) {
        i--;
    }
    return i;
}

/* The sentence for a band that cannot join the list, or NULL. */
static const char *refuse(const ds_bands_t *bands, const char *name,
                          apr_int64_t from_kbps, apr_pool_t *p)
{
    int i;

    if (!ds_arg_is_name(name)) {
        return apr_psprintf(p,
                            "\"%s\" is not a band name: a lower-case "
                            "letter, then up to 31 of a-z 0-9 - _",
                            name ? name : "");
    }
    if (bands->count == 0 && from_kbps != 0) {
        return apr_psprintf(p,
                            "the first band of a scope must begin at 0, "
                            "\"%s\" begins at %s",
                            name, ds_arg_format(DS_ARG_RATE, from_kbps, p));
    }
    if (ds_bands_find(bands, name) >= 0) {
        return apr_psprintf(p, "band \"%s\" is there already", name);
    }
    if (bands->count == DS_BANDS_MAX) {
        return apr_psprintf(p, "more than %d bands", DS_BANDS_MAX);
    }
    for (i = 0; i < bands->count; i++) {
        if (bands->band[i].from_kbps == from_kbps) {
            return apr_psprintf(p,
                                "bands \"%s\" and \"%s\" begin at the "
                                "same rate",
                                bands->band[i].name, name);
        }
    }
    return NULL;
}

const char *ds_bands_add(ds_bands_t *bands, const char *name, const char *from,
                         apr_pool_t *p)
{
    apr_int64_t from_kbps;
    const char *error;
    int i;

    error = ds_arg_parse(&from_kbps, DS_ARG_RATE, from, 0, DS_RATE_MAX_KBPS, p);
    if (!error) {
        error = refuse(bands, name, from_kbps, p);
    }
    if (error) {
        return error;
    }
    for (i = bands->count; i > 0; i--) {
        if (bands->band[i - 1].from_kbps < from_kbps) {
            break;
        }
        bands->band[i] = bands->band[i - 1];
    }
    bands->band[i].name = apr_pstrdup(p, name);
    bands->band[i].from_kbps = from_kbps;
    bands->count++;
    return NULL;
}

void ds_bands_merge(ds_bands_t *out, const ds_bands_t *base,
                    const ds_bands_t *add)
{
    *out = add->count > 0 ? *add : *base;
}

const ds_bands_t *ds_bands_or_default(const ds_bands_t *bands)
{
    return bands->count > 0 ? bands : &ds_bands_default;
}

int ds_bands_unknown(const ds_bands_t *bands, const char *name)
{
    int i = name ? ds_bands_find(bands, name) : -1;

    if (i < 0) {
        i = ds_bands_find(bands, "medium");
    }
    return i >= 0 ? i : ds_bands_pick(bands, DS_BAND_UNKNOWN_KBPS);
}

int ds_bands_of(const ds_bands_t *bands, const char *unknown,
                apr_int64_t rate_kbps, int lower_bound)
{
    int without = ds_bands_unknown(bands, unknown);
    int band = rate_kbps > 0 ? ds_bands_pick(bands, rate_kbps) : without;

    return lower_bound && band < without ? without : band;
}
