/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTML Standard's tokenizer (13.2.5), reduced to what decides where text
 * ends and markup begins: one small function per state, with the standard's
 * names.  "Reconsume" is a call of the other state's function.  What a tag or
 * a text means for the places is asked of the rules (htmlrules.h).
 *
 * Left out, because it comes to the same bytes: character references, the
 * doctype's inner states (every ">" ends it), the comment's "<!" states.
 *
 * Memory: the struct.  Time: one step a byte, much less where memchr or
 * htmlskip.h can skip.
 */
#include "speed/htmlscan.h"

#include <string.h>

#include "speed/htmlrules.h"
#include "speed/htmlskip.h"

typedef enum {
    BOM_1,
    BOM_2,
    BOM_3,
    DATA,
    TAG_OPEN,
    END_TAG_OPEN,
    TAG_NAME,
    BEFORE_ATTR_NAME,
    ATTR_NAME,
    AFTER_ATTR_NAME,
    BEFORE_ATTR_VALUE,
    ATTR_VALUE_DOUBLE,
    ATTR_VALUE_SINGLE,
    ATTR_VALUE_UNQUOTED,
    AFTER_ATTR_VALUE,
    SELF_CLOSING,
    BOGUS_COMMENT,
    DECLARATION,
    DECLARATION_DASH,
    DECLARATION_WORD,
    COMMENT_START,
    COMMENT_START_DASH,
    COMMENT,
    COMMENT_END_DASH,
    COMMENT_END,
    COMMENT_END_BANG,
    DOCTYPE,
    DOCTYPE_NAME,
    DOCTYPE_REST,
    CDATA,
    CDATA_BRACKET,
    CDATA_END,
    RAW,
    RAW_LESS,
    RAW_END_OPEN,
    RAW_END_NAME,
    SCRIPT,
    SCRIPT_LESS,
    SCRIPT_ESCAPE_START,
    SCRIPT_ESCAPE_START_DASH,
    ESCAPED,
    ESCAPED_DASH,
    ESCAPED_DASH_DASH,
    ESCAPED_LESS,
    DOUBLE_START,
    DOUBLE,
    DOUBLE_DASH,
    DOUBLE_DASH_DASH,
    DOUBLE_LESS,
    DOUBLE_END,
    STATES
} state_e;

typedef sp_htmlscan_event_e (*state_fn)(sp_htmlscan_t *s, unsigned char c);

static const state_fn states[STATES];

#define MORE SP_HTMLSCAN_MORE

static int is_letter(unsigned char c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

static sp_htmlscan_event_e go(sp_htmlscan_t *s, int state)
{
    s->state = state;
    return MORE;
}

static sp_htmlscan_event_e again(sp_htmlscan_t *s, int state, unsigned char c)
{
    s->state = state;
    return states[state](s, c);
}

/* A word of at most max letters, collected over any number of pieces.  A NUL
   becomes a byte that is in no word we know, as the standard's U+FFFD. */
static void word_add(char *word, apr_uint32_t *len, apr_size_t max,
                     unsigned char c)
{
    if (*len < max - 1) {
        word[*len] = sp_htmlrules_lower(c ? c : 0xff);
        word[*len + 1] = '\0';
    }
    if (*len < max) {
        (*len)++; /* max: longer than anything we know */
    }
}

static void attr_begin(sp_htmlscan_t *s)
{
    s->attr_len = s->value_len = s->matched = 0;
    s->attr[0] = s->value[0] = '\0';
}

static void value_add(sp_htmlscan_t *s, unsigned char c)
{
    word_add(s->value, &s->value_len, sizeof(s->value), c);
    if (s->attr[0] == 'c' && !strcmp(s->attr, "content")) {
        sp_htmlrules_content(s, c);
    }
}

/* ---- states: text, tags, attributes ---- */

/* A byte order mark tells the charset and stands before everything. */
static sp_htmlscan_event_e bom_1(sp_htmlscan_t *s, unsigned char c)
{
    return c == 0xef ? go(s, BOM_2) : again(s, DATA, c);
}

static sp_htmlscan_event_e bom_2(sp_htmlscan_t *s, unsigned char c)
{
    return c == 0xbb ? go(s, BOM_3)
                     : sp_htmlrules_stop(s, SP_HTMLSCAN_NOT_HTML);
}

static sp_htmlscan_event_e bom_3(sp_htmlscan_t *s, unsigned char c)
{
    if (c != 0xbf) {
        return sp_htmlrules_stop(s, SP_HTMLSCAN_NOT_HTML);
    }
    s->charset_known = 1;
    return go(s, DATA);
}

static sp_htmlscan_event_e data(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '<') {
        s->mark_at = s->offset;
        s->undecided = 1;
        return go(s, TAG_OPEN);
    }
    if (s->leading && !sp_htmlrules_is_space(c)) {
        s->mark_at = s->offset;
        return sp_htmlrules_text(s);
    }
    return MORE;
}

