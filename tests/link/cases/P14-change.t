# SPDX-License-Identifier: Apache-2.0
# link: down=20000 up=20000 delay=25 queue=128
#
# The line changes between two visits; and once only for one delivery.
use strict;
use warnings;

use Lab;
use Test::More;

my $visitor = visitor();
$visitor->fetch('/1m.bin');
is($visitor->speed->{band}, 'broad', 'P14: at 20 Mbit/s broad');

set_link(down => 1000, up => 1000, queue => 64);
my $deliveries = 0;
my $known;
while ($deliveries < 2) {
    $visitor->fetch('/256k.bin');
    $deliveries++;
    $known = $visitor->speed;
    last if $known->{band} eq 'medium';
}
is($known->{band}, 'medium', 'P14: at 1 Mbit/s medium after two deliveries')
  or diag(Lab::shown($known));
note("after $deliveries");
near($known, truth_kbps(1000), 0.5, 'P14: and the value has followed');

# One delivery five times as fast, from a steady visitor.
$visitor = visitor();
$visitor->fetch('/256k.bin') for 1 .. 3;
is($visitor->speed->{band}, 'medium', 'P14: steady at 1 Mbit/s: medium');
set_link(down => 5000, up => 5000);
$visitor->fetch('/512k.bin');
set_link(down => 1000, up => 1000);
$known = $visitor->speed;
is($known->{band}, 'medium', 'P14: one outlier of 5 x changes no tier')
  or diag(Lab::shown($known));

done_testing;
