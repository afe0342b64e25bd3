/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of HTML's tree construction (HTML Standard 13.2.6) only what changes the
 * tokenizer or forbids a place: which elements hold raw text, svg and math (no
 * raw text, but CDATA), template depth, select, noscript.  Where the standard
 * would need the full stack of open elements, the scanner stops instead of
 * guessing: a page that is not measured costs nothing, a page that is broken
 * does.
 *
 * The start script goes before the first thing in head that is no meta,
 * title or base, the end script before the first real </body> or </html>.
 * Browsers search the first bytes for a <meta charset>, wherever it stands
 * (HTML Standard 13.2.3.2, "prescan").  While nothing has told the charset,
 * nothing goes in there that would push one out: the start script waits, or
 * is left out when the body begins; the end script goes to the document's end.
 */
#include "speed/htmlrules.h"

#include <string.h>

#include <apr_strings.h>

#define MORE SP_HTMLSCAN_MORE

sp_htmlscan_event_e sp_htmlrules_stop(sp_htmlscan_t *s, sp_htmlscan_why_e why)
{
    s->why = why;
    s->undecided = 0;
    return SP_HTMLSCAN_DONE;
}

static int one_of(const char *const *list, const char *word)
{
    for (; *list; list++) {
        if (!strcmp(*list, word)) {
            return 1;
        }
    }
    return 0;
}

/* ---- places ---- */

/* May a charset declaration still follow in the part that is searched? */
static int charset_may_come(const sp_htmlscan_t *s)
{
    return !s->charset_known && s->mark_at < SP_HTMLSCAN_PRESCAN_BYTES;
}

static sp_htmlscan_event_e place_start(sp_htmlscan_t *s)
{
    s->leading = 0;
    s->undecided = 0;
    if (charset_may_come(s)) {
        return MORE;
    }
    s->start_at = s->mark_at + 1;
    return SP_HTMLSCAN_START;
}

static sp_htmlscan_event_e place_end(sp_htmlscan_t *s)
{
    if (charset_may_come(s)) {
        return MORE;
    }
    (void)sp_htmlrules_stop(s, SP_HTMLSCAN_PLACED);
    s->end_at = s->mark_at + 1;
    return SP_HTMLSCAN_END;
}

/* Text where only head elements were so far: the body begins. */
sp_htmlscan_event_e sp_htmlrules_text(sp_htmlscan_t *s)
{
    if (s->template_depth > 0 || s->in_noscript) {
        return MORE;
    }
    return s->evidence ? place_start(s)
                       : sp_htmlrules_stop(s, SP_HTMLSCAN_NOT_HTML);
}

/* Must the start script wait behind this tag?  The head may go on after it. */
static int start_must_wait(const sp_htmlscan_t *s)
{
    static const char *const in_head[] = {"link",     "script",   "style",
                                          "noscript", "template", NULL};

    return charset_may_come(s) && one_of(in_head, s->name);
}

static sp_htmlscan_event_e leading_tag(sp_htmlscan_t *s)
{
    static const char *const leads[] = {"html",  "head", "meta",
                                        "title", "base", NULL};
    static const char *const ends[] = {"head", "body", "html", "br", NULL};

    if (!s->is_end && !strcmp(s->name, "frameset")) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_FRAMESET);
    }
    if (!s->is_end && (!strcmp(s->name, "html") || !strcmp(s->name, "head"))) {
        s->evidence = 1;
    }
    if (!s->evidence) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_NOT_HTML);
    }
    /* Browsers drop the other end tags, so no head begins there yet. */
    if (s->is_end) {
        return one_of(ends, s->name) ? place_start(s) : MORE;
    }
    return one_of(leads, s->name) || start_must_wait(s) ? MORE : place_start(s);
}

/* A tag's name is complete (or too long to matter): is its "<" a place?
   Only tags in ordinary text come here, no end tags of raw text. */
sp_htmlscan_event_e sp_htmlrules_tag_named(sp_htmlscan_t *s)
{
    sp_htmlscan_event_e event = MORE;

    s->undecided = 0;
    if (s->template_depth > 0 || s->foreign_depth > 0 || s->in_noscript) {
        return MORE;
    }
    if (s->leading) {
        event = leading_tag(s);
    }
    if (event == MORE && !s->leading && s->is_end &&
        (!strcmp(s->name, "body") || !strcmp(s->name, "html"))) {
        event = place_end(s);
    }
    return event;
}

/* ---- noscript ---- */

/*
 * What stands in noscript is text where scripts run and markup where they do
 * not, and the page must come out right for both.  So it is read as markup,
 * while every byte is also compared with the end tag that ends the text; when
 * that end tag comes where markup has none, the two disagree on all that
 * follows.
 */
static const char noscript_ends[] = "</noscript";

