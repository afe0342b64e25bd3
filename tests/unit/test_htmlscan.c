/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each case is a page as it must come out: "{" marks the start script's
 * place, "}" the end script's.  The input is the case without the marks; it
 * is fed whole, cut in two at every position, and byte by byte.
 */
#include "unit.h"

#include <apr_strings.h>

#include "speed/htmlscan.h"

#define DOC "<!doctype html>"

typedef struct {
    const char *page, *why;
} scan_case_t;

static const scan_case_t cases[] = {
    /* the ordinary page */
    {DOC "<html><head><meta charset=utf-8><title>T</title>{<link href=a>"
         "</head><body>x}</body></html>",
     "placed"},
    {DOC "\n<html lang='de'>\n<head>\n<meta charset=\"utf-8\"/>\n"
         "<base href=\"/\">\n{<script>a</script>\n</head>\n<body>\n"
         "<p>x</p>\n}</body>\n</html>\n",
     "placed"},
    {DOC "{<p>no head, no body}", "placed"},
    {DOC "<title>T</title>\n{text}", "placed"},
    {DOC "<html>{<body>x}</body>", "placed"},
    {"<html><head>{</head><body>quirks stay quirks}</body></html>", "placed"},
    {DOC "<html>{<body>no body end}</html>", "placed"},
    {"\xef\xbb\xbf<!-- c -->" DOC "<head>{</head>x}</body>", "placed"},
    {"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML "
     "1.0 Strict//EN\" \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">"
     "<html xmlns=\"x\"><head>{</head><body>}</body></html>",
     "placed"},
    {DOC "<HTML><HEAD><TITLE></TITLE>{</HEAD><BODY>x}</BODY ></HTML>",
     "placed"},
    {DOC "<head>{</HEAD\n><p>a}</body/>", "placed"},
    {DOC "<title>T</title>}", "placed"},
    /* not a document: left alone */
    {"{\"json\": 1}", "not-html"},
    {"plain text", "not-html"},
    {"", "not-html"},
    {"<div>a fragment</div></body>", "not-html"},
    {"<title>x</title><html><body></body>", "not-html"},
    {"<!-- c --><p>x", "not-html"},
    {"<!doctype svg><svg></svg>", "not-html"},
    {"<\0h", "not-html"},
    {"\xff\xfe<", "not-html"},
    {"\xef\xbb", "not-html"},
    {"<!DOCTYP html><p>x</body>", "not-html"},
    /* pages that allow no scripts */
    {DOC "<html amp><head></head><body></body>", "amp"},
    {DOC "<html \xe2\x9a\xa1><head></head><body></body>", "amp"},
    {DOC "<html amp4ads><body></body>", "amp"},
    {DOC "<html class=amp>{<body>x}</body>", "placed"},
    {DOC "<head><meta http-equiv='Content-Security-Policy' content=\"x\">"
         "<link></head><body></body>",
     "csp"},
    {DOC "<head>{<link><meta content=x http-equiv=content-security-policy>"
         "<body></body>",
     "csp"},
    {DOC "<head><meta charset=x>{<link><meta "
         "http-equiv=content-security-policy><body></body>",
     "csp"},
    {DOC "<head><meta http-equiv=content&#45;security-policy><body></body>",
     "csp"},
    {DOC "<head><meta http-equiv=content-security-policy-report-only>"
         "{</head><body>}</body>",
     "placed"},
    {DOC "<head>{</head><frameset><frame></frameset>", "frameset"},
    {"<html><frameset></frameset></html>", "frameset"},
    {DOC "<head><meta charset=iso-2022-jp><body></body>", "charset"},
    /* text that looks like a place */
    {DOC "<head><title></head><body></body></title>{</head><body>}</body>",
     "placed"},
    {DOC "<head><!-- </head> <body> --><meta name='<body></body>'>{</head>"
         "<p title='</body>' class=\"</body>\" x=</body>>y}</body>",
     "placed"},
    {DOC "{<body><script>'</body>'</script><style></body></style>"
         "<textarea></body></textarea><xmp></body></xmp>"
         "<iframe></body></iframe><noembed></body></noembed>"
         "<noframes></body></noframes><noscript></body></noscript>}</body>",
     "placed"},
    {DOC "{<p><script><!--<script></script></body>--></script>}</body>",
     "placed"},
    {DOC "{<p><script><!--<script></script></body></script>}</body>", "placed"},
    {DOC "{<p><script><!--</script>}</body>", "placed"},
    {DOC "{<p><script><!-- <script> --></script>}</body>", "placed"},
    {DOC "{<p><script><!-- <scripty></script>}</body>", "placed"},
    {DOC "{<p><script><!--<script x</script x--><!--</body></script>}</body>",
     "placed"},
    {DOC "{<p><script></scriptx></body></script >}</body>", "placed"},
    {DOC "{<p><textarea></textareas></body></textarea\n>}</body>", "placed"},
    {DOC "{<p><template></body><template></body></template></body>"
         "</template>}</body>",
     "placed"},
    {DOC "{<p><template></body>", "lost"},
    {DOC "<head>{<template><p></template></head>}</body>", "placed"},
    {DOC "{<p><!-->}</body>", "placed"},
    {DOC "{<p></bodyx></bod></body-x>}</body>", "placed"},
    {DOC "{<p>a < b <3 <<i> </ body> </>}</body>", "placed"},
    {DOC "<head>{<3}</body>", "placed"},
    {DOC "{<p><plaintext></body>", "lost"},
    /* noscript is text to some browsers and markup to the others */
    {DOC "{<p><noscript><iframe src=x></iframe><!-- c --><p></noscript>}"
         "</body>",
     "placed"},
    {DOC "{<p><noscript><!--</noscript>--></noscript></body>", "lost"},
    {DOC "{<p><noscript><iframe></noscript></iframe></body>", "lost"},
    {DOC "{<p><noscript><p title='</NoScript >'></noscript></body>", "lost"},
    {DOC "{<p><noscript><p title='</noscripts>'></noscript>}</body>", "placed"},
    {DOC "{<p><noscript><select></noscript></body>", "lost"},
    {DOC "{<p><noscript><template></noscript></body>", "lost"},
    {DOC "{<p><template><noscript></template></noscript></body>", "lost"},
    {DOC "{<p><noscript><svg></noscript></body>", "lost"},
    {DOC "{<p><noscript></body>", "lost"},
    {DOC "<head>{<noscript><p>x</noscript></head>}</body>", "placed"},
    /* an end tag that browsers drop opens no head */
    {DOC "<html></p></br1><!-- before head -->{<body>}</body>", "placed"},
    {DOC "<html>{</br>}</body>", "placed"},
    /* comments */
    {DOC "{<p><!--></p><!---></p><!-- --!></p><!-- -- ></body>-->}</body>",
     "placed"},
    {DOC "{<p><!--a--!b></body>--!-></body>-->}</body>", "placed"},
    {DOC "{<p><!----></p><!-- <!--></p><!--[if IE]></body><![endif]-->}"
         "</body>",
     "placed"},
    {DOC "<![if !IE]><!x></?y></!z>{<p>}</body>", "placed"},
    {DOC "{<p><!-></p><!-a--></p><![CDATA[x></p>}</body>]]></body>", "placed"},
    /* svg and math */
    {DOC "{<p><svg><title></svg></title><style></body></style></svg>}",
     "placed"},
    {DOC "{<p><svg><title>t</title><style>a{}</style><path/></svg>}</body>",
     "placed"},
    {DOC "{<p><svg><![CDATA[</svg></body>]]]></svg>}</body>", "placed"},
    {DOC "{<p><math><mi>x</mi><mo>=</mo></math>}</body>", "placed"},
    {DOC "{<p><svg><p><style></body></style>}</body>", "placed"},
    {DOC "{<p><svg/>}</body>", "placed"},
    {DOC "{<p><svg><g></body>", "lost"},
    {DOC "{<p><svg><foreignObject><p></foreignObject></svg></body>", "lost"},
    {DOC "{<div><svg></div></body>", "lost"},
    {DOC "{<select><style></select></body>", "lost"},
    {DOC "{<select><option>a</select><style></style>}</body>", "placed"},
    /* cut off: nothing is appended */
    {DOC "{<p>x<b", "lost"},
    {DOC "{<p>x</body", "lost"},
    {DOC "{<p>x<!-- ", "lost"},
    {DOC "{<p><script>", "lost"},
    {DOC "{<p a='", "lost"},
};