static void tag_begin(sp_htmlscan_t *s, int is_end)
{
    s->is_end = is_end ? 1 : 0;
    s->self_closing = s->meta_charset = s->meta_csp = s->meta_escapes = 0;
    s->meta_pragma = s->meta_content_charset = 0;
    s->name_len = 0;
    s->name[0] = '\0';
    s->name_hash = 2166136261u; /* FNV-1a */
    attr_begin(s);
}

/* "<" was text after all. */
static sp_htmlscan_event_e less_is_text(sp_htmlscan_t *s, unsigned char c)
{
    sp_htmlscan_event_e event = MORE;

    s->undecided = 0;
    s->state = DATA;
    if (s->leading) {
        event = sp_htmlrules_text(s);
    }
    if (c != '<') {
        return event;
    }
    if (event == MORE) {
        return data(s, c);
    }
    /* "<<": the mark belongs to the place now, so the second tag is read
       but can be none. */
    return event == SP_HTMLSCAN_DONE ? event : (go(s, TAG_OPEN), event);
}

static sp_htmlscan_event_e tag_open(sp_htmlscan_t *s, unsigned char c)
{
    if (is_letter(c)) {
        tag_begin(s, 0);
        return again(s, TAG_NAME, c);
    }
    if (c == '/') {
        return go(s, END_TAG_OPEN);
    }
    if (c == '!') {
        s->undecided = 0;
        return go(s, DECLARATION);
    }
    if (c == '?') {
        s->undecided = 0;
        return go(s, BOGUS_COMMENT);
    }
    return less_is_text(s, c);
}

static sp_htmlscan_event_e end_tag_open(sp_htmlscan_t *s, unsigned char c)
{
    if (is_letter(c)) {
        tag_begin(s, 1);
        return again(s, TAG_NAME, c);
    }
    s->undecided = 0;
    return go(s, c == '>' ? DATA : BOGUS_COMMENT);
}

/* Names that decide something have at most 8 letters. */
#define NAME_DECIDES 8

static void name_add(sp_htmlscan_t *s, unsigned char c)
{
    word_add(s->name, &s->name_len, sizeof(s->name), c);
    s->name_hash =
        (s->name_hash ^ (unsigned char)sp_htmlrules_lower(c)) * 16777619u;
}

static sp_htmlscan_event_e tag_name(sp_htmlscan_t *s, unsigned char c)
{
    sp_htmlscan_event_e event = MORE, then;

    if (!sp_htmlrules_is_space(c) && c != '/' && c != '>') {
        name_add(s, c);
        return s->undecided && s->name_len > NAME_DECIDES
                   ? sp_htmlrules_tag_named(s)
                   : MORE;
    }
    if (s->undecided) {
        event = sp_htmlrules_tag_named(s);
    }
    if (event == SP_HTMLSCAN_DONE || event == SP_HTMLSCAN_END) {
        return event;
    }
    then = again(s, BEFORE_ATTR_NAME, c);
    return event == MORE ? then : event;
}