sp_htmlscan_event_e sp_htmlrules_noscript(sp_htmlscan_t *s, unsigned char c,
                                          int in_tag_name)
{
    if (s->noscript_matched == sizeof(noscript_ends) - 1 &&
        (sp_htmlrules_is_space(c) || c == '/' || c == '>') && !in_tag_name) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_LOST);
    }
    if (s->noscript_matched < sizeof(noscript_ends) - 1 &&
        sp_htmlrules_lower(c) == noscript_ends[s->noscript_matched]) {
        s->noscript_matched++;
    }
    else {
        s->noscript_matched = c == '<';
    }
    return MORE;
}

static sp_htmlscan_event_e noscript_end(sp_htmlscan_t *s)
{
    s->noscript_matched = 0;
    if (s->in_noscript && s->in_select) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_LOST);
    }
    s->in_noscript = 0;
    return MORE;
}

/* ---- what a complete tag changes ---- */

/* Start tags that end svg and math wherever they stand.
   Source: HTML Standard 13.2.6.5. */
static const char *const breakout[] = {
    "b",      "big",    "blockquote", "body",    "br",    "center", "code",
    "dd",     "div",    "dl",         "dt",      "em",    "embed",  "h1",
    "h2",     "h3",     "h4",         "h5",      "h6",    "head",   "hr",
    "i",      "img",    "li",         "listing", "menu",  "meta",   "nobr",
    "ol",     "p",      "pre",        "ruby",    "s",     "small",  "span",
    "strong", "strike", "sub",        "sup",     "table", "tt",     "u",
    "ul",     "var",    NULL};

/* Elements of svg and math that may hold HTML. */
static const char *const svg_integration[] = {"foreignobject", "desc", "title",
                                              NULL};
static const char *const math_integration[] = {"mi", "mo",    "mn",
                                               "ms", "mtext", NULL};

static sp_htmlscan_event_e foreign_push(sp_htmlscan_t *s)
{
    if (s->self_closing) {
        return MORE;
    }
    if (s->foreign_depth == SP_HTMLSCAN_FOREIGN_MAX) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_LOST);
    }
    s->foreign[s->foreign_depth++] = s->name_hash;
    s->at_integration =
        one_of(s->in_svg ? svg_integration : math_integration, s->name);
    return MORE;
}

static sp_htmlscan_event_e start_in_foreign(sp_htmlscan_t *s, int *left)
{
    *left = 0;
    /* Inside an integration point HTML rules hold, with elements that we
       do not track; <font> and <annotation-xml> depend on attributes. */
    if (s->at_integration || !strcmp(s->name, "font") ||
        !strcmp(s->name, "annotation-xml")) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_LOST);
    }
    if (one_of(breakout, s->name)) {
        s->foreign_depth = 0;
        *left = 1;
        return MORE;
    }
    return foreign_push(s);
}

static sp_htmlscan_event_e end_in_foreign(sp_htmlscan_t *s)
{
    int i = s->foreign_depth;

    if (!s->at_integration &&
        (!strcmp(s->name, "p") || !strcmp(s->name, "br"))) {
        s->foreign_depth = 0;
        return MORE;
    }
    while (--i >= 0) {
        if (s->foreign[i] == s->name_hash) {
            s->foreign_depth = i;
            s->at_integration = 0;
            return MORE;
        }
    }
    return sp_htmlrules_stop(s, SP_HTMLSCAN_LOST);
}

static void raw_begin(sp_htmlscan_t *s, sp_htmlrules_text_e text)
{
    apr_cpystrn(s->raw_name, s->name, sizeof(s->raw_name));
    s->text = text;
}

static sp_htmlscan_event_e meta_done(sp_htmlscan_t *s)
{
    if (s->meta_csp || s->meta_escapes) {
        return sp_htmlrules_stop(s, s->meta_csp ? SP_HTMLSCAN_CSP
                                                : SP_HTMLSCAN_CHARSET);
    }
    s->charset_known |=
        s->meta_charset | (s->meta_pragma & s->meta_content_charset);
    return MORE;
}

static sp_htmlscan_event_e template_begin(sp_htmlscan_t *s)
{
    s->template_depth++;
    return s->in_noscript ? sp_htmlrules_stop(s, SP_HTMLSCAN_LOST) : MORE;
}

