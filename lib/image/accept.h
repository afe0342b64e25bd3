/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which formats a client takes, by its Accept header.  Pure.
 *
 * JPEG and PNG are taken by every browser: they count as accepted unless the
 * header gives them q=0, by name or by a range ("any image", "any type").
 * WebP, AVIF and JXL must be named, because a range is sent by clients that
 * know none of them; and their q must not be lower than the one that the
 * original's own format has: a client that says it likes JPEG better gets JPEG.
 * Source: RFC 9110 12.5.1, 12.4.2.
 */
#ifndef DI_ACCEPT_H
#define DI_ACCEPT_H

#include "render/render.h"

/* Of a longer header only the parts that end within it are read, bytes. */
#define DI_ACCEPT_MAX_BYTES 8192

/**
 * @param accept    all Accept fields joined by commas; NULL: none was sent
 * @param original  the original's format as far as it is known
 * @return set of formats, of DI_FORMATS_OUT; may be empty
 * A part of the header that cannot be read counts as not there.
 */
unsigned di_accept_formats(const char *accept, di_format_e original);

/* Most Accept headers of di_accept_usual. */
#define DI_ACCEPT_USUAL 4

/**
 * What clients send, by what they take: nothing by name (old browsers, tools);
 * WebP (Chrome from 32, Firefox from 65, Safari from 14); AVIF too (Chrome from
 * 85, Firefox from 93, Safari from 16.4); JXL too (Safari from 17).  Between
 * them they lead to every set of formats that these browsers lead to.
 * @param i  0..DI_ACCEPT_USUAL - 1
 */
const char *di_accept_usual(int i);

#endif
