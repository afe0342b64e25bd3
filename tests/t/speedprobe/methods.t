# SPDX-License-Identifier: Apache-2.0
# How pages measure: what each method puts into a page, and what policies make
# of it; the external script; pages that pause.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use Page;
use Test::More;
use Watch;

client('methods');
my $page = "<!doctype html>\n<html><head>\n<meta charset=utf-8>\n<title>T</title>\n<link rel=x href=y>\n"
  . "</head>\n<body>\n<p>Hello</p>\n</body>\n</html>\n";
page_file('m.html', $page);
my $big = $page =~ s{<p>Hello}{'<p>' . ('Hello, ' x 5000)}er;
page_file('big.html', $big);
my $script_url = '/speedprobe-beacon.js';

sub body { return get(@_)->{content} }

# ---- what goes into a page ----
my $external = qr{</p>\n<script data-speedprobe="" src="\Q$script_url\E" async=""></script></body>};
my $got = body('/external/m.html');
like($got, $external, 'external: one tag, at the end');
is(less_ours($got), $page, 'external: nothing else changed');
like(body('/extnonce/m.html'),
    qr{<script data-speedprobe="" nonce="R4nd0m" src="\Q$script_url\E" async=""></script></body>},
    'P23: external: strict-dynamic gets the nonce');
$got = body('/extinline/m.html');
is(externals($got) . starts($got) . ends($got), '011', 'P23: external, but only inline is allowed');
like(body('/probe/m.html'),
    qr{<script data-speedprobe="probe" src="\Q$script_url\E" async=""></script></body>},
    'probe: always external');
$got = body('/probeinline/m.html');
is(externals($got) . starts($got) . ends($got), '011', 'P23: probe, but only inline is allowed');
is(body("/$_/m.html"), $page, "P23: left alone: $_") for qw(sandbox hashes trusted connect);
for my $path (qw(sp external extnonce probe)) {
    my $grown = length(body("/$path/m.html")) - length $page;
    cmp_ok($grown, '<=', 1400, "P31: $path: at most 1.4 kB in a page");
}

# ---- pages whose base URL is another site's ----
my $base = $page =~ s{<title>}{<base href="https://cdn.example/"><title>}r;
page_file('base.html', $base);
page_file('ownbase.html', my $own = $page =~ s{<title>}{<base href="/app/"><title>}r);
for my $path (qw(external probe)) {
    my $before = counters();
    $got = body("/$path/base.html");
    is(externals($got) . starts($got) . ends($got), '001', "$path: another base: the inline script instead");
    is(less_ours($got), $base, "$path: another base: nothing else changed");
    is_deeply(counted($before), { pages_injected => 1 }, "$path: another base: counted");
    $got = body("/$path/ownbase.html");
    is(externals($got) . starts($got) . ends($got), '100', "$path: a base of this site");
    is(less_ours($got), $own, "$path: a base of this site: nothing else changed");
}
my $before = counters();
is(body('/paddingself/base.html'), $base, 'P23: another base, no inline script allowed: none at all');
is_deeply(counted($before), { pages_left_base => 1 }, 'P23: counted');
$got = body('/sp/base.html');
is(externals($got) . starts($got) . ends($got), '011', 'inline scripts care for no base');

