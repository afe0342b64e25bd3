# SPDX-License-Identifier: Apache-2.0
# link: tun down=2000 up=2000 delay=25 queue=64
#
# The origin thinks, the line waits: that is not the line's speed.
use strict;
use warnings;

use Lab;
use Test::More;

my $truth = truth_kbps(2000);
my %pause = (
    '1 s before the first byte'   => '/slow/first?1000&200000',
    '1 s within the page'         => '/slow/middle?1000&200000&1',
    '10 x 100 ms within the page' => '/slow/middle?100&200000&10',
);

for my $name (sort keys %pause) {
    my $visitor = visitor();
    my $client = $visitor->connect;
    my $answer = $client->get($pause{$name});
    cmp_ok($answer->{bytes}, '>=', 199_000, "P3: $name: the page came");
    at_most($client->get('/1k.bin')->{speed}, $truth, 0.3,
        "P3: $name: within 30 %, or nothing");
    $client->close;
    my $known = $visitor->speed;
    at_most($known, $truth, 0.3, "P3: $name: the same on another connection");
    isnt($known->{band}, 'low', "P3: $name: no lower tier for it");
}

done_testing;
