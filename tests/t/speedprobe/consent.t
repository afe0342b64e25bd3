# SPDX-License-Identifier: Apache-2.0
# A visitor who has not agreed gets no cookie, no script, and no answer that
# follows a cookie; caches keep the two kinds of page apart.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use Page;
use Test::More;
use Watch;

client('consent');
my $html = '<!doctype html><html><head><meta charset=utf-8><title>T</title></head><body>page</body></html>';
page_file($_, $html) for qw(page.html other.html another.html);
my $good = 'v=1&rb=1251448&rd=100000&rn=1&rt=60';
my @yes  = (Cookie => 'cookies_ok=yes');
my @no   = (Cookie => 'cookies_ok=no');

sub beacon { return ask('POST', '/speedprobe-beacon', fresh($good), @_) }
sub cookie { return (($_[0]{headers}{'set-cookie'} // '') =~ /^(sp=[^;]*)/)[0] }

# ---- nothing before consent ----

for my $case (['none', []], ['refused', \@no], ['other cookies', [Cookie => 'a=b']],
    ['both', [Cookie => 'cookies_ok=yes; cookies_ok=no']])
{
    my ($name, $headers) = @$case;
    my $before = counters();
    my $res = get('/sp/page.html', @$headers);
    is($res->{content}, $html, "P21: consent $name: no script");
    is($res->{headers}{'set-cookie'}, undef, "P21: consent $name: no cookie");
    is($res->{headers}{vary}, 'Cookie', "P21: consent $name: Vary");
    like($res->{headers}{etag}, qr/^"/, "P21: consent $name: the page as it is");
    is_deeply(counted($before), { pages_left_consent => 1, consent_missing => 1 },
        "P21: consent $name: counted");
    $before = counters();
    my $said = beacon(@$headers);
    is("$said->{status} " . (cookie($said) // 'none'), '204 none',
        "P21: consent $name: a beacon is not used");
    is(counted($before)->{beacons_no_consent}, 1, "P21: consent $name: and counted");
}
my $probe  = '/speedprobe-beacon/probe?v=1&rt=20';
my @script = (SpeedProbe => 1); # as the probe's does
my $before = counters();
my $step   = get($probe, @script, @no);
is("$step->{status} " . ($step->{headers}{'set-cookie'} // 'none'), '204 none',
    'P21: no probe without consent');
is_deeply(counted($before), { probes_no_consent => 1, consent_missing => 1 },
    'P21: and counted');
is(get($probe, @script, @yes, 'Save-Data' => 'on')->{status}, 204, 'P22: no probe against the wish to save data');
is(get($probe, @script, @yes)->{status}, 200, 'one with consent');
my $page = get('/sp/page.html', @yes);
is(starts($page->{content}), 1, 'P21: consent given: a script');
is($page->{headers}{vary}, 'Cookie', 'P21: consent given: Vary');
my $cookie = cookie(beacon(@yes));
ok($cookie, 'P21: consent given: a cookie');
is(get('/sp/page.html', Cookie => "cookies_ok=yes; $cookie")->{headers}{'x-speed'},
    '101 low cookie', 'P21: which is read');
is(get('/sp/page.html', Cookie => $cookie)->{headers}{'x-speed'}, '(null) medium none',
    'P21: and not read any more without consent');
my $image = get('/photos/fig.jpg', Cookie => $cookie);
is("$image->{headers}{vary} " . why($image)->{src}, 'Accept,Cookie,Save-Data none',
    'P21: nor for an image');

# ---- other scopes ----

is(starts(get('/free/page.html')->{content}), 1, 'nobody is asked where it is none');
is(get('/free/page.html')->{headers}{vary}, undef, 'and nothing varies');
for my $case ([[], 1], [['Sec-GPC' => 1], 0], [[DNT => 1], 0], [[DNT => 0], 1],
    [['Sec-GPC' => 0], 1])
{
    my ($headers, $script) = @$case;
    my $res = get('/honor/page.html', @$headers);
    is(starts($res->{content}), $script, "P21: honoured: @$headers");
    is($res->{headers}{vary}, 'Sec-GPC,DNT', "P21: Vary: @$headers");
}
is(starts(get('/gpc/page.html', @yes)->{content}), 1, 'P21: consent, no objection');
is(starts(get('/gpc/page.html', @yes, 'Sec-GPC' => 1)->{content}), 0,
    'P21: an objection outweighs consent');
is(get('/gpc/page.html', @yes)->{headers}{vary}, 'Cookie,Sec-GPC', 'P21: both vary');

# ---- caches ----

my $marked = $page->{headers}{etag};
my $plain  = get('/sp/page.html')->{headers}{etag};
my $stem   = $plain =~ s/"$//r;
like($marked, qr{^W/\Q$stem\E-sp[0-9a-f]{6}"$}, 'a page with scripts has an ETag of its own');
my $kept = get('/sp/page.html', @yes, 'If-None-Match' => $marked);
is("$kept->{status} $kept->{headers}{vary} $kept->{headers}{etag}", "304 Cookie $marked",
    'by which it is confirmed');
my @date = ('If-Modified-Since' => $page->{headers}{'last-modified'});
for my $where ('/sp', '/cached') {
    get("$where/page.html", @$_) for \@yes, \@no;    # a cache has both
    for my $case (['its ETag', 'If-None-Match' => $marked],
        ['ETag and date', 'If-None-Match' => $marked, @date])
    {
        my ($name, @headers) = @$case;
        my $res = get("$where/page.html", @no, @headers);
        is("$res->{status} " . starts($res->{content}), '200 0',
            "P21: $where: consent withdrawn: a page with scripts is not confirmed by $name");
        is(get("$where/page.html", @yes, @headers)->{status}, 304,
            "$where: with consent it is, by $name");
    }
    is(get("$where/page.html", @no, 'If-None-Match' => $plain)->{status}, 304,
        "$where: the page as it is, is");
}
like(get('/cached/page.html', @yes, 'If-None-Match' => $marked)->{headers}{'x-cache'}, qr/^HIT/,
    'from the cache itself');
is(get('/free/page.html')->{headers}{etag}, $marked, 'also where nobody is asked');
is(get('/sp/page.html', @no, 'If-None-Match' => "W/$plain")->{status}, 304,
    'the page as it is, weakened by somebody, is confirmed');
is(get('/sp/page.html', @yes, 'If-None-Match' => "W/$plain")->{headers}{etag}, $plain,
    'and stays what it is with consent');

# A page without ETag: its date would confirm both.
is(get('/dated/page.html', @yes)->{headers}{'last-modified'}, undef,
    'a page with scripts and no ETag has no date');
ok(get('/dated/page.html', @no)->{headers}{'last-modified'}, 'the page as it is has');

for my $file (qw(another other)) {
    my @order = $file eq 'another' ? (\@no, \@yes) : (\@yes, \@no);
    for my $headers (@order, @order) {
        my $res = get("/cached/$file.html", @$headers);
        is(starts($res->{content}), $headers == \@yes ? 1 : 0,
            "P21: from a shared cache: @$headers, $res->{headers}{'x-cache'}");
    }
}
like(get('/cached/other.html', @yes)->{headers}{'x-cache'}, qr/^HIT/, 'which does keep pages');

# ---- no cookie at all ----

client('nocookie');
is(get('/sp/page.html')->{content}, $html, 'P21: SpeedProbeCookie Off: no script');
is(cookie(beacon()), undef, 'P21: SpeedProbeCookie Off: no cookie');
is(get('/sp/page.html', Cookie => $cookie)->{headers}{'x-speed'}, '(null) medium none',
    'P21: SpeedProbeCookie Off: none is read');

watch_end();
done_testing();