static sp_htmlscan_event_e before_attr_name(sp_htmlscan_t *s, unsigned char c)
{
    if (sp_htmlrules_is_space(c)) {
        return MORE;
    }
    if (c == '/' || c == '>') {
        return again(s, AFTER_ATTR_NAME, c);
    }
    attr_begin(s);
    word_add(s->attr, &s->attr_len, sizeof(s->attr), c);
    return go(s, ATTR_NAME); /* a first "=" is part of the name */
}

static sp_htmlscan_event_e attr_name(sp_htmlscan_t *s, unsigned char c)
{
    if (sp_htmlrules_is_space(c) || c == '/' || c == '>') {
        return again(s, AFTER_ATTR_NAME, c);
    }
    if (c == '=') {
        return go(s, BEFORE_ATTR_VALUE);
    }
    word_add(s->attr, &s->attr_len, sizeof(s->attr), c);
    return MORE;
}

/* The ">" of a tag. */
static sp_htmlscan_event_e tag_over(sp_htmlscan_t *s)
{
    static const int state_of[] = {[SP_HTMLRULES_MARKUP] = DATA,
                                   [SP_HTMLRULES_RAW] = RAW,
                                   [SP_HTMLRULES_SCRIPT] = SCRIPT};
    sp_htmlscan_event_e event = sp_htmlrules_tag_done(s);

    s->raw_state = s->state = state_of[s->text];
    return event;
}

/* Behind an attribute: done, the next one, "/" or ">". */
static sp_htmlscan_event_e attr_over(sp_htmlscan_t *s, unsigned char c,
                                     int next)
{
    sp_htmlscan_event_e event = sp_htmlrules_attr(s);

    if (event != MORE) {
        return event;
    }
    if (c == '>') {
        return tag_over(s);
    }
    return c == '/' ? go(s, SELF_CLOSING) : again(s, next, c);
}

static sp_htmlscan_event_e after_attr_name(sp_htmlscan_t *s, unsigned char c)
{
    if (sp_htmlrules_is_space(c)) {
        return go(s, AFTER_ATTR_NAME);
    }
    if (c == '=') {
        return go(s, BEFORE_ATTR_VALUE);
    }
    return attr_over(s, c, BEFORE_ATTR_NAME);
}

static sp_htmlscan_event_e before_attr_value(sp_htmlscan_t *s, unsigned char c)
{
    if (sp_htmlrules_is_space(c)) {
        return MORE;
    }
    if (c == '"') {
        return go(s, ATTR_VALUE_DOUBLE);
    }
    if (c == '\'') {
        return go(s, ATTR_VALUE_SINGLE);
    }
    return again(s, ATTR_VALUE_UNQUOTED, c);
}

static sp_htmlscan_event_e attr_value_double(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '"') {
        return go(s, AFTER_ATTR_VALUE);
    }
    value_add(s, c);
    return MORE;
}

static sp_htmlscan_event_e attr_value_single(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '\'') {
        return go(s, AFTER_ATTR_VALUE);
    }
    value_add(s, c);
    return MORE;
}

static sp_htmlscan_event_e attr_value_unquoted(sp_htmlscan_t *s,
                                               unsigned char c)
{
    if (sp_htmlrules_is_space(c) || c == '>') {
        return attr_over(s, c, BEFORE_ATTR_NAME);
    }
    value_add(s, c);
    return MORE;
}

static sp_htmlscan_event_e after_attr_value(sp_htmlscan_t *s, unsigned char c)
{
    return attr_over(s, c, BEFORE_ATTR_NAME);
}

static sp_htmlscan_event_e self_closing(sp_htmlscan_t *s, unsigned char c)
{
    if (c != '>') {
        return again(s, BEFORE_ATTR_NAME, c);
    }
    s->self_closing = 1;
    return tag_over(s);
}

/* ---- states: comments, doctype, CDATA ---- */

static sp_htmlscan_event_e bogus_comment(sp_htmlscan_t *s, unsigned char c)
{
    return c == '>' ? go(s, DATA) : MORE;
}