/* P25: nothing has declared the charset; a <meta charset> that browsers would
   find in the first 1024 bytes stays there. */
static const scan_case_t undeclared[] = {
    {DOC "<head><link><script></script><meta charset=utf-8>{<link></head>"
         "<p>}</body>",
     "placed"},
    {DOC "<head><link><meta http-equiv=content-type content='text/html; "
         "Charset = utf-8'>{<link></head><p>}</body>",
     "placed"},
    {DOC "<head><meta content='text/html;charset=x' http-equiv=Content-Type>{"
         "<link></head><p>}</body>",
     "placed"},
    {"\xef\xbb\xbf" DOC "<head>{<link></head><p>}</body>", "placed"},
    /* there may be one in the body */
    {DOC "<head><link><style></style></head><p></body></html>}", "placed"},
    {DOC "<head></head><body><meta charset=utf-8>x}</body></html>", "placed"},
    {DOC "text<meta charset=utf-8>x}</body></html>", "placed"},
    /* or behind it */
    {DOC "<head></head><body>x</body><meta charset=utf-8>}</html>", "placed"},
    {DOC "<p>x</body></html>\n<!-- c -->\n}", "placed"},
    /* what is no declaration */
    {DOC "<head><meta name=d content='charset=x'><link><meta charset=utf-8>{"
         "</head><p>}</body>",
     "placed"},
    {DOC "<head><template><p></template></head></body>}", "placed"},
    {DOC "<head><noscript><p>x</noscript></head></body>}", "placed"},
    {DOC "<head><link><meta content=x http-equiv=content-security-policy>"
         "<body></body>",
     "csp"},
    {DOC "<head><meta charset=''><link></head><p></body>}", "placed"},
    {DOC "<head><!-- <meta charset=utf-8> --><link></head><p></body>}",
     "placed"},
};

