# SPDX-License-Identifier: Apache-2.0
# link: down=2000 up=2000 delay=0 queue=64
#
# The line itself: what it carries, how long it is, what it loses.
use strict;
use warnings;

use Lab;
use Test::More;
use Time::HiRes qw(sleep time);

my @cells = (
    { down => 56,    delay => 75,  queue => 32,  file => '/20k.bin' },
    { down => 2000,  delay => 25,  queue => 64,  file => '/512k.bin' },
    { down => 20000, delay => 50,  queue => 256, file => '/4m.bin' },
    { down => 100000, up => 20000, delay => 5, queue => 512,
        file => '/16m.bin' },
);

# Without a TUN device there is a rate only.
my $tun = $ENV{LAB_KIND} eq 'tun';
@cells = map { { %$_, delay => 0 } } grep { $_->{down} <= 20000 } @cells
  unless $tun;

sub shortest_connect_ms {
    my $shortest;
    for (1 .. 3) {
        my $start = time;
        my $client = visitor()->connect;
        my $took = 1000 * (time - $start);
        $client->close;
        sleep 0.3;    # until the farewell has left the line
        $shortest = $took if !defined $shortest || $took < $shortest;
    }
    return $shortest;
}

for my $cell (@cells) {
    my %link = (up => $cell->{down}, %$cell);
    my $file = delete $link{file};
    my $name = "$link{down} kbit/s, $link{delay} ms one way";
    set_link(%link);

    my $client = visitor()->connect;
    $client->get($file) if $link{down} >= 2000;    # past slow start
    my $rate = $client->get($file)->{rate_kbps};
    $client->close;
    my $ratio = $rate / truth_kbps($link{down});
    ok($ratio > 0.9 && $ratio < 1.1, "$name: goodput")
      or diag("$rate kbit/s, $ratio x truth");

    next unless $tun;
    my $ms = shortest_connect_ms();
    my $wire = 2 * 60 * 8 / $link{down};    # two packets of 60 bytes
    my $scheduling = 25;                    # of a busy machine
    cmp_ok($ms, '>=', 2 * $link{delay}, "$name: the round trip is no shorter");
    cmp_ok($ms, '<', 2 * $link{delay} + $wire + $scheduling,
        "$name: nor much longer");
}

SKIP: {
    skip 'commands are for tunlink', 3 unless $tun;
    for my $command ('0 1 1 1 1 1', '1 2 3', 'x 1 1 1 1 1') {
        is(Lab::lab_shell("lab_command '$command'"), "refused\n",
            "'$command' is refused");
    }
}

SKIP: {
    skip 'loss needs a TUN device', 2 unless $tun;
    set_link(down => 20000, up => 20000, delay => 5, queue => 256,
        loss => 20000);
    my $before = link_stat('down');
    visitor()->fetch('/4m.bin');
    my $after = link_stat('down');
    my %n = map { $_ => $after->{$_} - $before->{$_} } keys %$after;
    my $share = $n{lost} / ($n{lost} + $n{sent});
    cmp_ok($share, '>', 0.01, '2 % loss: the line loses');
    cmp_ok($share, '<', 0.03, '2 % loss: and not too much');
}

done_testing;
