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
    {DOC "<head><link><meta content=x http-equiv=content-security-policy>"
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
    {DOC "<head><template><p></template>{</head>}</body>", "placed"},
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
    {DOC "<head><noscript><p>x</noscript>{</head>}</body>", "placed"},
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
    /* where a charset may still come, the start script waits */
    {DOC "<head><link><script></script><meta charset=utf-8>{<link></head>"
         "<p>}</body>",
     "placed"},
    {DOC "<head><link><meta http-equiv=content-type content='text/html; "
         "Charset = utf-8'>{<link></head><p>}</body>",
     "placed"},
    {DOC "<head><link><style></style>{</head><p>}</body>", "placed"},
    /* cut off: nothing is appended */
    {DOC "{<p>x<b", "lost"},
    {DOC "{<p>x</body", "lost"},
    {DOC "{<p>x<!-- ", "lost"},
    {DOC "{<p><script>", "lost"},
    {DOC "{<p a='", "lost"},
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

static void places_do_not_depend_on_how_the_page_is_cut(void **state)
{
    size_t i, cut;
    const char *why;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *text = unmarked(cases[i].page, *state);
        const char *whole = scan_page(&why, text, strlen(text), 0, 0, *state);
        for (cut = 1; cut <= strlen(text) + 1; cut++) {
            const char *parts =
                scan_page(&why, text, strlen(text), cut, 0, *state);
            if (strcmp(parts, whole)) {
                fail_msg("case %zu cut at %zu:\n%s\nnot\n%s", i, cut, parts,
                         whole);
            }
        }
    }
}

static void scripts_go_where_a_browser_sees_the_place(void **state)
{
    size_t i, failed = 0;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const scan_case_t *c = &cases[i];
        const char *text = unmarked(c->page, *state), *why;
        const char *out = scan_page(&why, text, strlen(text), 0, 0, *state);
        if (strcmp(out, c->page) || strcmp(why, c->why)) {
            print_error("case %zu: %s: %s\n", i, why, out);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
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
        UNIT(scripts_go_where_a_browser_sees_the_place),
        UNIT(places_do_not_depend_on_how_the_page_is_cut),
        UNIT(a_charset_in_the_header_lets_the_start_script_go_first),
        UNIT(a_page_without_a_sign_of_html_is_given_up_soon),
        UNIT(behind_the_prescan_a_charset_does_not_matter),
        UNIT(deep_svg_is_given_up_not_guessed),
    };

    return UNIT_RUN(tests);
}