typedef struct {
    sp_htmlscan_t scan;
    char *out; /* with marks */
    apr_size_t len;
} run_t;

static void insert(run_t *run, apr_size_t back, char mark)
{
    char *at = run->out + run->len - back;

    memmove(at + 1, at, back);
    *at = mark;
    run->len++;
}

static void feed(run_t *run, const char *data, apr_size_t len)
{
    sp_htmlscan_event_e event;
    apr_size_t used;

    do {
        event = sp_htmlscan_feed(&run->scan, data, len, &used);
        memcpy(run->out + run->len, data, used);
        run->len += used;
        data += used;
        len -= used;
        if (event == SP_HTMLSCAN_START || event == SP_HTMLSCAN_END) {
            assert_true(sp_htmlscan_back(&run->scan) <= SP_HTMLSCAN_HOLD_MAX);
            insert(run, sp_htmlscan_back(&run->scan),
                   event == SP_HTMLSCAN_START ? '{' : '}');
        }
        assert_true(sp_htmlscan_held(&run->scan) <= SP_HTMLSCAN_HOLD_MAX);
    } while (event == SP_HTMLSCAN_START || event == SP_HTMLSCAN_END);
    memcpy(run->out + run->len, data, len);
    run->len += len;
}

/* Feed text[0..len) with one cut, or byte by byte when cut > len. */
static const char *scan_page(const char **why, const char *text, apr_size_t len,
                             apr_size_t cut, int declared, apr_pool_t *p)
{
    run_t run;
    apr_size_t i;

    run.out = apr_pcalloc(p, len + 3);
    run.len = 0;
    sp_htmlscan_init(&run.scan, declared);
    if (cut <= len) {
        feed(&run, text, cut);
        feed(&run, text + cut, len - cut);
    }
    else {
        for (i = 0; i < len; i++) {
            feed(&run, text + i, 1);
        }
    }
    if (sp_htmlscan_finish(&run.scan)) {
        insert(&run, 0, '}');
    }
    *why = sp_htmlscan_why(&run.scan);
    return run.out;
}

/* The case without its marks.  JSON begins with a brace of its own. */
static char *unmarked(const char *page, apr_pool_t *p)
{
    char *out = apr_pstrdup(p, page), *to = out;

    if (page[0] == '{') {
        return out;
    }
    for (; *page; page++) {
        if (strncmp(page, "{}", 2) == 0) {
            *to++ = *page++; /* "a{}" in a style is no mark */
            *to++ = *page;
        }
        else if (*page != '{' && *page != '}') {
            *to++ = *page;
        }
    }
    *to = '\0';
    return out;
}

