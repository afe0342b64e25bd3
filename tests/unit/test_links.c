/* SPDX-License-Identifier: Apache-2.0 */
/* What pages link to. */
#include "unit.h"

#include <stdlib.h>

#include <apr_strings.h>

#include "links.h"

static const char *joined(const apr_array_header_t *list, apr_pool_t *p)
{
    return apr_array_pstrcat(p, list, ' ');
}

static void links_are_found_where_they_are(void **state)
{
    static const struct {
        const char *html;
        const char *pictures;
        const char *pages;
    } table[] = {
        {"<img src=a.jpg>", "http://a.example/d/a.jpg", ""},
        {"<IMG SRC='/a b.jpg'>", "http://a.example/a%20b.jpg", ""},
        {"<img src='//b.example/a.jpg'>", "http://b.example/a.jpg", ""},
        {"<img src='data:image/png;base64,x'>", "", ""},
        {"<img srcset='a.jpg 1x, b,c.jpg 2x,d.jpg'>",
         "http://a.example/d/a.jpg http://a.example/d/b,c.jpg "
         "http://a.example/d/d.jpg",
         ""},
        {"<img srcset='a.jpg, b.jpg'>",
         "http://a.example/d/a.jpg http://a.example/d/b.jpg", ""},
        {"<picture><source srcset='s.avif'><img src=s.jpg></picture>",
         "http://a.example/d/s.avif http://a.example/d/s.jpg", ""},
        {"<link rel='shortcut icon' href=/f.png>", "http://a.example/f.png",
         ""},
        {"<link rel=preload as=image href=p.jpg imagesrcset='q.jpg 2x'>",
         "http://a.example/d/p.jpg http://a.example/d/q.jpg", ""},
        {"<link rel=stylesheet href=s.css>", "", ""},
        {"<a href='x.html#y'>x</a>", "", "http://a.example/d/x.html"},
        {"<a href='?q=1&amp;r=2'>x</a>", "",
         "http://a.example/d/index.html?q=1&r=2"},
        {"<a rel=nofollow href=x>x</a>", "", ""},
        {"<a href='javascript:x()'>x</a><a href='mailto:x@a'>y</a>", "", ""},
        {"<area href=x>", "", "http://a.example/d/x"},
        {"<base href='/e/'><img src=a.jpg>", "http://a.example/e/a.jpg", ""},
        {"<input type=image src=i.png>", "http://a.example/d/i.png", ""},
        {"<video poster=v.jpg></video>", "http://a.example/d/v.jpg", ""},
        {"<!-- <img src=c.jpg> -->", "", ""},
        {"<script>'<img src=c.jpg>'</script>", "", ""},
        {"<p><div><img src=a.jpg", "http://a.example/d/a.jpg", ""},
        {"", "", ""},
        {"\xff\xfe\x00<", "", ""},
    };
    apr_pool_t *p = *state;
    ctl_links_t links;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ctl_links_find(&links, table[i].html, strlen(table[i].html),
                       "http://a.example/d/index.html", p);
        assert_string_equal(joined(links.pictures, p), table[i].pictures);
        assert_string_equal(joined(links.pages, p), table[i].pages);
    }
}

static void a_page_may_ask_not_to_be_followed(void **state)
{
    static const struct {
        const char *html;
        int nofollow;
    } table[] = {
        {"<meta name=robots content='noindex, NoFollow'>", 1},
        {"<meta name=ROBOTS content=none>", 1},
        {"<meta name=robots content=noindex>", 0},
        {"<meta name=description content=nofollow>", 0},
    };
    ctl_links_t links;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ctl_links_find(&links, table[i].html, strlen(table[i].html),
                       "http://a.example/", *state);
        assert_int_equal(links.nofollow, table[i].nofollow);
    }
}

static void one_url_has_one_form(void **state)
{
    static const struct {
        const char *url;
        const char *normal;
    } table[] = {
        {"HTTP://A.Example:80", "http://a.example/"},
        {"https://a.example:443/x#y", "https://a.example/x"},
        {"http://a.example:8080/x?", "http://a.example:8080/x?"},
        {"http://a.example/%41?b=%20", "http://a.example/%41?b=%20"},
        {"http://user@a.example/", NULL},
        {"ftp://a.example/", NULL},
        {"/x", NULL},
        {"", NULL},
    };
    apr_pool_t *p = *state;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *normal = ctl_links_normal(table[i].url, p);

        if (table[i].normal == NULL) {
            assert_null(normal);
        }
        else {
            assert_non_null(normal);
            assert_string_equal(normal, table[i].normal);
        }
    }
    assert_string_equal(ctl_links_origin("http://a.example:81/x/y", p),
                        "http://a.example:81");
}

static void a_page_of_a_million_links_or_levels_is_bounded(void **state)
{
    apr_pool_t *p = *state;
    ctl_links_t links;
    size_t bytes = 20000 * 13;
    char *html = apr_palloc(p, bytes + 1);

    for (size_t i = 0; i < bytes; i += 13) {
        memcpy(html + i, "<a href='x'>.", 13);
    }
    ctl_links_find(&links, html, bytes, "http://a.example/", p);
    assert_int_equal(links.pages->nelts, CTL_LINKS_MAX);
    for (size_t i = 0; i < bytes; i += 5) {
        memcpy(html + i, "<div>", 5);
    }
    ctl_links_find(&links, html, bytes, "http://a.example/", p);
    assert_int_equal(links.pages->nelts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(links_are_found_where_they_are),
        UNIT(a_page_may_ask_not_to_be_followed),
        UNIT(one_url_has_one_form),
        UNIT(a_page_of_a_million_links_or_levels_is_bounded),
    };

    return UNIT_RUN(tests);
}
