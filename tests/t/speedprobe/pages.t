# SPDX-License-Identifier: Apache-2.0
# What the filter does to a page: its own nodes in the right places, every
# other byte as it was, headers that are true.
use strict;
use warnings;
use lib 'lib';

use Client;
use Page;
use Test::More;
use Watch;

client('pages');
my $page = "<!doctype html>\n<html><head>\n<meta charset=utf-8>\n<title>T</title>"
  . "\n<link rel=x href=y>\n</head>\n<body>\n<p>Hello</p>\n</body>\n</html>\n";
page_file('page.html', $page);

my $res = get('/sp/page.html');
is($res->{status}, 200, 'the page is there');
is(starts($res->{content}), 1, 'with one start script');
is(ends($res->{content}), 1, 'and one end script');
is(less_ours($res->{content}), $page, 'less our nodes it is what it was');
like($res->{content}, qr{</title>\n<script data-speedprobe=""[^>]*>[^<]*</script><link},
    'start: behind meta and title, ahead of what loads');
like($res->{content}, qr{</p>\n<script data-speedprobe=""[^>]*>[^<]*</script></body>},
    'end: ahead of </body>');
like($res->{headers}{etag}, qr{^W/"}, 'the ETag is weak');
ok($res->{headers}{'last-modified'}, 'Last-Modified stays');
is($res->{headers}{'accept-ranges'}, undef, 'no ranges are offered');
is($res->{headers}{'set-cookie'}, undef, 'no cookie is set');
is($res->{headers}{'content-length'}, length $res->{content}, 'its length is right');

my $head = head('/sp/page.html');
is($head->{status}, 200, 'HEAD');
is($head->{headers}{'content-length'}, length $res->{content}, 'HEAD tells its length');
is($head->{headers}{etag}, $res->{headers}{etag}, 'HEAD has the same ETag');
my $weak = $res->{headers}{etag};
my $strong = $weak =~ s{^W/}{}r;
for my $case ([$weak, $weak], ["\"other\", $weak", $weak], [$strong, $strong],
    ['*', $strong]) {
    my $same = get('/sp/page.html', 'If-None-Match' => $case->[0]);
    is($same->{status}, 304, "$case->[0] revalidates");
    is($same->{headers}{etag}, $case->[1], 'and is told the ETag it asked with');
}
is(get('/sp/page.html', 'If-Modified-Since' => $res->{headers}{'last-modified'})
      ->{status}, 304, 'so does the date');

is(get('/off/page.html', 'If-None-Match' => $weak)->{headers}{etag}, $strong,
    'where the module is off, a 304 is as it was');

my @zipped = ('/deflate/page.html', 'Accept-Encoding' => 'gzip');
is(head(@zipped)->{headers}{$_}, get(@zipped)->{headers}{$_}, "HEAD, compressed: $_")
  for qw(content-length content-encoding etag);

my $filled = get('/fill/page.html')->{content};
is(fillers($filled), 1, 'a short page is filled');
like($filled, qr{-->(?=<script data-speedprobe)}, 'ahead of the end script');
my ($scripts) = map { length } join '', $filled =~ /(<script data-speedprobe.*?<\/script>)/g;
cmp_ok(length($filled) - $scripts, '>=', 4000, 'up to the size that was asked for');
is(get('/fill/page.html')->{content}, $filled, 'always with the same bytes');
is(less_ours($filled), $page, 'and nothing else changed');

# Left alone, by path and by request header.
for my $path (qw(off method utf16 notransform attachment cspalways)) {
    my $got = get("/$path/page.html");
    is($got->{content}, $page, "left alone: $path");
    like($got->{headers}{etag}, qr{^"}, "$path: the ETag stays strong");
}
for my $case (['X-Requested-With' => 'XMLHttpRequest'], ['Sec-Fetch-Dest' => 'empty'],
    ['Sec-Fetch-Dest' => 'image'], ['Sec-Fetch-Dest' => 'iframe']) {
    is(get('/sp/page.html', @$case)->{content}, $page, "left alone: @$case");
}
for my $case (['Sec-Fetch-Dest' => 'document'], ['Sec-Purpose' => 'prefetch']) {
    is(ends(get('/sp/page.html', @$case)->{content}), 1, "measured: @$case");
}
my $part = get('/sp/page.html', Range => 'bytes=0-9');
is($part->{status}, 206, 'a range is a range');
is($part->{content}, substr($page, 0, 10), 'of the original');
my $missing = get('/sp/nosuch.html');
is($missing->{status}, 404, 'an error document');
is($missing->{content}, $page, 'is left alone');
is(ask('POST', '/sp/page.html', 'x')->{status}, 200, 'POST to a page');
is(ask('POST', '/sp/page.html', 'x')->{content}, $page, 'is left alone');

# Policies that allow.
for my $path (qw(csp cspreport)) {
    my $got = get("/$path/page.html")->{content};
    is(externals($got), 1, "P23: $path: no inline script, but one from here");
    is(starts($got) + ends($got), 0, "P23: $path: none inline");
    is(less_ours($got), $page, "P23: $path: nothing else changed");
}
like(get('/nonce/page.html')->{content},
    qr{<script data-speedprobe="" nonce="R4nd0m">.*<script data-speedprobe="" nonce="R4nd0m">}s,
    'a nonce is reused');
is(ends(get('/inline/page.html')->{content}), 1, 'unsafe-inline is enough');

# Not pages, whatever they are called.
my %other = (
    'json.html'     => '{"a":"<html><body></body></html>"}',
    'fragment.html' => '<div>part</div><p></body>',
    'text.html'     => 'just text',
    'empty.html'    => '',
    'amp.html'      => '<!doctype html><html amp><head></head><body></body></html>',
    'csp.html' => '<!doctype html><html><head><meta http-equiv="Content-Security-Policy"'
      . ' content="script-src \'self\'"><link></head><body></body></html>',
    'frames.html' => '<html><frameset><frame src=a></frameset></html>',
    'page.svg'    => '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'page.xhtml'  => '<html xmlns="http://www.w3.org/1999/xhtml"><body></body></html>',
    'cut.html'    => " \n\n",
);
for my $name (sort keys %other) {
    page_file($name, $other{$name});
    is(get("/sp/$name")->{content}, $other{$name}, "not a page: $name");
}

watch_end();
done_testing();