/* Cut at every position; the last cut means byte by byte. */
static void check_cuts(const scan_case_t *c, int declared, apr_pool_t *p)
{
    const char *text = unmarked(c->page, p), *why;
    const char *whole = scan_page(&why, text, strlen(text), 0, declared, p);
    size_t cut;

    for (cut = 1; cut <= strlen(text) + 1; cut++) {
        const char *parts =
            scan_page(&why, text, strlen(text), cut, declared, p);
        if (strcmp(parts, whole)) {
            fail_msg("cut at %zu:\n%s\nnot\n%s", cut, parts, whole);
        }
    }
}

static void p27_places_do_not_depend_on_how_the_page_is_cut(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        check_cuts(&cases[i], 1, *state);
        check_cuts(&cases[i], 0, *state);
    }
    for (i = 0; i < sizeof(undeclared) / sizeof(*undeclared); i++) {
        check_cuts(&undeclared[i], 0, *state);
    }
}

static size_t check_places(const scan_case_t *c, size_t i, int declared,
                           apr_pool_t *p)
{
    const char *text = unmarked(c->page, p), *why;
    const char *out = scan_page(&why, text, strlen(text), 0, declared, p);

    if (strcmp(out, c->page) || strcmp(why, c->why)) {
        print_error("case %zu: %s: %s\n", i, why, out);
        return 1;
    }
    return 0;
}

static void p24_p26_p28_scripts_go_where_a_browser_sees_the_place(void **state)
{
    size_t i, failed = 0;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        failed += check_places(&cases[i], i, 1, *state);
    }
    assert_int_equal(failed, 0);
}

static void p25_a_charset_is_not_pushed_out_of_the_prescan(void **state)
{
    size_t i, failed = 0;

    for (i = 0; i < sizeof(undeclared) / sizeof(*undeclared); i++) {
        failed += check_places(&undeclared[i], i, 0, *state);
    }
    assert_int_equal(failed, 0);
}

/* A meta at every distance from the limit, in the head and in the body. */
static void p25_around_the_limit_of_the_prescan(void **state)
{
    static const char meta[] = "<meta charset=x>";
    int pad;

    for (pad = 800; pad < 1100; pad++) {
        const char *head =
            apr_psprintf(*state, DOC "<head><link><!--%*s-->%s</head>x</body>",
                         pad, "", meta);
        const char *body =
            apr_psprintf(*state, DOC "<head></head><body><!--%*s-->%s</body>",
                         pad, "", meta);
        const char *pages[] = {head, body}, *why;
        int i;

        for (i = 0; i < 2; i++) {
            const char *out =
                scan_page(&why, pages[i], strlen(pages[i]), 0, 0, *state);
            size_t before = (size_t)(strstr(pages[i], meta) - pages[i]);
            size_t after = (size_t)(strstr(out, meta) - out);
            if (before < SP_HTMLSCAN_PRESCAN_BYTES) {
                assert_int_equal(after, before);
            }
        }
    }
}

/* ---- P30 ---- */

/*
 * Text in which a second byte is one of ASCII's, and the pages around it must
 * come out right: bytes of ASCII that are markup (0x22 to 0x3e) are no second
 * bytes in these charsets, and those that are (0x40 to 0x7e; in GB18030 also
 * the digits) are none.
 */
static const char *const two_byte_text[] = {
    "\x83\x5c\x83\x7c\x83\x5b\x95\x5c\x94\x5c\x81\x5f", /* Shift_JIS: 5c */
    "\x83\x40\x83\x7e\x88\x9f\xe0\x7a\x81\x7c\xb1\xb2", /* Shift_JIS */
    "\xa4\xa2\xa4\xbc\x8e\xb1\x8f\xb0\xa1\xbc\xbe",     /* EUC-JP */
    "\xb0\xa1\xbc\xbe\xbe\xbc\x81\x41\x81\x5a\xc8\xfe", /* EUC-KR, UHC */
    "\x81\x5c\x81\x7c\x81\x7e\x81\x40\xbc\xbe\xfe\x4f", /* GBK */
    "\x81\x30\x81\x30\x84\x31\xa4\x37\x90\x30\x81\x39", /* GB18030 */
    "\xa4\x5c\xa5\x7c\xb3\x5c\xb7\x7e\xf9\xd6\xa4\x40", /* Big5 */
};