/* Behind "<!". */
static sp_htmlscan_event_e declaration(sp_htmlscan_t *s, unsigned char c)
{
    tag_begin(s, 0);
    if (c == '-') {
        return go(s, DECLARATION_DASH);
    }
    if (is_letter(c) || c == '[') {
        return again(s, DECLARATION_WORD, c);
    }
    return again(s, BOGUS_COMMENT, c);
}

static sp_htmlscan_event_e declaration_dash(sp_htmlscan_t *s, unsigned char c)
{
    return c == '-' ? go(s, COMMENT_START) : again(s, BOGUS_COMMENT, c);
}

/* "doctype" in any case, or "[CDATA[" as it stands where that is allowed. */
static sp_htmlscan_event_e declaration_word(sp_htmlscan_t *s, unsigned char c)
{
    static const char doctype_word[] = "doctype", cdata_word[] = "[CDATA[";
    apr_uint32_t at = s->name_len;
    int bracket = (at == 0 ? (char)c : s->name[0]) == '[';

    if (bracket && s->foreign_depth > 0 && (char)c == cdata_word[at]) {
        name_add(s, c);
        return s->name_len == sizeof(cdata_word) - 1 ? go(s, CDATA) : MORE;
    }
    if (!bracket && sp_htmlrules_lower(c) == doctype_word[at]) {
        name_add(s, c);
        return s->name_len == sizeof(doctype_word) - 1 ? go(s, DOCTYPE) : MORE;
    }
    return again(s, BOGUS_COMMENT, c);
}

static sp_htmlscan_event_e comment_start(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '-') {
        return go(s, COMMENT_START_DASH);
    }
    return c == '>' ? go(s, DATA) : again(s, COMMENT, c);
}

static sp_htmlscan_event_e comment_start_dash(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '-') {
        return go(s, COMMENT_END);
    }
    return c == '>' ? go(s, DATA) : again(s, COMMENT, c);
}

static sp_htmlscan_event_e comment(sp_htmlscan_t *s, unsigned char c)
{
    return c == '-' ? go(s, COMMENT_END_DASH) : MORE;
}

static sp_htmlscan_event_e comment_end_dash(sp_htmlscan_t *s, unsigned char c)
{
    return go(s, c == '-' ? COMMENT_END : COMMENT);
}

static sp_htmlscan_event_e comment_end(sp_htmlscan_t *s, unsigned char c)
{
    switch (c) {
    case '>':
        return go(s, DATA);
    case '!':
        return go(s, COMMENT_END_BANG);
    case '-':
        return MORE;
    default:
        return go(s, COMMENT);
    }
}

static sp_htmlscan_event_e comment_end_bang(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '-') {
        return go(s, COMMENT_END_DASH);
    }
    return go(s, c == '>' ? DATA : COMMENT);
}

static sp_htmlscan_event_e doctype(sp_htmlscan_t *s, unsigned char c)
{
    if (sp_htmlrules_is_space(c)) {
        return MORE;
    }
    tag_begin(s, 0);
    return again(s, DOCTYPE_NAME, c);
}

static sp_htmlscan_event_e doctype_name(sp_htmlscan_t *s, unsigned char c)
{
    if (!sp_htmlrules_is_space(c) && c != '>') {
        name_add(s, c);
        return MORE;
    }
    if (!strcmp(s->name, "html")) {
        s->evidence = 1;
    }
    return again(s, DOCTYPE_REST, c);
}

static sp_htmlscan_event_e doctype_rest(sp_htmlscan_t *s, unsigned char c)
{
    return c == '>' ? go(s, DATA) : MORE;
}

static sp_htmlscan_event_e cdata(sp_htmlscan_t *s, unsigned char c)
{
    return c == ']' ? go(s, CDATA_BRACKET) : MORE;
}

static sp_htmlscan_event_e cdata_bracket(sp_htmlscan_t *s, unsigned char c)
{
    return go(s, c == ']' ? CDATA_END : CDATA);
}

static sp_htmlscan_event_e cdata_end(sp_htmlscan_t *s, unsigned char c)
{
    if (c == ']') {
        return MORE;
    }
    return go(s, c == '>' ? DATA : CDATA);
}

/* ---- states: text that ends with its own end tag ---- */

