/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripts, in ES5, one statement a line; they keep these rules:
 *   - everything inside try; one global, __speedprobe, set by the start
 *     script; nothing in frames; no eval; no effect on layout or console
 *   - one message a page: 50 ms after load, or when the page is left or
 *     hidden before that; its answer is not looked at
 *   - nothing is sent for pages from a cache, from history, prefetched,
 *     prerendered or loaded in a hidden tab: their numbers are not the link's
 *   - in those that stand in a page comparisons are written with ">" and
 *     "and" as "?:", because "<" and "&" would break pages that are XML
 * What the keys of the message mean is said in speed/sample.h.
 */
#include "speed/snippet.h"

#include <string.h>

#include <apr_strings.h>

#define OPEN "<script data-speedprobe=\""
#define CLOSE "</script>"

#define START "try{__speedprobe=+new Date}catch(e){}"

/* d document, m the end mark, z sent or not to be, p performance, o our
   origin, u the beacon, r the least round trip, c a step of the clock; f, where
   there is filler, its length: the node ahead of this script.
   S sends: q the message; N adds a number to it, and is there for the next; a
   round trip above DS_RTT_MAX_MS would not be believed and is sent as 0, none;
   V looks at one timing entry: notes its round trips and tells first byte,
   last byte and bytes, or nothing when it did not cross the network;
   g the page's entry, a what it tells; without sizes (Safari before 16.4) that
   is only whether the page comes out of the history; then over the other
   entries by first byte: b bytes, l ms in which one was arriving, k stretches
   of that, t their last end.
   A page that is shown can but become hidden, also by being left. */
#define HEAD                                                                   \
    "(function(d){try{"                                                        \
    "var m=+new Date,z=self!=top||d.hidden,p=performance,r=1e9,c,"
#define HEAD_FILLED "f=d.currentScript.previousSibling.length,"
#define HEAD_PATH "o=location.origin,u=o+'"
#define BODY                                                                   \
    "';"                                                                       \
    "function S(){if(!z)try{z=1;"                                              \
    "var q='v=1',b=0,l=0,k=3e4,t=p.now(),"                                     \
    "N=function(n,v){q+='\\x26'+n+'='+Math.ceil(v);return N},"                 \
    "V=function(x){"                                                           \
    "[(x.secureConnectionStart||x.connectEnd)-x.connectStart,"                 \
    "x.responseStart-x.requestStart].map(function(v){v>0?r>v?r=v:0:0});"       \
    "return x.deliveryType||x.workerStart||x.encodedBodySize>=x.transferSize"  \
    "?0:[x.responseStart,x.responseEnd,x.encodedBodySize]},"                   \
    "g=p.getEntriesByType('navigation')[0],a;"                                 \
    "while(k)(c=p.now()-t)?k=0:k--;"                                           \
    "t=0;"
#define BODY_FILLED "N('fb',f)('fd',m-__speedprobe);"
#define BODY_END                                                               \
    "a=g?'c'>g.type||g.activationStart>0?0:V(g):1;"                            \
    "if(!a)return;"                                                            \
    "if(a[2]){"                                                                \
    "if(a[1]>a[0])N('pb',a[2])('pd',a[1]-a[0]);"                               \
    "p.getEntriesByType('resource').filter(function(x){"                       \
    "return/img|link|css|script/.test(x.name.indexOf(o+'/')?0"                 \
    ":x.initiatorType)?V(x):0})"                                               \
    ".map(V).sort(function(x,y){return x[0]-y[0]}).map(function(x){"           \
    "b+=x[2];if(x[0]>t)k++,t=x[0];if(x[1]>t)l+=x[1]-t,t=x[1]});"               \
    "N('rb',b)('rd',l)('rn',k)('rt',r>6e4?0:r)"                                \
    "('ck',c||99)('pe',p.now()-a[1])}"                                         \
    "else N('mb',d.body.innerHTML.length)('md',m-__speedprobe);"               \
    "(a=navigator).sendBeacon?a.sendBeacon(u,q)"                               \
    ":fetch(u,{method:'POST',body:q,keepalive:1}).catch(S)"                    \
    "}catch(e){}}"                                                             \
    "addEventListener('load',function(){setTimeout(S,50)});"                   \
    "d.addEventListener('visibilitychange',S)"
#define TAIL "}catch(e){}})(document)"

/*
 * The ladder of the probe, in the external script only.
 * h the document was hidden, so what is measured may be throttled;
 * E ends a ladder with its report, L asks for the next step of it, with a
 * header that no other site can send; what the server answers other than 200
 * is the end; M makes numbers of one step:
 *
 *     e   [ms, bytes so far] of each piece
 *     W   length of a window, ms; a round trip at least
 *     B   last piece at the ends of the windows
 *     C   bytes there, as if pieces came evenly
 *     f   the mean of two windows grew by less than a quarter three times, and
 *         not again: the line is full (the rule of BBR's start)
 *     l   it fell to less than half of y, its most, less the first window: that
 *         holds what an idle queue lets through at once.  Something was lost
 *         then, and what came behind it comes at once, faster than any line
 *     i   where the stretch to the end begins: behind the first window; on a
 *         full line there where it is fastest, but at least three windows and
 *         a third of the time
 */
