# SPDX-License-Identifier: Apache-2.0
# link: down=5000 up=5000 delay=20 queue=64
#
# Two streams, one connection, one sample.
use strict;
use warnings;

use Lab;
use Test::More;

my $truth = truth_kbps(5000);
my $url = "http://$ENV{LAB_SERVER}:8080";

sub curl {
    my ($visitor, @arguments) = @_;
    my $from = $visitor->address;
    return qx{curl -s --interface $from @arguments};
}

plan skip_all => 'this curl has no HTTP/2'
  unless qx{curl --version} =~ /\bHTTP2\b/;

my $visitor = visitor();
my $out = "$ENV{DI_RUN}/h2";
my $seen = curl($visitor, '--http2-prior-knowledge -Z',
    "-o $out.1 $url/512k.bin -o $out.2 $url/512k.bin",
    "-w '%{http_version} %{http_code} '");
is($seen, '2 200 2 200 ', 'P7: two streams are answered over h2c');
my $known = $visitor->speed;
ok($known->{kbps}, 'P7: the visitor is known afterwards');
at_most($known, $truth, 0.25, 'P7: within 25 %, or a bound');

# Later streams of the same connection are told, too.
$visitor = visitor();
$seen = curl($visitor, '--http2-prior-knowledge',
    "-o $out.1 $url/512k.bin -o $out.2 $url/512k.bin",
    "-D $out.head -o $out.3 $url/1k.bin -w '%{num_connects} '");
is($seen, '1 0 0 ', 'P7: three streams after each other, one connection');
open my $in, '<', "$out.head" or die "$out.head: $!";
my ($header) = grep { /^X-Speed:/i } reverse <$in>;
at_most(told($header), $truth, 0.25, 'P7: the third: within 25 %, or a bound');
ok(told($header)->{kbps}, 'P7: ... and not nothing');

is(scalar(grep { /exit signal|child died/ } log_lines('error.log')), 0,
    'P7: no process died');

done_testing;
