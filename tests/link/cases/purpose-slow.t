# SPDX-License-Identifier: Apache-2.0
# link: tun down=128 up=128 delay=10 queue=32
#
# 128 kbit/s, 20 ms: low, by curl alone.  No script, cookie or hint.
use strict;
use warnings;

use Lab;
use Test::More;

my $url = "http://$ENV{LAB_SERVER}:8080";
my $out = "$ENV{DI_RUN}/curl";

# Two files over one kept connection, then a photograph over the same.
my $seen = qx{curl -s -S -o $out.1 $url/20k.bin -o $out.2 $url/20k.bin \\
    -D $out.head -o $out.3 $url/photo.jpg -w '%{num_connects} '};
is($seen, '1 0 0 ', 'one connection carried all three');

open my $in, '<', "$out.head" or die "$out.head: $!";
my ($photo) = grep { /^DynImage:/i } reverse <$in>;
like($photo // '', qr/tier=low/, 'on the same connection: low');
like($photo // '', qr/kbps=1[0-3]\d\b/, '... for a line of 128 kbit/s');

$photo = qx{curl -s -o $out.4 -D - $url/photo.jpg};
like($photo, qr/tier=low/, 'another connection: low');
like($photo, qr/band=low/, '... and the band is told');
unlike($photo, qr/^Set-Cookie/mi, 'no cookie was set');

done_testing;