/* A start tag under HTML's rules is complete. */
static sp_htmlscan_event_e start_in_html(sp_htmlscan_t *s)
{
    static const char *const raw[] = {"title",  "textarea", "style",    "xmp",
                                      "iframe", "noembed",  "noframes", NULL};
    int is_noscript = !strcmp(s->name, "noscript");
    int is_raw = one_of(raw, s->name);
    int is_foreign = !strcmp(s->name, "svg") || !strcmp(s->name, "math");

    if (s->in_select && strcmp(s->name, "textarea") &&
        (is_raw || is_foreign || is_noscript)) {
        return sp_htmlrules_stop(
            s, SP_HTMLSCAN_LOST); /* old and new parsers differ */
    }
    if (is_raw) {
        raw_begin(s, SP_HTMLRULES_RAW);
    }
    else if (!strcmp(s->name, "script")) {
        raw_begin(s, SP_HTMLRULES_SCRIPT);
    }
    else if (is_foreign) {
        s->in_svg = s->name[0] == 's';
        return foreign_push(s);
    }
    else if (is_noscript) {
        s->in_noscript = 1;
    }
    else if (!strcmp(s->name, "template")) {
        return template_begin(s);
    }
    else if (!strcmp(s->name, "select")) {
        s->in_select = !s->in_select;
    }
    else if (!strcmp(s->name, "meta")) {
        return meta_done(s);
    }
    else if (!strcmp(s->name, "plaintext")) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_LOST);
    }
    else if (!strcmp(s->name, "frameset")) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_FRAMESET);
    }
    return MORE;
}

static sp_htmlscan_event_e end_in_html(sp_htmlscan_t *s)
{
    if (!strcmp(s->name, "noscript")) {
        return noscript_end(s);
    }
    if (!strcmp(s->name, "template") && s->template_depth > 0) {
        s->template_depth--;
        return s->in_noscript ? sp_htmlrules_stop(s, SP_HTMLSCAN_LOST) : MORE;
    }
    if (!strcmp(s->name, "select")) {
        s->in_select = 0;
    }
    return MORE;
}

/* The ">" of a tag. */
sp_htmlscan_event_e sp_htmlrules_tag_done(sp_htmlscan_t *s)
{
    int left = 1;
    sp_htmlscan_event_e event = MORE;

    s->text = SP_HTMLRULES_MARKUP;
    if (s->is_end) {
        return s->foreign_depth > 0 ? end_in_foreign(s) : end_in_html(s);
    }
    if (s->foreign_depth > 0) {
        event = start_in_foreign(s, &left);
    }
    return event == MORE && left ? start_in_html(s) : event;
}

/* ---- attributes ---- */

/* Looks for "charset=" in the value of a meta's content attribute. */
void sp_htmlrules_content(sp_htmlscan_t *s, unsigned char c)
{
    static const char wanted[] = "charset";

    if (s->matched == sizeof(wanted) - 1) {
        if (c == '=') {
            s->meta_content_charset = 1;
        }
        if (sp_htmlrules_is_space(c)) {
            return; /* "charset = x" is legal, too */
        }
    }
    if (s->matched < sizeof(wanted) - 1 &&
        sp_htmlrules_lower(c) == wanted[s->matched]) {
        s->matched++;
    }
    else {
        s->matched = sp_htmlrules_lower(c) == 'c';
    }
}

/* A meta's http-equiv sets a policy; a character reference could spell one.*/
static int names_policy(const char *value)
{
    return !strcmp(value, "content-security-policy") ||
           strchr(value, '&') != NULL;
}

/*
 * Is this base URL surely on this site?  Plain paths are; what begins with a
 * letter may name a scheme, and browsers take more than "//" for the begin of
 * a host ("/\\", line feeds between, character references).
 */
static int stays_here(const char *value)
{
    char next = value[0] ? value[1] : '\0';

    return !value[0] || value[0] == '.' ||
           (value[0] == '/' &&
            (!next || (next >= 'a' && next <= 'z') ||
             (next >= '0' && next <= '9') || next == '_' || next == '-'));
}

/* An attribute's name and value are complete. */
sp_htmlscan_event_e sp_htmlrules_attr(sp_htmlscan_t *s)
{
    if (s->is_end || s->attr_len == 0) {
        return MORE;
    }
    if (!strcmp(s->name, "meta")) {
        s->meta_charset |= !strcmp(s->attr, "charset") && s->value_len > 0;
        s->meta_pragma |=
            !strcmp(s->attr, "http-equiv") && !strcmp(s->value, "content-type");
        s->meta_csp |= !strcmp(s->attr, "http-equiv") && names_policy(s->value);
        /* Two-byte text of ISO-2022-JP is made of ASCII bytes. */
        s->meta_escapes |= strstr(s->value, "iso-2022") != NULL;
    }
    if (!strcmp(s->name, "base") && !strcmp(s->attr, "href")) {
        s->base_leads_away |= !stays_here(s->value);
    }
    /* The sign of lightning, U+26A1, stands for "amp". */
    if (!strcmp(s->name, "html") &&
        (!strcmp(s->attr, "amp") || !strncmp(s->attr, "amp4", 4) ||
         !strncmp(s->attr, "\xe2\x9a\xa1", 3))) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_AMP);
    }
    s->attr_len = 0;
    return MORE;
}
