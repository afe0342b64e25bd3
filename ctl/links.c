/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     <img src srcset>  <source src srcset>  <link rel=icon|preload href
 *     imagesrcset>  <input type=image src>  <video poster>     pictures
 *     <a href>, <area href>                                    pages
 *     <base href>                                              of all that is
 *                                                              relative
 *
 * The tree is walked without recursion: pages nest as deep as they like.
 */
#include "links.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include <libxml/HTMLparser.h>
#include <libxml/uri.h>

typedef struct {
    ctl_links_t *links;
    const char *base;
    apr_pool_t *p;
} reading_t;

static const char *attribute(xmlNodePtr node, const char *name, apr_pool_t *p)
{
    xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
    const char *copy = value != NULL ? apr_pstrdup(p, (char *)value) : NULL;

    xmlFree(value);
    return copy;
}

/* A word of a list between blanks or commas, "nofollow" in "a, nofollow". */
static int has_word(const char *list, const char *word)
{
    size_t length = strlen(word);

    while (list != NULL && *list != '\0') {
        size_t span = strcspn(list, " \t\r\n,");

        if (span == length && strncasecmp(list, word, length) == 0) {
            return 1;
        }
        list += span;
        list += strspn(list, " \t\r\n,");
    }
    return 0;
}

/* A name, or an address of IPv6; libxml2 takes more than that. */
static int is_host(const char *host)
{
    size_t length = strlen(host);

    if (host[0] == '[') {
        return length > 3 &&
               strspn(host + 1, "0123456789abcdefABCDEF:.") + 2 == length &&
               host[length - 1] == ']';
    }
    return length > 0 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-_") == length;
}

static const char *lower_host(const char *host, apr_pool_t *p)
{
    char *lower = apr_pstrdup(p, host);

    for (char *c = lower; *c != '\0'; c++) {
        *c = apr_tolower(*c);
    }
    return lower;
}

static const char *port_of(const xmlURI *uri, int is_tls, apr_pool_t *p)
{
    if (uri->port <= 0 || uri->port == (is_tls ? 443 : 80)) {
        return "";
    }
    return apr_psprintf(p, ":%d", uri->port);
}

const char *ctl_links_normal(const char *url, apr_pool_t *p)
{
    xmlURIPtr uri = xmlParseURIRaw(url, 1);
    const char *normal = NULL;

    if (uri != NULL && uri->scheme != NULL && uri->server != NULL &&
        uri->user == NULL && is_host(uri->server) &&
        (strcasecmp(uri->scheme, "http") == 0 ||
         strcasecmp(uri->scheme, "https") == 0)) {
        int is_tls = strcasecmp(uri->scheme, "https") == 0;

        normal = apr_pstrcat(
            p, is_tls ? "https://" : "http://", lower_host(uri->server, p),
            port_of(uri, is_tls, p),
            uri->path != NULL && uri->path[0] != '\0' ? uri->path : "/",
            uri->query_raw != NULL ? "?" : "",
            uri->query_raw != NULL ? uri->query_raw : "", NULL);
    }
    xmlFreeURI(uri);
    return normal;
}

const char *ctl_links_origin(const char *url, apr_pool_t *p)
{
    const char *host = strstr(url, "://");

    if (host == NULL) {
        return "";
    }
    host += 3;
    return apr_pstrmemdup(p, url,
                          (apr_size_t)(host - url) + strcspn(host, "/?#"));
}

/* Browsers take blanks and other bytes in a URL; RFC 3986 does not. */
static const char *escaped(const char *url, apr_pool_t *p)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = apr_palloc(p, 3 * strlen(url) + 1);
    char *at = out;

    for (; *url != '\0'; url++) {
        unsigned char c = (unsigned char)*url;

        if (c == '\t' || c == '\n' || c == '\r') {
            continue;
        }
        if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL) {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
        else {
            *at++ = (char)c;
        }
    }
    *at = '\0';
    return out;
}

static void add(const reading_t *reading, apr_array_header_t *list,
                const char *link)
{
    xmlChar *absolute;
    const char *normal = NULL;

    if (link == NULL || list->nelts >= CTL_LINKS_MAX ||
        strncasecmp(link, "data:", 5) == 0) {
        return;
    }
    link += strspn(link, " \t\r\n\f");
    absolute = xmlBuildURI(
        (const xmlChar *)escaped(apr_pstrmemdup(reading->p, link, strlen(link)),
                                 reading->p),
        (const xmlChar *)reading->base);
    if (absolute != NULL) {
        normal = ctl_links_normal((const char *)absolute, reading->p);
    }
    xmlFree(absolute);
    if (normal != NULL) {
        APR_ARRAY_PUSH(list, const char *) = normal;
    }
}

