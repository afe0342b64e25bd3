/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is by its first bytes.  The name of a file and the type that a
 * site gives it are claims; only its content decides which decoder may see
 * it (threats T1 and T3: a PostScript file named .jpg).
 */
#ifndef DI_SNIFF_H
#define DI_SNIFF_H

#include <apr.h>

#include "render/render.h"

/* Bytes that di_sniff needs to see to tell every format: of AVIF and HEIC, the
   first dozen of their brands. */
#define DI_SNIFF_BYTES 64

/**
 * @param head  the first bytes of the file
 * @param len   how many there are, bytes
 * @return the format, DI_FORMAT_UNKNOWN for anything else
 * Source: the signatures of ITU T.81 B.1.1.3 (SOI and the next marker), PNG
 * 5.2, GIF89a 17, RFC 9649 2.4 (RIFF....WEBP), TIFF 6.0 section 2, ISO/IEC
 * 23008-12 annex B and AV1 Image File Format 6 (brands), ISO/IEC 18181-2 and
 * the lengths that a BMP's header has.
 */
di_format_e di_sniff(const void *head, apr_size_t len);

/* "image/jpeg" and so on; NULL for DI_FORMAT_UNKNOWN. */
const char *di_format_type(di_format_e format);

/* The format that a media type claims; DI_FORMAT_UNKNOWN when it is none of
   ours.  @param type  as in Content-Type, parameters allowed; may be NULL */
di_format_e di_format_of_type(const char *type);

/**
 * Is this media type one of a picture that may have renditions?
 * @param type  as in Content-Type, parameters allowed; may be NULL
 */
int di_format_is_candidate(const char *type);

#endif