# ---- padding ----
my $res = get('/padding/m.html');
$got = $res->{content};
my $inline = qr{<script data-speedprobe="">[^<]*</script>};
ok($got =~ m{</p>\n$inline<!--speedprobe [^-]*-->$inline</body>}, 'padding: filler between two scripts');
my ($filler) = $got =~ /(<!--speedprobe .*?-->)/s;
is(length $filler, 14336, 'padding: at most 14 KiB of it');
is(starts($got) . ends($got) . fillers($got), '111', 'padding: each once');
is(less_ours($got), $page, 'padding: nothing else changed');
is(body('/padding/m.html'), $got, 'padding: always the same bytes');
($filler) = body('/padded4k/m.html') =~ /(<!--speedprobe .*?-->)/s;
is(length($filler), 4096 - index($page, '</body>'), 'padding: up to the size that was asked for');
$got = body('/padding/big.html');
is(starts($got) . ends($got) . fillers($got), '110', 'padding: a long page needs none');
is(less_ours($got), $big, 'padding: nothing else changed there either');
my $saved = get('/padding/m.html', 'Save-Data' => 'on');
is(fillers($saved->{content}), 0, 'P22: Save-Data: no filler');
is(starts($saved->{content}) . ends($saved->{content}), '11', 'P22: but the scripts');
like($_->{headers}{vary} // '', qr/Save-Data/, 'P22: padding: the answer varies') for $res, $saved;
my $same = get('/padding/m.html', 'If-None-Match' => $res->{headers}{etag});
is($same->{status}, 304, 'padding: it revalidates');
like($same->{headers}{vary} // '', qr/Save-Data/, 'P22: padding: so does the 304');
unlike(get('/sp/m.html')->{headers}{vary} // '', qr/Save-Data/, 'P22: other pages do not');
$got = body('/paddingself/m.html');
is(externals($got) . starts($got) . ends($got) . fillers($got), '1000',
    'P23: padding: no inline script, no filler');

# ---- caches ----
my $first  = get('/cached/m.html', 'X-Client' => '198.51.100.1');
my $second = get('/cached/m.html', 'X-Client' => '203.0.113.99');
like($second->{headers}{'x-cache'}, qr/^HIT/, 'P10: from the cache');
is($second->{content}, $first->{content}, 'P10: with the same bytes for everybody');
is(starts($second->{content}) . ends($second->{content}), '11', 'P10: and with the scripts');

# ---- the external script ----
$res = get($script_url);
is($res->{status}, 200, 'the script is there');
like($res->{headers}{'content-type'}, qr{^text/javascript}, 'as JavaScript');
is($res->{headers}{'cache-control'}, 'public, max-age=86400', 'to be kept for a day');
is($res->{headers}{'x-content-type-options'}, 'nosniff', 'and as nothing else');
is($res->{headers}{'set-cookie'}, undef, 'without a cookie');
is(get($script_url, 'X-Client' => '203.0.113.5')->{content}, $res->{content}, 'the same for everybody');
like($res->{content}, qr{o\+'/speedprobe-beacon'}, 'it knows the beacon');
$same = get($script_url, 'If-None-Match' => $res->{headers}{etag});
is($same->{status}, 304, 'it revalidates');
is(head($script_url)->{status}, 200, 'HEAD');
is(ask('POST', $script_url, 'x')->{status}, 405, 'POST is refused');

# ---- pages that pause ----
sub cgi {
    my ($name, $script) = @_;
    page_file($name, "#!/bin/sh\nhead='Content-Type: text/html\\r\\n\\r\\n'\n$script", 0755);
    return;
}
my $half = q{printf '<!doctype html><html><head><title>T</title></head><body>'};
cgi('once.cgi', "printf \"\$head\"; $half; sleep 1; printf '<p>x</p></body></html>'\n");
cgi('often.cgi', "printf \"\$head\"; $half\n"
      . "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; printf '<p>x</p>'; done\n"
      . "printf '</body></html>'\n");
cgi('late.cgi', "sleep 1; printf \"\$head\"; $half; printf '<p>x</p></body></html>'\n");

sub cookie_for {
    my ($client, $since_ms, $page_ms) = @_;
    $page_ms //= 2000;
    my $res = ask('POST', '/speedprobe-beacon', fresh("v=1&pb=20000&pd=$page_ms&rt=5&pe=$since_ms"),
        'X-Client' => $client);
    return ($res->{headers}{'set-cookie'} // '') =~ /^sp=/ ? 'cookie' : 'none';
}
my %expected = (once => 'none', often => 'none', late => 'cookie');
my $number = 10;
for my $name (sort keys %expected) {
    my $client = '198.51.100.' . $number++;
    my $got = body("/sp/$name.cgi", 'X-Client' => $client);
    is(ends($got), 1, "P3: $name: the page is measured");
    is(cookie_for($client, 20), $expected{$name}, "P3: $name: its time counts or not");
    is(cookie_for($client, 60000), 'cookie', "P3: $name: that of another page does");
    is(cookie_for('198.51.100.99', 20), 'cookie', "P3: $name: that of another client too");
    my $both = ask('POST', '/speedprobe-beacon',
        'v=1&pb=20000&pd=2000&rb=900000&rd=1000&rn=1&rt=5&pe=20', 'X-Client' => $client);
    ok($both->{headers}{'set-cookie'}, "P3: $name: so does the rest of it");
}
# A page that was on its way for much longer than the server was at it.
my $slow = '198.51.100.50';
body('/sp/once.cgi', 'X-Client' => $slow);
sleep 3;
is(cookie_for($slow, 20, 60000), 'none', 'P3: its time does not count when it arrived later, either');
is(cookie_for($slow, 20, 100), 'cookie', 'P3: that of a page that began later does');

watch_end();
done_testing();
