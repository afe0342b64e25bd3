# SPDX-License-Identifier: Apache-2.0
# link: down=5000 up=5000 delay=20 queue=128
#
# Six connections share the line; each alone would say a sixth.
use strict;
use warnings;

use Lab;
use Test::More;

my $truth = truth_kbps(5000);
my $visitor = visitor();

# All six are open before the first asks, as a browser has them.
my @told = at_once(map {
        sub {
            my $client = $visitor->connect;
            $client->get('/1k.bin');
            select undef, undef, undef, 0.5;
            $client->get('/512k.bin');
            my $known = $client->get('/1k.bin')->{speed};
            return "kbps=$known->{kbps} bound=$known->{bound}\n";
        }
    } 1 .. 6);
is(scalar(@told), 6, 'P8: six connections carried their file');

my $known = $visitor->speed;
note(@told, Lab::shown($known));
ok($known->{kbps} && abs($known->{kbps} / $truth - 1) <= 0.25,
    'P8: together: within 25 %')
  or diag(sprintf 'truth %.0f, seen %s', $truth, Lab::shown($known));
is($known->{band}, 'broad', 'P8: the band is that of the line');

my @low = grep { !/^kbps=0 / && /bound=0/ && /kbps=(\d+)/ && $1 < 0.7 * $truth }
  @told;
is(scalar(@low), 0, 'P8: no single one was taken for the line')
  or diag(@low);

done_testing;
