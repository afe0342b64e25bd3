/* SPDX-License-Identifier: Apache-2.0 */
/* Code points for colours (ITU-T H.273), as AVIF and HEIC carry them. */
#ifndef DI_H273_H
#define DI_H273_H

#include "render/codec.h"

/**
 * Say what a picture's colours are instead of a profile.
 * @param curve      transfer characteristics, table 3
 * @param primaries  table 2
 * @param xy         of these primaries: x and y of red, green, blue, white;
 *                   not looked at where they are sRGB's or not known
 * @return DI_RENDER_OK; DI_RENDER_UNSUPPORTED for HDR and what nobody uses
 */
di_render_status_e di_h273_colors(di_decoded_t *out, unsigned curve,
                                  unsigned primaries, const float xy[8]);

#endif
