/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colours to sRGB, by Little CMS.  The one file of the tree that knows this
 * library.
 */
#ifndef DI_RENDER_LCMS_H
#define DI_RENDER_LCMS_H

#include "render/codec.h"

/**
 * Convert decoded->picture to sRGB in place, to what a browser shows: by its
 * profile, else by gamma and primaries, else as it is (RGB, grey) or by the
 * formula of uncalibrated inks (CMYK).  The profile is freed.
 * DI_CMYK becomes DI_RGB; grey stays grey (by a grey or an RGB profile); alpha
 * is kept.  Where a profile is sRGB but for rounding, no byte changes.
 * A profile that is damaged, or not for the picture's kind of samples, counts
 * as none.
 * Perceptual intent with black point compensation off, as Chromium does by
 * default (sources in render_lcms.c).  Gamma 45455 with sRGB's primaries is
 * a power curve there, not sRGB; so a decoder hands over neither when the
 * file says "sRGB" as well.
 * @return DI_RENDER_OK; DI_RENDER_NO_MEMORY, with the picture in any state
 */
di_render_status_e di_color_to_srgb(di_decoded_t *decoded);

/* Load what the library looks up at its first use; 1 when it works. */
int di_color_start(void);

/* The library's version as its own number; any process. */
unsigned di_color_version(void);

#endif
