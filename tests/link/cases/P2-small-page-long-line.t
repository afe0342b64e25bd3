# SPDX-License-Identifier: Apache-2.0
# link: tun down=20000 up=20000 delay=150 queue=750
#
# 20 kB over 20 Mbit/s and 300 ms are two round trips and say little.
use strict;
use warnings;

use Lab;
use Test::More;

for my $path ('/20k.bin', '/1k.bin') {
    my $visitor = visitor();
    my $client = $visitor->connect;
    $client->get($path);
    my $known = $client->get('/1k.bin')->{speed};
    ok(!$known->{kbps} || $known->{bound},
        "P2: $path: no value, or a lower bound")
      or diag(Lab::shown($known));
    isnt($known->{band}, 'low', "P2: $path: no lower tier for it");
    $client->close;
    at_most($visitor->speed, truth_kbps(20000), 0,
        "P2: $path: nor afterwards, on another connection");
}

# Nor does it lower what is known already.
my $visitor = visitor();
$visitor->fetch('/4m.bin');
is($visitor->speed->{band}, 'broad', 'P2: after 4 MB the line is broad');
$visitor->fetch('/20k.bin') for 1 .. 3;
is($visitor->speed->{band}, 'broad', 'P2: and after three small pages still');

done_testing;
