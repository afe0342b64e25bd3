# SPDX-License-Identifier: Apache-2.0
# What a browser says of itself: hints where nothing is measured, and the wish
# for few bytes.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use Page;
use Test::More;
use Watch;

client('hints');
page_file('page.html', '<!doctype html><html><head></head><body>page</body></html>');
my @public = ('X-Client' => '203.0.113.7');

sub speed { return get('/sp/page.html', @_)->{headers}{'x-speed'} }

my @cases = (
    ['nothing said',  [], '(null) medium none (null)'],
    ['Downlink',      [Downlink => '0.15', RTT => 300, ECT => '3g'], '150 low hint (null)'],
    ['10 is the cap', [Downlink => 10, ECT => '4g'], '2000 broad hint (null)'],
    ['a constant, private', [Downlink => '1.35', RTT => 100], '2000 broad hint (null)'],
    ['a constant, public', [@public, Downlink => '1.35', RTT => 100], '1350 medium hint (null)'],
    ['2g',            [ECT => '2g', Downlink => 10], '150 low hint (null)'],
    ['no number',     [Downlink => 'fast'], '(null) medium none (null)'],
    ['1e308',         [Downlink => '1e308'], '(null) medium none (null)'],
    ['Save-Data',     ['Save-Data' => 'on'], '(null) medium none 1'],
    ['Save-Data off', ['Save-Data' => 'off'], '(null) medium none (null)'],
);
for my $case (@cases) {
    my ($name, $headers, $speed) = @$case;
    is(speed(@$headers), $speed, "hints: $name");
}
my $before = counters();
speed(Downlink => '0.15', 'Save-Data' => 'on');
is_deeply(counted($before), { hints_used => 1, save_data => 1, pages_injected => 1 },
    'counted once a request');

# A measurement goes before a hint.
my $said = ask('POST', '/speedprobe-beacon', fresh('v=1&rb=1251448&rd=100000&rn=1&rt=60'));
my ($cookie) = $said->{headers}{'set-cookie'} =~ /^(sp=[^;]*)/;
is(speed(Cookie => $cookie, Downlink => 10), '101 low cookie (null)', 'a cookie goes before');
is(get('/nohints/sp/page.html', Downlink => '0.15')->{headers}{'x-speed'},
    '(null) medium none (null)', 'Off: not looked at');
is(get('/consent/sp/page.html', Downlink => '0.15')->{headers}{'x-speed'},
    '(null) medium none (null)', 'without consent: not looked at');

# Browsers are asked on pages only, over TLS only.
my $asked = 'Downlink, RTT, ECT';
is(get('/sp/page.html')->{headers}{'accept-ch'}, $asked, 'a page asks');
is(get('/photos/fig.jpg')->{headers}{'accept-ch'}, undef, 'an image does not');
is(get('/nohints/sp/page.html')->{headers}{'accept-ch'}, undef, 'Off: nobody asks');
is(get('/consent/sp/page.html')->{headers}{'accept-ch'}, undef, 'without consent: nobody asks');
my $agreed = get('/consent/sp/page.html', Cookie => 'cookies_ok=1');
is($agreed->{headers}{'accept-ch'}, $asked, 'with consent: a page asks');
is($agreed->{headers}{vary}, 'Cookie', 'and varies');

# Save-Data: the lowest tier; the estimate stays; Vary where it matters.
my $photo = 'photos/fig.jpg';
my @vary  = (
    ['/fast', [], 'broad 20000 assume', 'Save-Data'],
    ['/fast', ['Save-Data' => 'on'], 'low 20000 assume save-data', 'Accept,Save-Data'],
    ['/slow', [], 'low 100 assume', 'Accept'],
    ['/slow', ['Save-Data' => 'on'], 'low 100 assume', 'Accept'],
    ['', [], 'medium 0 none', 'Accept,Cookie,Save-Data,Downlink,RTT,ECT'],
    ['', ['Save-Data' => 'on'], 'low 0 none save-data',
        'Accept,Cookie,Save-Data,Downlink,RTT,ECT'],
    ['', [Downlink => '0.15'], 'low 150 hint', 'Accept,Cookie,Downlink,RTT,ECT'],
    ['/nohints', [], 'medium 0 none', 'Accept,Cookie,Save-Data'],
    ['', [Cookie => $cookie], 'low 101 cookie', 'Accept,Cookie'],
    ['/off', ['Save-Data' => 'on'], 'medium 0 none', 'Accept'],
);
for my $case (@vary) {
    my ($where, $headers, $shown, $vary) = @$case;
    my $res = get("$where/$photo", @$headers);
    my $why = why($res);
    my $got = "$why->{tier} $why->{kbps} $why->{src}";
    $got .= ' save-data' if ($why->{'save-data'} // '') eq '?1';
    is($got, $shown, "P22: $where: @$headers");
    is($res->{headers}{vary}, $vary, "P22: $where: @$headers: Vary");
    like($res->{headers}{'cache-control'}, qr/^private/, "P22: $where: @$headers: private");
}

watch_end();
done_testing();
