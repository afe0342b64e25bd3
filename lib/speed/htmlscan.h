/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in an HTML page may a script go?  An incremental scanner: bytes are
 * fed as they come, in pieces of any size, and the answer does not depend on
 * how they were cut.
 *
 *     sp_htmlscan_init(&scan, 0);
 *     while ((event = sp_htmlscan_feed(&scan, data, len, &used)) is START
 *            or END) {
 *         insert before the byte that lies sp_htmlscan_back(&scan) bytes
 *         before data + used; go on with data += used, len -= used;
 *     }
 *     keep back the last sp_htmlscan_held(&scan) bytes, pass on the others
 *
 * START comes at most once, END at most once and behind START; a page that
 * does not tell its charset may have END alone.  After DONE the page needs no
 * more scanning.
 */
#ifndef SP_HTMLSCAN_H
#define SP_HTMLSCAN_H

#include <apr.h>

/* Most bytes that are ever held back: "<" or "</" and the longest element
   name that decides something ("frameset") with one letter more. */
#define SP_HTMLSCAN_HOLD_MAX 12

/* Without a sign of being an HTML document for this many bytes it is none. */
#define SP_HTMLSCAN_PATIENCE_BYTES 4096

/* Browsers look for <meta charset> in this many first bytes.
   Source: HTML Standard 13.2.3.2, "prescan a byte stream". */
#define SP_HTMLSCAN_PRESCAN_BYTES 1024

/* Elements that may be open inside one svg or math element. */
#define SP_HTMLSCAN_FOREIGN_MAX 64

typedef enum {
    SP_HTMLSCAN_MORE,  /* everything used; feed on */
    SP_HTMLSCAN_START, /* the start script goes here */
    SP_HTMLSCAN_END,   /* the end script goes here */
    SP_HTMLSCAN_DONE   /* nothing will come any more */
} sp_htmlscan_event_e;

/* Why the scanner stopped before the end script; words: see _why. */
typedef enum {
    SP_HTMLSCAN_GOING,    /* it did not */
    SP_HTMLSCAN_PLACED,   /* both scripts have their place */
    SP_HTMLSCAN_NOT_HTML, /* a fragment, JSON, plain text */
    SP_HTMLSCAN_CSP,      /* the page sets a policy of its own */
    SP_HTMLSCAN_AMP,      /* AMP allows no scripts */
    SP_HTMLSCAN_FRAMESET, /* has no body */
    SP_HTMLSCAN_LOST,     /* markup so broken that browsers and we could
                             disagree on what is text */
    SP_HTMLSCAN_CHARSET   /* bytes that look like markup may be none */
} sp_htmlscan_why_e;

/* What a scan has found. */
typedef struct {
    apr_uint64_t start; /* offset of the start script + 1; 0: none */
    apr_uint64_t end;   /* offset of the end script + 1; 0: none */
    sp_htmlscan_why_e why;
    int base_leads_away; /* see sp_htmlscan_t */
} sp_htmlscan_places_t;

typedef struct {
    int state; /* index into the table of states */
    sp_htmlscan_why_e why;
    apr_uint64_t start_at; /* places given so far, + 1; 0: none */
    apr_uint64_t end_at;
    apr_uint64_t offset;  /* bytes used so far */
    apr_uint64_t mark_at; /* offset of the "<" of the current tag */
    /* what is known of the document */
    unsigned evidence : 1;        /* doctype html, <html> or <head> seen */
    unsigned charset_known : 1;   /* by header, byte order mark or meta */
    unsigned leading : 1;         /* START still has to come */
    unsigned undecided : 1;       /* the current tag may still become a place */
    unsigned base_leads_away : 1; /* a base element ahead of the end script
                                     may make a path one of another site */
    unsigned in_select : 1;
    unsigned in_noscript : 1;
    apr_uint32_t noscript_matched; /* letters of "</noscript" just seen */
    apr_uint32_t template_depth;
    /* the current tag */
    unsigned is_end : 1;
    unsigned self_closing : 1;
    unsigned meta_charset : 1;         /* has a charset attribute */
    unsigned meta_pragma : 1;          /* http-equiv is content-type */
    unsigned meta_content_charset : 1; /* content has charset= */
    unsigned meta_csp : 1;             /* http-equiv names a policy */
    char name[16];                     /* first letters, lower case */
    apr_uint32_t name_len;             /* all letters */
    apr_uint32_t name_hash;
    unsigned meta_escapes : 1; /* declares a charset of escape sequences */
    /* the current attribute */
    char attr[12];
    apr_uint32_t attr_len;
    char value[32]; /* first bytes, lower case */
    apr_uint32_t value_len;
    apr_uint32_t matched; /* letters of "charset=" seen in content */
    /* text that only ends with its own end tag */
    char raw_name[12];
    int text;      /* how to read it: sp_htmlrules_text_e */
    int raw_state; /* where a "<" that is no end tag leads back */
    /* elements open inside svg or math, innermost last */
    apr_uint32_t foreign[SP_HTMLSCAN_FOREIGN_MAX];
    int foreign_depth;
    int in_svg;         /* the outermost is svg, not math */
    int at_integration; /* the innermost may hold HTML */
} sp_htmlscan_t;

/**
 * @param charset_declared  1 when the Content-Type header names the charset:
 *        then it does not matter where the page's own declaration stands
 */
void sp_htmlscan_init(sp_htmlscan_t *scan, int charset_declared);

/**
 * Read bytes up to the next place, or all.
 * @param used  set to the number of bytes that were read
 * @return see sp_htmlscan_event_e; DONE may leave bytes unread
 */
sp_htmlscan_event_e sp_htmlscan_feed(sp_htmlscan_t *scan, const char *data,
                                     apr_size_t len, apr_size_t *used);

/* After START or END: how many bytes before the last byte read the place
   lies; at most SP_HTMLSCAN_HOLD_MAX. */
apr_size_t sp_htmlscan_back(const sp_htmlscan_t *scan);

/* How many of the last bytes read a later place may still lie before; at most
   SP_HTMLSCAN_HOLD_MAX, 0 after DONE. */
apr_size_t sp_htmlscan_held(const sp_htmlscan_t *scan);

/* The document is over: may the end script be appended to it?  Never when it
   ends inside a tag, a comment, a script, a template, noscript or foreign
   content. */
int sp_htmlscan_finish(sp_htmlscan_t *scan);

/* The outcome; complete after DONE or _finish, why is GOING before. */
sp_htmlscan_places_t sp_htmlscan_places(const sp_htmlscan_t *scan);

/* Make the scan of a page of that size over, with an outcome that is known
   from the same bytes. */
void sp_htmlscan_recall(sp_htmlscan_t *scan, const sp_htmlscan_places_t *places,
                        apr_uint64_t size);

/* One word for logs: "csp", "not-html", ... */
const char *sp_htmlscan_why(const sp_htmlscan_t *scan);

#endif