#define PROBE                                                                  \
    ";var h=z,"                                                                \
    "E=function(q){q.indexOf('nt=')>0&&navigator.sendBeacon(u,q)},"            \
    "M=function(e,n){"                                                         \
    "var Z=e.length-1,s=e[0],x=e[Z],D=x[0]-s[0],W=Math.max(40,r>6e4?0:r),"     \
    "K=Math.floor(D/W),B=[],C=[],i,j=0,v,f=0,g=0,a=0,b=0,l=0,y=0;"             \
    "for(i=0;i<=K;i++){v=s[0]+i*W;while(j<Z&&e[j+1][0]<=v)j++;"                \
    "B[i]=e[j];C[i]=e[j][1]+(j<Z?(e[j+1][1]-e[j][1])*(v-e[j][0])"              \
    "/(e[j+1][0]-e[j][0]):0)}"                                                 \
    "for(i=0;i+2<=K;i++){v=C[i+2]-C[i];"                                       \
    "l=l||v<y/2;if(i&&v>y)y=v;v<g*1.25?f++:(g=v,f=0)}"                         \
    "f=f>2&&!l?1:0;"                                                           \
    "for(i=0;i<=K;i++){j=x[0]-B[i][0];v=(x[1]-B[i][1])/j;"                     \
    "if((i==(K<4?0:1)||f&&i>1&&j>=3*W&&j>=D/3)&&v>a){a=v;b=x[1]-B[i][1];y=j}}" \
    "return 'v=1&nb='+b+'&nd='+Math.ceil(y)+'&np='+f"                          \
    "+'&rt='+Math.ceil(r>6e4?0:r)+'&ck='+Math.ceil(c||99)+'&nt='+n},"          \
    "L=function(q){var b=p.now();"                                             \
    "fetch(u+'/probe?'+q,{cache:'no-store',headers:{SpeedProbe:1}})"           \
    ".then(function(x){"                                                       \
    "var e=[],n=0,k=x.headers.get('SpeedProbe'),i,"                            \
    "J=function(v){"                                                           \
    "if(v){if(v.done)return k=M(e,k),h?0:k.indexOf('np=1')>0?E(k):L(k);"       \
    "n+=v.value.length;e.push([p.now(),n])}"                                   \
    "return i.read().then(J)};"                                                \
    "if(x.status!=200||!k)return E(q);"                                        \
    "r=Math.min(r,Math.max(p.now()-b,1));i=x.body.getReader();"                \
    "return J()}).catch(function(){})};"                                       \
    "if(!z&&self.ReadableStream&&"                                             \
    "d.currentScript.getAttribute('data-speedprobe')=='probe'){"               \
    "d.addEventListener('visibilitychange',function(){h=1});"                  \
    "addEventListener('load',function(){setTimeout(function(){"                \
    "(self.requestIdleCallback||setTimeout)(function(){try{"                   \
    "var n=navigator.connection;"                                              \
    "h||n&&n.saveData||L('v=1'+(r<=6e4?'&rt='+Math.ceil(r):''))"               \
    "}catch(e){}})},500)})}"

#define FILLER_OPEN "<!--speedprobe "
#define FILLER_CLOSE "-->"
#define FILLER_FRAME (sizeof(FILLER_OPEN) - 1 + sizeof(FILLER_CLOSE) - 1)

static sp_text_t text_of(const char *text)
{
    sp_text_t out = {text, strlen(text)};

    return out;
}

static const char *nonce_attribute(const char *nonce, apr_pool_t *p)
{
    return nonce ? apr_pstrcat(p, " nonce=\"", nonce, "\"", NULL) : "";
}

static void make_inline(sp_snippet_t *out, int filled, const char *beacon,
                        const char *nonce, apr_pool_t *p)
{
    const char *attr = nonce_attribute(nonce, p);

    out->start =
        text_of(apr_pstrcat(p, OPEN "\"", attr, ">" START CLOSE, NULL));
    out->end = text_of(apr_pstrcat(
        p, OPEN "\"", attr, ">" HEAD, filled ? HEAD_FILLED : "", HEAD_PATH,
        beacon, BODY, filled ? BODY_FILLED : "", BODY_END TAIL CLOSE, NULL));
}

void sp_snippet_make(sp_snippet_t *out, sp_snippet_e kind, const char *beacon,
                     const char *nonce, apr_pool_t *p)
{
    memset(out, 0, sizeof(*out));
    if (kind == SP_SNIPPET_INLINE || kind == SP_SNIPPET_FILLED) {
        make_inline(out, kind == SP_SNIPPET_FILLED, beacon, nonce, p);
        return;
    }
    out->end = text_of(
        apr_pstrcat(p, OPEN, kind == SP_SNIPPET_PROBE ? "probe\"" : "\"",
                    nonce_attribute(nonce, p), " src=\"", beacon,
                    SP_SCRIPT_SUFFIX "\" async=\"\">" CLOSE, NULL));
}

sp_text_t sp_snippet_file(const char *beacon, apr_pool_t *p)
{
    return text_of(apr_pstrcat(p, HEAD HEAD_PATH, beacon,
                               BODY BODY_END PROBE TAIL "\n", NULL));
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
