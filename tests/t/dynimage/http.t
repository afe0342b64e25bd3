# SPDX-License-Identifier: Apache-2.0
# Renditions under HTTP's rules: HEAD, validators, ranges, caches.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use Test::More;
use Watch;

client('tiers');
my ($photo) = map { m{(photos/[^/]+)$} } glob site_file('photos/*.jpg');
my $full = get("/low/$photo");
my $etag = $full->{headers}{etag};
like($etag, qr/^"di-[0-9a-f]{32}"$/, 'a strong entity tag');
isnt($etag, get("/medium/$photo")->{headers}{etag}, 'each tier has its own');
isnt($etag, get("/broad/$photo")->{headers}{etag}, 'the original another');
ok(!$full->{headers}{'last-modified'}, 'no date that two tiers would share');

my $head = head("/low/$photo");
is($head->{status}, 200, 'HEAD');
is($head->{content} // '', '', 'HEAD has no body');
for my $name (qw(content-length content-type etag vary cache-control accept-ranges)) {
    is($head->{headers}{$name}, $full->{headers}{$name}, "HEAD = GET: $name");
}

for my $case (
    ['If-None-Match', $etag,        304],
    ['If-None-Match', "W/$etag",    304],
    ['If-None-Match', "\"x\", $etag", 304],
    ['If-None-Match', '*',          304],
    ['If-None-Match', '"other"',    200],
    ['If-None-Match', get("/broad/$photo")->{headers}{etag}, 200],
    ['If-Match',      $etag,        200],
    ['If-Match',      '"other"',    412],
    ['If-Modified-Since', 'Sat, 01 Jan 2050 00:00:00 GMT', 200],
  )
{
    my ($name, $value, $status) = @$case;
    my $res = get("/low/$photo", $name => $value);
    is($res->{status}, $status, "$name: $value");
    next unless $status == 304;
    is($res->{headers}{etag}, $etag, '304 names the entity tag');
    is($res->{headers}{'cache-control'}, $full->{headers}{'cache-control'},
        '304 is private too');
    is($res->{content} // '', '', '304 has no body');
}

my $size = length $full->{content};
for my $case (
    ['bytes=0-9', 0, 10], ['bytes=10-', 10, $size - 10], ['bytes=-7', $size - 7, 7],
    ['bytes=100-100', 100, 1], ["bytes=5-$size", 5, $size - 5])
{
    my ($range, $from, $length) = @$case;
    my $res = get("/low/$photo", Range => $range);
    is($res->{status}, 206, $range);
    ok($res->{content} eq substr($full->{content}, $from, $length),
        "$range: the right bytes");
    is($res->{headers}{'content-range'},
        sprintf('bytes %d-%d/%d', $from, $from + $length - 1, $size),
        "$range: Content-Range");
}
is(get("/low/$photo", Range => "bytes=$size-")->{status}, 416, 'past the end');
my $multi = get("/low/$photo", Range => 'bytes=0-1,5-9');
is($multi->{status}, 206, 'two ranges');
like($multi->{headers}{'content-type'}, qr{^multipart/byteranges}, 'in parts');
is(get("/low/$photo", Range => 'bytes=0-9', 'If-Range' => $etag)->{status}, 206,
    'If-Range with the tag');
my $old = get("/broad/$photo")->{headers};
for my $validator ($old->{etag}, $old->{'last-modified'}) {
    my $res = get("/low/$photo", Range => 'bytes=0-9', 'If-Range' => $validator);
    is($res->{status}, 200, 'If-Range of another tier gives no range');
    is(length $res->{content}, $size, 'but all of this one');
}

is(why(get("/low/$photo", 'Cache-Control' => 'no-transform'))->{reason},
    'no-transform', 'a request may forbid another picture');
is(ask('POST', "/low/$photo", 'x')->{headers}{dynimage}, undef,
    'POST is not ours');

# mod_cache files an answer after it was sent, so the next may come too early.
sub is_hit {
    my ($path) = @_;
    for (1 .. 50) {
        return 1 if (get($path)->{headers}{'x-cache'} // '') =~ /^HIT/;
        select undef, undef, undef, 0.1;
    }
    return 0;
}

client('caching');
for my $case (
    ['/public',  'private, max-age=31536000'],
    ['/always',  'private, max-age=5'],
    ['/expires', 'private, max-age=7200'],
    ['/fixed',   'private, max-age=600'],
    ['/day',     'private, max-age=86400'],
    ['/nostore', 'private, no-store'],
    ['',         'private, max-age=600'])
{
    my ($where, $value) = @$case;
    my $res = get("$where/$photo");
    is($res->{headers}{'cache-control'}, $value, "Cache-Control of $where");
    is($res->{headers}{expires}, undef, "$where: no Expires beside it");
    my $vary = $where eq '/fixed' ? 'Accept' : 'Accept,Cookie,Save-Data';
    is($res->{headers}{vary}, $vary, "Vary of $where");
}

# A shared cache on the same server keeps nothing of it.  It does keep a style
# sheet that has not changed for a month.
utime time - 30 * 86400, time - 30 * 86400, site_file('site.css');
for (1 .. 3) {
    my $res = get("/cached/$photo");
    like($res->{headers}{'x-cache'}, qr/^MISS/, 'an image is never from it');
    select undef, undef, undef, 0.2;
}
ok(is_hit('/cached/site.css'), 'a style sheet is');

# Two clients behind a cache that keeps what is public: a page comes from it,
# an image never.
client('behind');
my %cookie;
for my $kbps (100, 20000) {
    my $ms = 80_000_000 / $kbps;
    my $said = ask('POST', '/speedprobe-beacon', "v=1&rb=10000000&rd=$ms&rt=5");
    ($cookie{$kbps}) = $said->{headers}{'set-cookie'} =~ /^(sp=[^;]+)/;
}
for my $turn (1, 2) {
    for my $case ([100, 'low'], [20000, 'broad']) {
        my ($kbps, $tier) = @$case;
        my $res = get("/$photo", Cookie => $cookie{$kbps});
        is(why($res)->{tier}, $tier, "turn $turn: $kbps kbit/s gets $tier");
        like($res->{headers}{'x-cache'} // '', qr/^(?!HIT)/, 'not from the cache');
        is($res->{headers}{'cache-control'}, 'private, max-age=3600', 'private');
    }
}
ok(is_hit('/site.css'), 'the cache does work');

watch_end();
done_testing();
