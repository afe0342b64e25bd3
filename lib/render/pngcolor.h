/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PNG rendition's chunks: the picture data of the encoder, the colour
 * chunks of the original, and nothing else.  Pure.
 */
#ifndef DI_PNGCOLOR_H
#define DI_PNGCOLOR_H

#include <apr.h>

/**
 * Merge two PNG files that show the same picture.
 * @param out       at least encoded_len + original_len bytes
 * @param encoded   gives IHDR, PLTE, tRNS, IDAT, IEND
 * @param original  gives whatever changes how the pixels look: iCCP, cICP,
 *                  sRGB, gAMA, cHRM, eXIf (which may hold an orientation)
 * @return bytes written; 0 when encoded is not a whole PNG file.  Damage in
 *         original ends what is taken from it.
 */
apr_size_t di_pngcolor_merge(unsigned char *out, const unsigned char *encoded,
                             apr_size_t encoded_len,
                             const unsigned char *original,
                             apr_size_t original_len);

/* 1 when the PNG file has an iCCP chunk in front of its picture data. */
int di_pngcolor_has_profile(const unsigned char *png, apr_size_t len);

#endif