static sp_htmlscan_event_e raw(sp_htmlscan_t *s, unsigned char c)
{
    return c == '<' ? go(s, RAW_LESS) : MORE;
}

static sp_htmlscan_event_e raw_less(sp_htmlscan_t *s, unsigned char c)
{
    return c == '/' ? go(s, RAW_END_OPEN) : again(s, s->raw_state, c);
}

static sp_htmlscan_event_e raw_end_open(sp_htmlscan_t *s, unsigned char c)
{
    if (!is_letter(c)) {
        return again(s, s->raw_state, c);
    }
    tag_begin(s, 1);
    return again(s, RAW_END_NAME, c);
}

static sp_htmlscan_event_e raw_end_name(sp_htmlscan_t *s, unsigned char c)
{
    if (is_letter(c)) {
        name_add(s, c);
        return MORE;
    }
    if ((sp_htmlrules_is_space(c) || c == '/' || c == '>') &&
        !strcmp(s->name, s->raw_name)) {
        return again(s, BEFORE_ATTR_NAME, c);
    }
    return again(s, s->raw_state, c);
}

static sp_htmlscan_event_e script(sp_htmlscan_t *s, unsigned char c)
{
    s->raw_state = SCRIPT;
    return c == '<' ? go(s, SCRIPT_LESS) : MORE;
}

static sp_htmlscan_event_e script_less(sp_htmlscan_t *s, unsigned char c)
{
    return c == '!' ? go(s, SCRIPT_ESCAPE_START) : raw_less(s, c);
}

static sp_htmlscan_event_e script_escape_start(sp_htmlscan_t *s,
                                               unsigned char c)
{
    return c == '-' ? go(s, SCRIPT_ESCAPE_START_DASH) : again(s, SCRIPT, c);
}

static sp_htmlscan_event_e script_escape_start_dash(sp_htmlscan_t *s,
                                                    unsigned char c)
{
    return c == '-' ? go(s, ESCAPED_DASH_DASH) : again(s, SCRIPT, c);
}

static sp_htmlscan_event_e escaped(sp_htmlscan_t *s, unsigned char c)
{
    s->raw_state = ESCAPED;
    if (c == '<') {
        return go(s, ESCAPED_LESS);
    }
    return go(s, c == '-' ? ESCAPED_DASH : ESCAPED);
}

static sp_htmlscan_event_e escaped_dash(sp_htmlscan_t *s, unsigned char c)
{
    return c == '-' ? go(s, ESCAPED_DASH_DASH) : escaped(s, c);
}

static sp_htmlscan_event_e escaped_dash_dash(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '-') {
        return MORE;
    }
    return c == '>' ? go(s, SCRIPT) : escaped(s, c);
}

static sp_htmlscan_event_e escaped_less(sp_htmlscan_t *s, unsigned char c)
{
    if (is_letter(c)) {
        tag_begin(s, 0);
        return again(s, DOUBLE_START, c);
    }
    return raw_less(s, c);
}

/* The end of a word inside escaped text: is it "script"? */
static sp_htmlscan_event_e script_word(sp_htmlscan_t *s, unsigned char c,
                                       int yes, int no)
{
    if (is_letter(c)) {
        name_add(s, c);
        return MORE;
    }
    if (sp_htmlrules_is_space(c) || c == '/' || c == '>') {
        return go(s, strcmp(s->name, "script") ? no : yes);
    }
    return again(s, no, c);
}

static sp_htmlscan_event_e double_start(sp_htmlscan_t *s, unsigned char c)
{
    return script_word(s, c, DOUBLE, ESCAPED);
}

static sp_htmlscan_event_e double_escaped(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '<') {
        return go(s, DOUBLE_LESS);
    }
    return go(s, c == '-' ? DOUBLE_DASH : DOUBLE);
}

static sp_htmlscan_event_e double_dash(sp_htmlscan_t *s, unsigned char c)
{
    return c == '-' ? go(s, DOUBLE_DASH_DASH) : double_escaped(s, c);
}

