/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What caches are told of pages with scripts: their ETag is one of their own
 * (speed/pagemark.h), and "not modified" is said of what the client really
 * has.
 */
#ifndef SP_PAGETAG_H
#define SP_PAGETAG_H

#include "httpd.h"

/* From fixups: where a page would get scripts, and the same that the ETag asked
   with tells of, that ETag counts as the page's own, so that whoever made the
   page can say "not modified". */
void sp_pagetag_unmark(request_rec *r);

/**
 * The answer under way is a page with scripts: mark its ETag.  Without one,
 * and where consent is asked for, it loses its date, by which the page without
 * scripts could be confirmed.
 */
void sp_pagetag_mark(request_rec *r);

/* The answer under way may be a "not modified": say of which page. */
void sp_pagetag_confirm(request_rec *r);

/* Pages of this scope differ by Save-Data: say so in Vary. */
void sp_pagetag_vary(request_rec *r);

#endif
