# SPDX-License-Identifier: Apache-2.0
# What the filter does to a page: its own nodes in the right places, every
# other byte as it was, headers that are true.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
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
my $strong = get('/off/page.html')->{headers}{etag};
for my $case ([$weak, $weak], ["\"other\", $weak", $weak], [$strong, $strong],
    ['*', $strong], ["W/$strong", $strong], ["W/$strong, $weak", $weak]) {
    my $same = get('/sp/page.html', 'If-None-Match' => $case->[0]);
    is($same->{status}, 304, "$case->[0] revalidates");
    is($same->{headers}{etag}, $case->[1], 'and is told the ETag it asked with');
}
is(get('/sp/page.html', 'If-Modified-Since' => $res->{headers}{'last-modified'})
      ->{status}, 304, 'so does the date');

is(get('/off/page.html', 'If-None-Match' => $strong)->{headers}{etag}, $strong,
    'where the module is off, a 304 is as it was');
# A page with scripts is not confirmed where it would come otherwise.
for my $case (['/off'], ['/method'], ['/fill'], ['/sp', 'X-Requested-With' => 'XMLHttpRequest'],
    ['/sp', 'Sec-Fetch-Dest' => 'empty']) {
    my ($path, @headers) = @$case;
    my $other = get("$path/page.html", 'If-None-Match' => $weak, @headers);
    is($other->{status}, 200, "$path @headers: a page with other scripts, or none, comes anew");
}
is(get('/sp/page.html', 'If-None-Match' => $weak =~ s/-sp[^"]*/-sp000000/r)->{status}, 200,
    'so does one with scripts of another version');
my $dated = get('/sp/page.html', 'If-Modified-Since' => $res->{headers}{'last-modified'});
is("$dated->{status} $dated->{headers}{etag}", "304 $weak", 'asked by date, it has the ETag that 200 has');

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
    'lost.html'   => '<!doctype html><html><head><title>T</title><template>',
    'page.svg'    => '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'page.xhtml'  => '<html xmlns="http://www.w3.org/1999/xhtml"><body></body></html>',
    'cut.html'    => " \n\n",
);
my %why = ('amp.html' => 'amp', 'csp.html' => 'own_policy', 'frames.html' => 'frameset',
    'lost.html' => 'lost', 'page.svg' => 'type', 'page.xhtml' => 'type');
for my $name (sort keys %other) {
    page_file($name, $other{$name});
    my $before = counters();
    is(get("/sp/$name")->{content}, $other{$name}, "not a page: $name");
    my $why = $why{$name} // 'fragment';
    is_deeply(counted($before), { "pages_left_$why" => 1 }, "$name: counted");
}
my $before = counters();
head('/sp/page.html');
is_deeply(counted($before), { pages_injected => 1 }, 'HEAD counts as what GET would get');

# Filler above the usual, and the wish for few bytes.
for my $case ([4000], [1000, 'Save-Data' => 'on']) {
    my ($size, @headers) = @$case;
    my $filled = get('/fill/page.html', @headers);
    my ($filler) = $filled->{content} =~ /(<!--speedprobe .*?-->)/s;
    is(length($filler), $size - index($page, '</body>'), "P22: @headers: filled up to $size");
    is($filled->{headers}{vary}, 'Save-Data', "P22: @headers: the answer varies");
    my $same = get('/fill/page.html', @headers, 'If-None-Match' => $filled->{headers}{etag});
    is("$same->{status} $same->{headers}{vary}", '304 Save-Data', "P22: @headers: so does the 304");
}

# Where the speed is fixed nobody is measured.
client('assumed');
$before = counters();
is(get('/sp/page.html')->{content}, $page, 'SpeedProbeAssume: no script');
is(ask('POST', '/speedprobe-beacon', fresh('v=1&rb=1251448&rd=100000&rn=1&rt=60'))
      ->{headers}{'set-cookie'}, undef, 'SpeedProbeAssume: no cookie');
is_deeply(counted($before), { beacons_no_consent => 1 }, 'SpeedProbeAssume: counted');

watch_end();
done_testing();