static sp_htmlscan_event_e double_dash_dash(sp_htmlscan_t *s, unsigned char c)
{
    if (c == '-') {
        return MORE;
    }
    return c == '>' ? go(s, SCRIPT) : double_escaped(s, c);
}

static sp_htmlscan_event_e double_less(sp_htmlscan_t *s, unsigned char c)
{
    if (c != '/') {
        return again(s, DOUBLE, c);
    }
    tag_begin(s, 1);
    return go(s, DOUBLE_END);
}

static sp_htmlscan_event_e double_end(sp_htmlscan_t *s, unsigned char c)
{
    return script_word(s, c, ESCAPED, DOUBLE);
}

static const state_fn states[STATES] = {
    [BOM_1] = bom_1,
    [BOM_2] = bom_2,
    [BOM_3] = bom_3,
    [DATA] = data,
    [TAG_OPEN] = tag_open,
    [END_TAG_OPEN] = end_tag_open,
    [TAG_NAME] = tag_name,
    [BEFORE_ATTR_NAME] = before_attr_name,
    [ATTR_NAME] = attr_name,
    [AFTER_ATTR_NAME] = after_attr_name,
    [BEFORE_ATTR_VALUE] = before_attr_value,
    [ATTR_VALUE_DOUBLE] = attr_value_double,
    [ATTR_VALUE_SINGLE] = attr_value_single,
    [ATTR_VALUE_UNQUOTED] = attr_value_unquoted,
    [AFTER_ATTR_VALUE] = after_attr_value,
    [SELF_CLOSING] = self_closing,
    [BOGUS_COMMENT] = bogus_comment,
    [DECLARATION] = declaration,
    [DECLARATION_DASH] = declaration_dash,
    [DECLARATION_WORD] = declaration_word,
    [COMMENT_START] = comment_start,
    [COMMENT_START_DASH] = comment_start_dash,
    [COMMENT] = comment,
    [COMMENT_END_DASH] = comment_end_dash,
    [COMMENT_END] = comment_end,
    [COMMENT_END_BANG] = comment_end_bang,
    [DOCTYPE] = doctype,
    [DOCTYPE_NAME] = doctype_name,
    [DOCTYPE_REST] = doctype_rest,
    [CDATA] = cdata,
    [CDATA_BRACKET] = cdata_bracket,
    [CDATA_END] = cdata_end,
    [RAW] = raw,
    [RAW_LESS] = raw_less,
    [RAW_END_OPEN] = raw_end_open,
    [RAW_END_NAME] = raw_end_name,
    [SCRIPT] = script,
    [SCRIPT_LESS] = script_less,
    [SCRIPT_ESCAPE_START] = script_escape_start,
    [SCRIPT_ESCAPE_START_DASH] = script_escape_start_dash,
    [ESCAPED] = escaped,
    [ESCAPED_DASH] = escaped_dash,
    [ESCAPED_DASH_DASH] = escaped_dash_dash,
    [ESCAPED_LESS] = escaped_less,
    [DOUBLE_START] = double_start,
    [DOUBLE] = double_escaped,
    [DOUBLE_DASH] = double_dash,
    [DOUBLE_DASH_DASH] = double_dash_dash,
    [DOUBLE_LESS] = double_less,
    [DOUBLE_END] = double_end,
};

/* ---- the outside ---- */

void sp_htmlscan_init(sp_htmlscan_t *scan, int charset_declared)
{
    memset(scan, 0, sizeof(*scan));
    scan->state = BOM_1;
    scan->leading = 1;
    scan->charset_known = charset_declared ? 1 : 0;
}

/* How many of these bytes cannot change anything in this state? */
static apr_size_t dull(const sp_htmlscan_t *s, const char *data, apr_size_t len)
{
    const char *next;
    int wanted;

    switch (s->state) {
    case DATA:
        if (!s->leading && !s->in_noscript && !s->foreign_depth) {
            return sp_htmlskip(data, len);
        }
        wanted = s->leading ? 0 : '<';
        break;
    case RAW:
    case SCRIPT:
        wanted = '<';
        break;
    case COMMENT:
        wanted = '-';
        break;
    case ATTR_VALUE_DOUBLE:
        wanted = s->value_len == sizeof(s->value) && strcmp(s->attr, "content")
                     ? '"'
                     : 0;
        break;
    default:
        wanted = 0;
    }
    if (!wanted || s->in_noscript) {
        return 0;
    }
    next = memchr(data, wanted, len);
    return next ? (apr_size_t)(next - data) : len;
}

