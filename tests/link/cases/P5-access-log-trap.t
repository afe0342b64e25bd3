# SPDX-License-Identifier: Apache-2.0
# link: down=256 up=256 delay=50 queue=32
#
# The kernel takes 20 kB at once; at 256 kbit/s they need most of a second.
use strict;
use warnings;

use Lab;
use Test::More;

my $truth = truth_kbps(256);
my $visitor = visitor();
my $client = $visitor->connect;
$client->get('/20k.bin');
my $known = $client->get('/1k.bin')->{speed};
cmp_ok($known->{kbps}, '>', 0, 'P5: the line is known after 20 kB');
cmp_ok($known->{kbps}, '<', 300, 'P5: and not from the time of the write');
$client->close;

my $again = $visitor->speed;
cmp_ok($again->{kbps}, '<', 300, 'P5: nor on another connection');
at_most($again, $truth, 0.25, 'P5: a value is within 25 %');

my ($line) = await_log('"GET /20k.bin', 1);
my ($bytes, $us, $note) = ($line // '') =~ / (\d+) (\d+) (\S+)$/;
ok(defined $note, 'P5: the answer is in the access log') or diag($line);
my ($kbps) = ($note // '') =~ /^(?:>=)?(\d+)/;
cmp_ok($kbps // 0, '<', 300, 'P5: the note in the access log is no trap')
  or diag($line);
note(sprintf 'bytes / time in the log: %.0f kbit/s; note: %s',
    $bytes * 8000 / ($us || 1), $note // '');

done_testing;