static void p30_second_bytes_never_look_like_markup(void **state)
{
    size_t i;

    for (i = 0; i < sizeof(two_byte_text) / sizeof(*two_byte_text); i++) {
        const char *t = two_byte_text[i];
        scan_case_t c = {apr_pstrcat(*state, DOC "<head><title>", t,
                                     "</title>{<link title=", t, " alt='", t,
                                     "'></head><body>", t, "<p title=\"", t,
                                     "\">", t, "</p><!--", t, "--><script>'", t,
                                     "'</script>", t, "}</body></html>", NULL),
                         "placed"};

        assert_int_equal(check_places(&c, i, 1, *state), 0);
        check_cuts(&c, 1, *state);
    }
}

/* ISO-2022-JP: text between ESC $ B and ESC ( B is made of ASCII bytes, here
   those of "</body>".  Its pages are left alone, declared in whatever way. */
static void p30_escape_sequences_are_left_alone(void **state)
{
    static const char text[] = "\x1b$B</body>$\x1b(B";
    static const char *const metas[] = {
        "<meta charset=iso-2022-jp>", "<meta charset=\"ISO-2022-KR\">",
        "<meta http-equiv=content-type content='text/html; "
        "charset=iso-2022-jp'>"};
    size_t i;

    for (i = 0; i < sizeof(metas) / sizeof(*metas); i++) {
        scan_case_t c = {apr_pstrcat(*state, DOC "<head>", metas[i],
                                     "<link></head><body>", text,
                                     "</body></html>", NULL),
                         "charset"};
        assert_int_equal(check_places(&c, i, 0, *state), 0);
    }
}

/* Is the flag the same, however the page is cut in two? */
static void assert_base(const char *page, int leads_away)
{
    apr_size_t len = strlen(page), cut, used, at;
    sp_htmlscan_event_e event;
    sp_htmlscan_t scan;

    for (cut = 0; cut <= len; cut++) {
        int at_end = -1;

        sp_htmlscan_init(&scan, 1);
        for (at = 0; at < len && scan.why == SP_HTMLSCAN_GOING; at += used) {
            event = sp_htmlscan_feed(&scan, page + at,
                                     (at < cut ? cut : len) - at, &used);
            if (event == SP_HTMLSCAN_END) {
                at_end = scan.base_leads_away;
            }
        }
        if (at_end != leads_away ||
            sp_htmlscan_places(&scan).base_leads_away != leads_away) {
            fail_msg("%s: cut at %d: %d", page, (int)cut, at_end);
        }
    }
}

