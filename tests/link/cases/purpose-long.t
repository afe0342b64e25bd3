# SPDX-License-Identifier: Apache-2.0
# link: tun down=50000 up=50000 delay=175 queue=1000
#
# 50 Mbit/s, 350 ms: broad, by curl alone.  Who judges by the round trip, or
# by how long a small file takes, calls this line slow.
use strict;
use warnings;

use Lab;
use Test::More;

my $url = "http://$ENV{LAB_SERVER}:8080";
my $out = "$ENV{DI_RUN}/curl";

my $seen = qx{curl -s -S -o $out.1 $url/1m.bin -o $out.2 $url/1m.bin \\
    -D $out.head -o $out.3 $url/photo.jpg -w '%{num_connects} '};
is($seen, '1 0 0 ', 'one connection carried all three');

open my $in, '<', "$out.head" or die "$out.head: $!";
my ($photo) = grep { /^DynImage:/i } reverse <$in>;
like($photo // '', qr/tier=broad/, 'on the same connection: broad');

$photo = qx{curl -s -o $out.4 -D - $url/photo.jpg};
like($photo, qr/tier=broad/, 'another connection: broad');
like($photo, qr/band=broad/, '... and the band is told');
my $speed = told($photo =~ /^X-Speed: (.*)/mi);
at_most($speed, truth_kbps(50000), 0.25, 'the value is right, or a bound');
cmp_ok($speed->{rtt}, '>=', 340, 'the round trip is told');
cmp_ok($speed->{rtt}, '<', 450, '... as it is');

done_testing;