/* "a.jpg 1x, b.jpg 2x": a URL up to a blank, but for commas at its end. */
static void add_srcset(const reading_t *reading, const char *srcset)
{
    static const char blank[] = " \t\r\n\f";

    while (srcset != NULL && *srcset != '\0') {
        size_t length;
        int commas = 0;

        srcset += strspn(srcset, " \t\r\n\f,");
        length = strcspn(srcset, blank);
        while (length > 0 && srcset[length - 1] == ',') {
            length--;
            commas++;
        }
        if (length > 0) {
            add(reading, reading->links->pictures,
                apr_pstrmemdup(reading->p, srcset, length));
        }
        srcset += length + (size_t)commas;
        if (commas == 0) {
            srcset += strcspn(srcset, ",");
        }
    }
}

static void read_link(const reading_t *reading, xmlNodePtr node)
{
    const char *rel = attribute(node, "rel", reading->p);
    const char *as = attribute(node, "as", reading->p);

    if (has_word(rel, "icon") || has_word(rel, "apple-touch-icon") ||
        (has_word(rel, "preload") && has_word(as, "image"))) {
        add(reading, reading->links->pictures,
            attribute(node, "href", reading->p));
        add_srcset(reading, attribute(node, "imagesrcset", reading->p));
    }
}

static void read_element(reading_t *reading, xmlNodePtr node)
{
    const char *name = (const char *)node->name;
    ctl_links_t *links = reading->links;
    apr_pool_t *p = reading->p;

    if (strcmp(name, "img") == 0 || strcmp(name, "source") == 0) {
        add(reading, links->pictures, attribute(node, "src", p));
        add_srcset(reading, attribute(node, "srcset", p));
    }
    else if (strcmp(name, "a") == 0 || strcmp(name, "area") == 0) {
        if (!has_word(attribute(node, "rel", p), "nofollow")) {
            add(reading, links->pages, attribute(node, "href", p));
        }
    }
    else if (strcmp(name, "link") == 0) {
        read_link(reading, node);
    }
    else if (strcmp(name, "input") == 0) {
        if (has_word(attribute(node, "type", p), "image")) {
            add(reading, links->pictures, attribute(node, "src", p));
        }
    }
    else if (strcmp(name, "video") == 0) {
        add(reading, links->pictures, attribute(node, "poster", p));
    }
    else if (strcmp(name, "meta") == 0) {
        const char *of = attribute(node, "name", p);
        const char *says = attribute(node, "content", p);

        links->nofollow |=
            has_word(of, "robots") &&
            (has_word(says, "nofollow") || has_word(says, "none"));
    }
}

static xmlNodePtr next_of(xmlNodePtr node)
{
    if (node->children != NULL && node->type == XML_ELEMENT_NODE) {
        return node->children;
    }
    while (node != NULL && node->next == NULL) {
        node = node->parent;
    }
    return node != NULL ? node->next : NULL;
}

/* The first one counts, also for what stands before it. */
static void find_base(reading_t *reading, xmlNodePtr node)
{
    for (; node != NULL; node = next_of(node)) {
        if (node->type == XML_ELEMENT_NODE &&
            strcmp((const char *)node->name, "base") == 0) {
            const char *href = attribute(node, "href", reading->p);
            xmlChar *absolute =
                href != NULL
                    ? xmlBuildURI((const xmlChar *)escaped(href, reading->p),
                                  (const xmlChar *)reading->base)
                    : NULL;

            if (absolute != NULL) {
                reading->base = apr_pstrdup(reading->p, (char *)absolute);
                xmlFree(absolute);
                return;
            }
        }
    }
}

int ctl_links_find(ctl_links_t *links, const char *html, apr_size_t bytes,
                   const char *url, apr_pool_t *p)
{
    reading_t reading = {.links = links, .base = url, .p = p};
    htmlDocPtr doc;

    links->pictures = apr_array_make(p, 16, sizeof(const char *));
    links->pages = apr_array_make(p, 16, sizeof(const char *));
    links->nofollow = 0;
    if (bytes > APR_INT32_MAX) {
        return 0;
    }
    doc = htmlReadMemory(html, (int)bytes, url, NULL,
                         HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
                             HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    if (doc == NULL) {
        return 0;
    }
    find_base(&reading, xmlDocGetRootElement(doc));
    for (xmlNodePtr node = xmlDocGetRootElement(doc); node != NULL;
         node = next_of(node)) {
        if (node->type == XML_ELEMENT_NODE) {
            read_element(&reading, node);
        }
    }
    xmlFreeDoc(doc);
    return 1;
}
