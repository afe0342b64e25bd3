/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts, in ES5, one statement a line; they keep these rules:
 *   - everything inside try; one global, __speedprobe, set by the start
 *     script; nothing in frames; no eval; no effect on layout or console
 *   - one message a page: 50 ms after load, or when the page is left or
 *     hidden before that; its answer is not looked at
 *   - nothing is sent for pages from a cache, from history, prerendered or
 *     loaded in a hidden tab: their numbers are not the link's
 *   - comparisons are written with ">" and "and" as "?:", because "<" and
 *     "&" would break pages that are XML
 * What the keys of the message mean is said in speed/sample.h.
 */
#include "speed/snippet.h"

#include <string.h>

#include <apr_strings.h>

#define OPEN "<script data-speedprobe=\"\""
#define CLOSE "</script>"

#define START "try{__speedprobe=+new Date}catch(e){}"

/* w window, d document, p performance, m the end mark, z sent or not to be;
   q the message, N adds a number to it; r the least round trip;
   V looks at one timing entry: notes its round trips and tells first byte,
   last byte and bytes, or nothing when it did not cross the network;
   g the page's entry; then over the other entries by first byte: b bytes,
   l ms in which one was arriving, k stretches of that, t their last end. */
#define END_HEAD                                                               \
    "(function(w,d){try{"                                                      \
    "var m=+new Date,z=w!=w.top||d.hidden,p=w.performance;"                    \
    "function S(){if(!z)try{z=1;"                                              \
    "var q='v=1',r=1e9,b=0,l=0,k=0,t=0,u=location.origin+'/',"                 \
    "N=function(n,v){q+='\\x26'+n+'='+Math.round(v)},"                         \
    "V=function(x){"                                                           \
    "[(x.secureConnectionStart||x.connectEnd)-x.connectStart,"                 \
    "x.responseStart-x.requestStart].map(function(v){if(v>0)if(r>v)r=v});"     \
    "return x.transferSize>x.encodedBodySize"                                  \
    "?[x.responseStart,x.responseEnd,x.encodedBodySize]:0},"                   \
    "g=p.getEntriesByType('navigation')[0],a;"                                 \
    "if(g){a=V(g);"                                                            \
    "if(!a||g.type=='back_forward'||g.activationStart>0)return;"               \
    "if(a[1]>a[0]){N('pb',a[2]);N('pd',a[1]-a[0])}"                            \
    "p.getEntriesByType('resource').filter(function(x){"                       \
    "return x.name.indexOf(u)?0"                                               \
    ":/^(img|link|css|script)$/.test(x.initiatorType)?V(x):0})"                \
    ".map(V).sort(function(x,y){return x[0]-y[0]}).map(function(x){"           \
    "b+=x[2];if(x[0]>t){k++;t=x[0]}if(x[1]>t){l+=x[1]-t;t=x[1]}});"            \
    "N('rb',b);N('rd',l);N('rn',k);N('rt',Math.ceil(r))}"                      \
    "else{N('mb',d.documentElement.outerHTML.length);"                         \
    "N('md',m-w.__speedprobe)}"                                                \
    "u=location.origin+'"
#define END_TAIL                                                               \
    "';(a=navigator).sendBeacon?a.sendBeacon(u,q)"                             \
    ":fetch(u,{method:'POST',body:q,keepalive:true}).catch(S)"                 \
    "}catch(e){}}"                                                             \
    "function T(){setTimeout(S,50)}"                                           \
    "w.addEventListener('load',T);"                                            \
    "w.addEventListener('pagehide',S);"                                        \
    "d.addEventListener('visibilitychange',function(){d.hidden?S():0})"        \
    "}catch(e){}})(window,document)"

#define FILLER_OPEN "<!--speedprobe "
#define FILLER_CLOSE "-->"
#define FILLER_FRAME (sizeof(FILLER_OPEN) - 1 + sizeof(FILLER_CLOSE) - 1)

static const char *script(apr_size_t *len, const char *nonce, const char *head,
                          const char *middle, const char *tail, apr_pool_t *p)
{
    const char *attr =
        nonce ? apr_pstrcat(p, " nonce=\"", nonce, "\"", NULL) : "";
    const char *text =
        apr_pstrcat(p, OPEN, attr, ">", head, middle, tail, CLOSE, NULL);

    *len = strlen(text);
    return text;
}

void sp_snippet_make(sp_snippet_t *out, const char *beacon, const char *nonce,
                     apr_pool_t *p)
{
    out->start = script(&out->start_len, nonce, START, "", "", p);
    out->end = script(&out->end_len, nonce, END_HEAD, beacon, END_TAIL, p);
}

/* All printable ASCII but space and - < > & " ' : 87 characters, 6.4 bit
   each, so a byte keeps 80 % of its size under any compression. */
static const char noise[] = "!#$%()*+,./0123456789:;=?@"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                            "abcdefghijklmnopqrstuvwxyz{|}~";

const char *sp_snippet_filler(apr_size_t *made, apr_size_t len, apr_pool_t *p)
{
    apr_uint32_t state = 0x9e3779b9u; /* any constant but 0 */
    apr_size_t i;
    char *text, *to;

    len = len < FILLER_FRAME ? FILLER_FRAME
                             : (len > SP_FILLER_MAX ? SP_FILLER_MAX : len);
    text = to = apr_palloc(p, len + 1);
    memcpy(to, FILLER_OPEN, sizeof(FILLER_OPEN) - 1);
    to += sizeof(FILLER_OPEN) - 1;
    for (i = len - FILLER_FRAME; i > 0; i--) {
        state ^= state << 13; /* Marsaglia's xorshift32 */
        state ^= state >> 17;
        state ^= state << 5;
        *to++ = noise[(state >> 8) % (sizeof(noise) - 1)];
    }
    memcpy(to, FILLER_CLOSE, sizeof(FILLER_CLOSE));
    *made = len;
    return text;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

int sp_snippet_is_path(const char *text)
{
    apr_size_t len = strlen(text);

    return len >= 2 && len <= SP_BEACON_PATH_MAX && text[0] == '/' &&
           strspn(text, LETTERS DIGITS "/._~-") == len &&
           text[len - 1] != '/' && !strstr(text, "//") && !strstr(text, "/.");
}

int sp_snippet_is_nonce(const char *text, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (!text[i] || !strchr(LETTERS DIGITS "+/=_-", text[i])) {
            return 0;
        }
    }
    return len > 0 && len <= SP_NONCE_MAX;
}
