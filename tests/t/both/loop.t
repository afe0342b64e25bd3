# SPDX-License-Identifier: Apache-2.0
# The whole loop without a browser: page -> beacon -> cookie -> tier.
use strict;
use warnings;
use lib 'lib';

use Client;
use Test::More;
use Watch;

client('both');
my ($photo) = map { m{/(photos/[^/]+)$} }
  sort { -s $b <=> -s $a } glob site_file('photos/*.jpg');

my $page = get('/index.html');
my @scripts = $page->{content} =~ /<script data-speedprobe[^>]*>/g;
is(scalar @scripts, 2, 'the page has a start and an end script');
my ($beacon) = $page->{content} =~ m{location\.origin,u=o\+'(/[^']+)'};
is($beacon, '/speedprobe-beacon', 'which names the beacon');
is($page->{headers}{'set-cookie'}, undef, 'a page sets no cookie');

is(why(get("/$photo"))->{tier}, 'medium', 'an unknown client gets medium');

# What browsers on such links would say: bytes over milliseconds.
my %say = (
    100   => 'v=1&pb=126448&pd=10000&rt=50',
    1000  => 'v=1&pb=15000&pd=119&rb=251448&rd=2000&rn=1&rt=30',
    20000 => 'v=1&rb=5001448&rd=2000&rn=1&rt=20',
);
my %tier = (100 => 'low', 1000 => 'medium', 20000 => 'broad');
my %bytes;
for my $kbps (sort { $a <=> $b } keys %say) {
    my $said = ask('POST', $beacon, $say{$kbps},
        'Content-Type' => 'text/plain;charset=UTF-8',
        'Sec-Fetch-Site' => 'same-origin');
    is($said->{status}, 204, "$kbps: the beacon is taken");
    my ($cookie) = ($said->{headers}{'set-cookie'} // '') =~ /^(sp=[^;]+)/;
    ok($cookie, "$kbps: a cookie comes back");
    for my $turn (1, 2) {
        my $res = get("/$photo", Cookie => $cookie);
        my $why = why($res);
        is($why->{tier}, $tier{$kbps}, "$kbps: tier");
        is($why->{src}, 'cookie', "$kbps: source");
        cmp_ok(abs($why->{kbps} - $kbps), '<=', 0.05 * $kbps,
            "$kbps: read as $why->{kbps}");
        $bytes{$kbps} = length $res->{content};
        is($why->{cache}, $kbps == 20000 ? 'none' : 'disk', "$kbps: a hit")
          if $turn == 2;
    }
}
cmp_ok($bytes{100}, '<', $bytes{1000}, 'low is smaller than medium');
cmp_ok($bytes{1000}, '<', $bytes{20000}, 'medium is smaller than broad');
is($bytes{20000}, -s site_file($photo), 'broad is the original');

watch_end();
done_testing();
