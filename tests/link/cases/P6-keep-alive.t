# SPDX-License-Identifier: Apache-2.0
# link: down=2000 up=2000 delay=25 queue=64
#
# One connection, many answers: idle time between them is nobody's speed.
use strict;
use warnings;

use Lab;
use Test::More;

my $truth = truth_kbps(2000);

my $visitor = visitor();
my $client = $visitor->connect;
for my $round (1, 2) {
    $client->get('/100k.bin');
    sleep 1;
    at_most($client->get('/1k.bin')->{speed}, $truth, 0.25,
        "P6: round $round, idle for a second: within 25 %");
    sleep 1;
}
$client->close;

$visitor = visitor();
$client = $visitor->connect;
$client->ask('/100k.bin') for 1 .. 3;
is($client->answer->{status}, 200, "P6: pipelined answer $_") for 1 .. 3;
at_most($client->get('/1k.bin')->{speed}, $truth, 0.25,
    'P6: three pipelined requests: within 25 %');
$client->close;
at_most($visitor->speed, $truth, 0.25, 'P6: the same on another connection');

$visitor = visitor();
for (1 .. 2) {
    $client = $visitor->connect;
    $client->ask('/1m.bin');
    $client->abort_after(60_000);
}
my $known = $visitor->speed;
at_most($known, $truth, 0.25, 'P6: aborted answers: within 25 %, or nothing');
isnt($known->{band}, 'low', 'P6: aborted answers: no lower tier');

$visitor->fetch('/256k.bin');
near($visitor->speed, $truth, 0.15, 'P6: a whole one afterwards: within 15 %');
is(scalar(grep { /exit signal|child died/ } log_lines('error.log')), 0,
    'P6: no process died');

done_testing;