static int out_of_patience(const sp_htmlscan_t *s)
{
    return !s->evidence && s->offset >= SP_HTMLSCAN_PATIENCE_BYTES;
}

sp_htmlscan_event_e sp_htmlscan_feed(sp_htmlscan_t *scan, const char *data,
                                     apr_size_t len, apr_size_t *used)
{
    sp_htmlscan_event_e event = MORE;
    apr_size_t i = 0;

    if (scan->why != SP_HTMLSCAN_GOING) {
        *used = 0;
        return SP_HTMLSCAN_DONE;
    }
    while (i < len && event == MORE) {
        apr_size_t skip = dull(scan, data + i, len - i);
        scan->offset += skip;
        i += skip;
        if (i < len && scan->in_noscript) {
            event = sp_htmlrules_noscript(scan, (unsigned char)data[i],
                                          scan->state == TAG_NAME);
        }
        if (i < len && event == MORE) {
            event = states[scan->state](scan, (unsigned char)data[i]);
            scan->offset++;
            i++;
        }
        if (event == MORE && out_of_patience(scan)) {
            event = sp_htmlrules_stop(scan, SP_HTMLSCAN_NOT_HTML);
        }
    }
    *used = i;
    return event;
}

apr_size_t sp_htmlscan_back(const sp_htmlscan_t *scan)
{
    return (apr_size_t)(scan->offset - scan->mark_at);
}

apr_size_t sp_htmlscan_held(const sp_htmlscan_t *scan)
{
    return scan->why == SP_HTMLSCAN_GOING && scan->undecided
               ? sp_htmlscan_back(scan)
               : 0;
}

int sp_htmlscan_finish(sp_htmlscan_t *scan)
{
    int fine = scan->why == SP_HTMLSCAN_GOING && scan->evidence &&
               scan->state == DATA && scan->foreign_depth == 0 &&
               scan->template_depth == 0 && !scan->in_noscript;

    if (scan->why == SP_HTMLSCAN_GOING) {
        scan->why = fine             ? SP_HTMLSCAN_PLACED
                    : scan->evidence ? SP_HTMLSCAN_LOST
                                     : SP_HTMLSCAN_NOT_HTML;
    }
    scan->undecided = 0;
    if (fine) {
        scan->end_at = scan->offset + 1;
    }
    return fine;
}

sp_htmlscan_places_t sp_htmlscan_places(const sp_htmlscan_t *scan)
{
    sp_htmlscan_places_t places = {scan->start_at, scan->end_at, scan->why,
                                   scan->base_leads_away};

    return places;
}

void sp_htmlscan_recall(sp_htmlscan_t *scan, const sp_htmlscan_places_t *places,
                        apr_uint64_t size)
{
    scan->start_at = places->start;
    scan->end_at = places->end;
    scan->why = places->why;
    scan->base_leads_away = places->base_leads_away ? 1 : 0;
    scan->offset = size;
    scan->undecided = 0;
}

const char *sp_htmlscan_why(const sp_htmlscan_t *scan)
{
    static const char *const words[] = {[SP_HTMLSCAN_GOING] = "going",
                                        [SP_HTMLSCAN_PLACED] = "placed",
                                        [SP_HTMLSCAN_NOT_HTML] = "not-html",
                                        [SP_HTMLSCAN_CSP] = "csp",
                                        [SP_HTMLSCAN_AMP] = "amp",
                                        [SP_HTMLSCAN_FRAMESET] = "frameset",
                                        [SP_HTMLSCAN_LOST] = "lost",
                                        [SP_HTMLSCAN_CHARSET] = "charset"};

    return words[scan->why];
}