static void a_base_url_that_may_be_of_another_site_is_noted(void **state)
{
    static const struct {
        const char *base;
        int leads_away;
    } bases[] = {
        {"", 0},
        {"<base>", 0},
        {"<base target=_blank>", 0},
        {"<base href>", 0},
        {"<base href=''>", 0},
        {"<base href=\"/\">", 0},
        {"<base href=/app/>", 0},
        {"<BASE HREF='../a/'>", 0},
        {"<base data-href='//a.example/'>", 0},
        {"<!--<base href='//a.example/'>-->", 0},
        {"<script>'<base href=//a.example/>'</script>", 0},
        {"<basefont href='//a.example/'>", 0},
        {"<base href='//a.example/'>", 1},
        {"<base href='https://a.example/'>", 1},
        {"<base target=x href=HTTPS:a>", 1},
        {"<BASE HREF = \"/\\a.example\">", 1},
        {"<base href='/\n/a.example'>", 1},
        {"<base href=' //a.example'>", 1},
        {"<base href=&#47;/a.example/>", 1},
        {"<base href='/&#47;a.example/'>", 1},
        {"<base href='app/'>", 1},
        {"<base href=/ ><base href=//a.example/>", 1},
        {"<p><base href='//a.example/'>", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
        assert_base(apr_pstrcat(*state, DOC "<head>", bases[i].base,
                                "<link></head><body>x</body></html>", NULL),
                    bases[i].leads_away);
    }
}

static void what_a_scan_has_found_can_be_told_again(void **state)
{
    const char *text = DOC "<head><meta charset=x><link></head>x</body></html>";
    sp_htmlscan_t scan, again;
    sp_htmlscan_places_t places, same;
    apr_size_t used;

    sp_htmlscan_init(&scan, 0);
    assert_int_equal(sp_htmlscan_feed(&scan, text, strlen(text), &used),
                     SP_HTMLSCAN_START);
    assert_int_equal(sp_htmlscan_places(&scan).why, SP_HTMLSCAN_GOING);
    assert_int_equal(
        sp_htmlscan_feed(&scan, text + used, strlen(text) - used, &used),
        SP_HTMLSCAN_END);
    places = sp_htmlscan_places(&scan);
    assert_int_equal(places.start, strstr(text, "<link") - text + 1);
    assert_int_equal(places.end, strstr(text, "</body") - text + 1);
    assert_int_equal(places.why, SP_HTMLSCAN_PLACED);
    sp_htmlscan_init(&again, 0);
    sp_htmlscan_recall(&again, &places, strlen(text));
    same = sp_htmlscan_places(&again);
    assert_memory_equal(&same, &places, sizeof(same));
    assert_int_equal(sp_htmlscan_held(&again), 0);
    assert_int_equal(sp_htmlscan_feed(&again, "x", 1, &used), SP_HTMLSCAN_DONE);
    assert_false(sp_htmlscan_finish(&again));
}

static void a_charset_in_the_header_lets_the_start_script_go_first(void **state)
{
    const char *text = DOC "<head><link><meta charset=utf-8></head>x</body>";
    const char *why, *out = scan_page(&why, text, strlen(text), 0, 1, *state);

    assert_string_equal(out, DOC
                        "<head>{<link><meta charset=utf-8></head>x}</body>");
}

static void a_page_without_a_sign_of_html_is_given_up_soon(void **state)
{
    apr_size_t len = SP_HTMLSCAN_PATIENCE_BYTES + 100, used;
    char *text = apr_palloc(*state, len);
    sp_htmlscan_t scan;

    memset(text, ' ', len);
    sp_htmlscan_init(&scan, 0);
    assert_int_equal(sp_htmlscan_feed(&scan, text, len, &used),
                     SP_HTMLSCAN_DONE);
    assert_int_equal(used, SP_HTMLSCAN_PATIENCE_BYTES);
}

static void behind_the_prescan_a_charset_does_not_matter(void **state)
{
    const char *pad = apr_pstrcat(
        *state, "<!--", apr_psprintf(*state, "%1024s", ""), "-->", NULL);
    const char *text = apr_pstrcat(*state, DOC "<head>", pad,
                                   "<link><meta charset=x></head>", NULL);
    const char *why, *out = scan_page(&why, text, strlen(text), 0, 0, *state);

    assert_string_equal(out,
                        apr_pstrcat(*state, DOC "<head>", pad,
                                    "{<link><meta charset=x></head>}", NULL));
}

static void deep_svg_is_given_up_not_guessed(void **state)
{
    char *text = apr_pstrdup(*state, DOC "<p><svg>");
    const char *why;
    int i;

    for (i = 0; i < SP_HTMLSCAN_FOREIGN_MAX; i++) {
        text = apr_pstrcat(*state, text, "<g>", NULL);
    }
    (void)scan_page(&why, text, strlen(text), 0, 0, *state);
    assert_string_equal(why, "lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(p24_p26_p28_scripts_go_where_a_browser_sees_the_place),
        UNIT(p27_places_do_not_depend_on_how_the_page_is_cut),
        UNIT(p25_a_charset_is_not_pushed_out_of_the_prescan),
        UNIT(p25_around_the_limit_of_the_prescan),
        UNIT(p30_second_bytes_never_look_like_markup),
        UNIT(p30_escape_sequences_are_left_alone),
        UNIT(a_base_url_that_may_be_of_another_site_is_noted),
        UNIT(what_a_scan_has_found_can_be_told_again),
        UNIT(a_charset_in_the_header_lets_the_start_script_go_first),
        UNIT(a_page_without_a_sign_of_html_is_given_up_soon),
        UNIT(behind_the_prescan_a_charset_does_not_matter),
        UNIT(deep_svg_is_given_up_not_guessed),
    };

    return UNIT_RUN(tests);
}
