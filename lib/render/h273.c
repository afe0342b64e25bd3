/* SPDX-License-Identifier: Apache-2.0 */
/* Curves and primaries. */
#include "render/h273.h"

/* Tables 2 and 3; 0 is reserved and stands where nothing is said. */
enum { RESERVED = 0, BT709 = 1, UNSPECIFIED = 2 };
enum {
    BT470M = 4,
    BT470BG = 5,
    BT601 = 6,
    LINEAR = 8,
    SRGB = 13,
    BT2020_10BIT = 14,
    BT2020_12BIT = 15
};

/*
 * Those of television are taken for sRGB's, as in Chromium
 * (gfx::ColorSpace::GetTransferFunction).
 * @return 1; 0 for HDR and what nobody uses
 */
static int take_curve(di_decoded_t *out, unsigned curve)
{
    switch (curve) {
    case RESERVED:
    case UNSPECIFIED:
    case BT709:
    case BT601:
    case SRGB:
    case BT2020_10BIT:
    case BT2020_12BIT:
        out->srgb_curve = 1;
        return 1;
    case BT470M: /* 1 / 2.2 */
        out->gamma_e5 = 45455;
        return 1;
    case BT470BG: /* 1 / 2.8 */
        out->gamma_e5 = 35714;
        return 1;
    case LINEAR:
        out->gamma_e5 = 100000;
        return 1;
    default:
        return 0;
    }
}

static int is_srgb_like(unsigned primaries)
{
    return primaries == RESERVED || primaries == UNSPECIFIED ||
           primaries == BT709;
}

/* White comes last, and we have it first. */
static void take_primaries(di_decoded_t *out, const float xy[8])
{
    unsigned i;

    for (i = 0; i < 8; i++) {
        out->chroma_e5[(i + 2) % 8] = (apr_uint32_t)(xy[i] * 100000.0f + 0.5f);
    }
}

di_render_status_e di_h273_colors(di_decoded_t *out, unsigned curve,
                                  unsigned primaries, const float xy[8])
{
    static const float srgb[8] = {0.64f, 0.33f, 0.30f,   0.60f,
                                  0.15f, 0.06f, 0.3127f, 0.3290f};

    if (!take_curve(out, curve)) {
        return DI_RENDER_UNSUPPORTED;
    }
    if (out->srgb_curve && is_srgb_like(primaries)) {
        out->srgb_curve = 0;
        return DI_RENDER_OK;
    }
    take_primaries(out, is_srgb_like(primaries) ? srgb : xy);
    return DI_RENDER_OK;
}
