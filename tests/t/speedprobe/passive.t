# SPDX-License-Identifier: Apache-2.0
# Passive measuring: who is measured, and who is told what.  How right it is
# is tested over real lines (tests/link).
use strict;
use warnings;
use lib 'lib';

use Client;
use Socket;
use Test::More;
use Watch;

my $port = client('passive') =~ s/.*://r;
mkdir site_file('passive');
put_file('large.bin', 1_000_000);
put_file('small.bin', 5_000);
put_file('huge.bin', 16_000_000); # more than any send buffer takes at once
open my $script, '>', site_file('passive/stream') or die;
print $script "#!/usr/bin/perl\n\$| = 1;\nprint qq{Content-Type: text/plain\\n\\n};\n",
  "print 'x' x 20_000 for 1 .. 20;\n";
close $script;
chmod 0755, site_file('passive/stream');

sub put_file {
    my ($name, $bytes) = @_;
    open my $out, '>:raw', site_file("passive/$name") or die;
    print $out 'x' x $bytes;
    close $out;
}

# A new visitor's connection.  Loopback is too fast for the kernel's clock of
# busy time, so this client has little room, and takes its time.
my $visitor = 1;
sub connection {
    my (%option) = @_;
    $visitor++ unless $option{again};
    socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, pack 'i', 16_384 or die $!;
    bind $socket, pack_sockaddr_in(0, inet_aton("127.0.3.$visitor")) or die "bind: $!";
    connect $socket, pack_sockaddr_in($port, inet_aton('127.0.0.1')) or die "connect: $!";
    binmode $socket;
    return $socket;
}

sub send_request {
    my ($socket, $path, @headers) = @_;
    syswrite $socket, join "\r\n", "GET $path HTTP/1.1", 'Host: localhost', @headers, '', '';
}

# One answer, to its last byte; what was known when its request came.
sub read_answer {
    my ($socket) = @_;
    my ($line, $length, $speed, $chunked, $left) = ('');
    while (defined($line = <$socket>) && $line =~ /\S/) {
        $length  = $1 if $line =~ /^Content-Length: (\d+)/i;
        $speed   = $1 if $line =~ /^X-Speed: (.*?)\r/;
        $chunked = 1 if $line =~ /^Transfer-Encoding: chunked/i;
    }
    if ($chunked) {
        while (defined($line = <$socket>) && ($left = hex($line =~ s/\s+//r))) {
            take($socket, $left + 2);
        }
        <$socket>;
    }
    else {
        take($socket, $length // 0);
    }
    return $speed // '';
}

sub take {
    my ($socket, $left) = @_;
    while ($left > 0) {
        my $got = read $socket, my $part, $left > 20_000 ? 20_000 : $left;
        return unless $got;
        $left -= $got;
        select undef, undef, undef, 0.004 if $got >= 8_000;
    }
}

sub ask_on {
    my ($socket, $path, @headers) = @_;
    send_request($socket, $path, @headers);
    return read_answer($socket);
}

my $nothing = 'none (null) 0 (null)';
my $socket = connection();
is(ask_on($socket, '/passive/large.bin'), $nothing, 'a new visitor is unknown');
like(ask_on($socket, '/passive/small.bin'), qr/^passive \d+ [01] \d+$/,
    'the same connection knows at the next request');
like(ask_on(connection(again => 1), '/passive/small.bin'), qr/^table \d+ [01] \d+$/,
    'the next connection of the same address knows, too');
is(ask_on(connection(), '/passive/small.bin'), $nothing, 'another address does not');
is(ask_on(connection(again => 1), '/passive/small.bin'), $nothing,
    'P1: 5 kB have told nothing');

# How it is sent does not matter.
$socket = connection();
ask_on($socket, '/stream');
like(ask_on($socket, '/passive/small.bin'), qr/^passive/, 'chunks of a script');
ask_on(connection(), '/closed/huge.bin');
my $known;
for (1 .. 50) {
    $known = ask_on(connection(again => 1), '/passive/small.bin');
    last if $known =~ /^table/;
    select undef, undef, undef, 0.1;
}
like($known, qr/^table/, 'a connection that is closed at once');

$socket = connection();
send_request($socket, $_) for ('/passive/large.bin') x 5, '/passive/small.bin';
my @speeds = map { read_answer($socket) } 1 .. 6;
is($speeds[0], $nothing, 'P6: six requests at once: the first is unknown');
is(ask_on($socket, '/passive/small.bin') =~ /^passive/, 1, 'P6: and then it is known');
for my $i (1 .. 20) {
    $socket = connection();
    send_request($socket, '/passive/large.bin');
    read $socket, my $part, 1000 * $i;
    close $socket;
}
is(get('/passive/small.bin')->{status}, 200, 'P6: twenty aborted answers do no harm');

# Who is looked at closely: one who is not known, or not any more.
sub looks_at {
    my ($path, %option) = @_;
    my $before = () = watch_lines();
    my $socket = connection(%option);
    ask_on($socket, $path);
    ask_on($socket, '/passive/small.bin');
    my @lines = watch_lines();
    my ($line) = grep { /SP0401: \[client 127\.0\.3\.$visitor\]/ } @lines[$before .. $#lines];
    return ($line // '') =~ / (\d+) looks/ ? $1 : 'no line';
}
like(looks_at('/calm/large.bin'), qr/^[1-9]/, 'an unknown visitor is looked at closely');
is(looks_at('/calm/large.bin', again => 1), 0, 'one who is known well enough is not');
like(looks_at('/eager/large.bin', again => 1), qr/^[1-9]/,
    'but is, after SpeedProbeRemeasure');

# Who is not measured.
for my $case (['/muted/large.bin', 'SpeedProbePassive Off'], ['/off/large.bin', 'SpeedProbe Off']) {
    my ($path, $name) = @$case;
    $socket = connection();
    ask_on($socket, $path);
    is(ask_on($socket, '/passive/small.bin'), $nothing, "$name in a Location");
}
for my $header ('Via: 1.1 cache', 'X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1',
    'X-Real-IP: 192.0.2.1') {
    $socket = connection();
    ask_on($socket, '/passive/large.bin', $header);
    is(ask_on($socket, '/passive/small.bin'), $nothing, "behind a proxy: $header");
    is(ask_on(connection(again => 1), '/passive/small.bin'), $nothing, 'nor later');
}
$port = client('passive_behind') =~ s/.*://r;
$socket = connection();
ask_on($socket, '/passive/large.bin', 'X-Client: 192.0.2.9');
is(ask_on($socket, '/passive/small.bin', 'X-Client: 192.0.2.9'), 'none',
    'P19: an address set by mod_remoteip');
is(ask_on(connection(again => 1), '/passive/small.bin'), 'none', 'nor later without');

# The access log.
my $log = Apache::Test::vars()->{t_logs} . '/passive_log';
my @lines = grep { m{/large\.bin} } split /\n/, slurp($log);
cmp_ok(scalar(@lines), '>=', 3, 'the log has lines');
is((grep { !m{^\S+ (?:\d+|-) (?:\d+|-) (?:(?:>=)?\d+|-)$} } @lines), 0, 'of the documented form');
ok((grep { m{^/passive/large\.bin \d{5,} } } @lines), 'with bytes that have arrived');
is((grep { m{ (\d+) \d+ (?:>=)?\d+$} && $1 < 8192 } split /\n/, slurp($log)), 0,
    'P5: and no rate of what is too small');
is((grep { m{^/muted.* (?:>=)?\d+$} } @lines), 0, 'nor of what is not measured');

watch_end();
done_testing();
