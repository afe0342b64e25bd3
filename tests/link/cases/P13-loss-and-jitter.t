# SPDX-License-Identifier: Apache-2.0
# link: tun down=5000 up=5000 delay=30 queue=64 loss=10000 jitter=10
#
# 1 % lost, 10 ms of jitter: a stall, then a burst.
use strict;
use warnings;

use Lab;
use Test::More;

my $truth = truth_kbps(5000);
my (@ratio, @point);
for (1 .. 7) {
    my $visitor = visitor();
    $visitor->fetch('/1m.bin');
    my $known = $visitor->speed;
    push @ratio, $known->{kbps} / $truth;
    push @point, $ratio[-1] if $known->{kbps} && !$known->{bound};
    note(Lab::shown($known));
}
cmp_ok(scalar(@point), '>=', 4, 'P13: most of seven deliveries give a value');
my $off = @point ? median(map { abs($_ - 1) } @point) : 9;
cmp_ok($off, '<=', 0.2, 'P13: the median error is at most 20 %');
is(scalar(grep { $_ > 1.5 } @ratio), 0, 'P13: none is above 1.5 x the truth');

done_testing;
