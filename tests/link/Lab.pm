# SPDX-License-Identifier: Apache-2.0
package Lab;

# What the cases of tests/link share: a client that keeps its connection, what
# the server thinks of a visitor, and the line.
#
#   my $visitor = visitor();              an address nobody came from before
#   my $client = $visitor->connect;       one connection
#   my $answer = $client->get('/1m.bin'); status, bytes, headers, speed
#   $answer->{speed}{kbps}                known at the request; 0: nothing
#   $answer->{speed}{bound}               1: at least so much
#   $visitor->speed                       asked over a new connection
#   set_link(down => 1000);               from now on
#   truth_kbps(1000)                      what TCP can carry of 1000 kbit/s
#
# Rates are kbit/s of 1000 bit, sizes bytes.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET ();
use POSIX ();
use Test::More ();

our @EXPORT = qw(visitor set_link link_stat truth_kbps near at_most median
  log_lines at_once await_log told);

my $SERVER = $ENV{LAB_SERVER} // '10.98.0.1';
my $MSS = 1448;
my $MTU = 1500;
my $SECONDS = 90;    # longer than anything here takes

my $visitors = 0;

# ---- Visitors ---------------------------------------------------------------

# Addresses of one /24 each, for a network may be remembered too: 4000 of them.
sub visitor {
    my $address = sprintf '10.%d.%d.1', 112 + $visitors / 256, $visitors % 256;
    $visitors++;
    return bless { address => $address }, 'Lab::Visitor';
}

sub truth_kbps {
    return $_[0] * $MSS / $MTU;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[$#sorted / 2];
}

# The fields of X-Speed; what is not known is 0 or ''.
sub told {
    my ($header) = @_;
    my %speed = ($header // '') =~ /(\w+)=(\S*)/g;
    for my $value (values %speed) {
        $value = '' if $value eq '(null)' || $value eq '-';
    }
    $speed{$_} ||= 0 for qw(kbps rtt bound conf);
    return \%speed;
}

# ---- Assertions: rates and decisions, never times ---------------------------

sub shown {
    my ($speed) = @_;
    return join ' ', map { "$_=$speed->{$_}" } sort keys %$speed;
}

# A point estimate within `share` of the truth.
sub near {
    my ($speed, $truth, $share, $name) = @_;
    my $pass = $speed->{kbps} && !$speed->{bound}
      && abs($speed->{kbps} / $truth - 1) <= $share;
    Test::More::ok($pass, $name)
      or Test::More::diag(sprintf 'truth %.0f, seen %s', $truth, shown($speed));
    return $pass;
}

# Nothing, a lower bound that holds, or a point estimate within `share`.
sub at_most {
    my ($speed, $truth, $share, $name) = @_;
    my $ratio = $speed->{kbps} / $truth;
    my $pass = !$speed->{kbps}
      || ($speed->{bound} ? $ratio <= 1.1 : abs($ratio - 1) <= $share);
    Test::More::ok($pass, $name)
      or Test::More::diag(sprintf 'truth %.0f, seen %s', $truth, shown($speed));
    return $pass;
}

# ---- The line ---------------------------------------------------------------

sub lab_shell {
    my ($command) = @_;
    my $output = qx{bash -c '. "\$DI_TOP/build-aux/common.sh"
        top=\$DI_TOP
        . "\$DI_TOP/tests/link/lab.sh"; $command'};
    die "lab: $command\n" if $?;
    return $output;
}

sub set_link {
    my (%parameter) = @_;
    lab_shell(join ' ', 'lab_set',
        map { "$_=$parameter{$_}" } sort keys %parameter);
    return;
}

# Packets of a direction since the line was made: sent, lost, full.
sub link_stat {
    my ($direction) = @_;
    my %stat;
    @stat{qw(sent lost full)} =
      lab_shell('lab_stat') =~ /$direction=(\d+),(\d+),(\d+)/
      or die "lab: no stat\n";
    return \%stat;
}

# ---- Logs -------------------------------------------------------------------

sub log_lines {
    my ($name) = @_;
    open my $in, '<', "$ENV{DI_RUN}/logs/$name" or die "$name: $!";
    return <$in>;
}

# Lines of the access log that match, as soon as there are so many: httpd
# writes a line some time after the answer.
sub await_log {
    my ($pattern, $count) = @_;
    my @lines;
    for (1 .. 200) {
        @lines = grep { /$pattern/ } log_lines('access.log');
        last if @lines >= $count;
        select undef, undef, undef, 0.05;
    }
    return @lines;
}

# ---- Several at once --------------------------------------------------------

# Each sub in a process of its own; what they return, one line of text each.
sub at_once {
    my @jobs = map {
        my $job = $_;
        my $pid = open(my $from, '-|') // die "fork: $!";
        if (!$pid) {
            print $job->();
            $| = 1;
            POSIX::_exit(0);
        }
        $from;
    } @_;
    return map { scalar <$_> // '' } @jobs;
}

# ---- A client ---------------------------------------------------------------

package Lab::Visitor;

sub address {
    return $_[0]{address};
}

sub connect {
    my ($self, $port) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr  => $SERVER,
        PeerPort  => $port // 8080,
        LocalAddr => $self->{address},
        Timeout   => $SECONDS,
    ) or die "connect: $!";
    return bless { socket => $socket, buffer => '' }, 'Lab::Client';
}

# What is known of this visitor.  Very short, so it teaches nothing itself.
sub speed {
    my ($self) = @_;
    my $client = $self->connect;
    my $answer = $client->get('/1k.bin');
    $client->close;
    return $answer->{speed};
}

# Fetch over a connection of its own, which is closed when all has arrived.
sub fetch {
    my ($self, $path) = @_;
    my $client = $self->connect;
    my $answer = $client->get($path);
    $client->close;
    return $answer;
}

package Lab::Client;

use Time::HiRes 'time';

sub ask {
    my ($self, $path) = @_;
    my $request = "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n";
    syswrite $self->{socket}, $request or die "write: $!";
    return;
}

sub fill {
    my ($self) = @_;
    local $SIG{ALRM} = sub { die "no answer within $SECONDS s\n" };
    alarm $SECONDS;
    my $n = sysread $self->{socket}, $self->{buffer}, 262_144,
      length $self->{buffer};
    alarm 0;
    die 'the server closed the connection: ', $! || 'no error', "\n" unless $n;
    return;
}

# The next answer on this connection.  `rate_kbps` is that of the body, from the
# moment the head was there.
sub answer {
    my ($self) = @_;
    $self->fill until $self->{buffer} =~ /\r\n\r\n/;
    my $first = time;
    my $head = $`;
    $self->{buffer} = $';
    my $early = length $self->{buffer};
    my %header = map { /^([^:]+):\s*(.*)/ ? (lc $1, $2) : () }
      split /\r\n/, $head;
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my $chunked = ($header{'transfer-encoding'} // '') eq 'chunked';
    my $bytes = $chunked ? $self->chunks : $self->skip(
        $header{'content-length'} // die "no length:\n$head\n");
    my $took = time - $first;
    return {
        status    => $status,
        headers   => \%header,
        bytes     => $bytes,
        speed     => Lab::told($header{'x-speed'}),
        rate_kbps => $took ? ($bytes - $early) * 8 / 1000 / $took : 0,
    };
}

sub skip {
    my ($self, $bytes) = @_;
    my $left = $bytes;
    while ($left > 0) {
        $self->fill unless length $self->{buffer};
        my $have = length $self->{buffer};
        my $taken = $have < $left ? $have : $left;
        substr $self->{buffer}, 0, $taken, '';
        $left -= $taken;
    }
    return $bytes;
}

sub chunks {
    my ($self) = @_;
    my $bytes = 0;
    while (1) {
        $self->fill until $self->{buffer} =~ s/^([0-9a-f]+)\r\n//i;
        my $length = hex $1;
        $bytes += $self->skip($length);
        $self->skip(2);
        return $bytes unless $length;
    }
}

sub get {
    my ($self, $path) = @_;
    $self->ask($path);
    return $self->answer;
}

# Take so many bytes of an answer and leave.
sub abort_after {
    my ($self, $bytes) = @_;
    $self->fill while length $self->{buffer} < $bytes;
    $self->close;
    return;
}

sub close {
    my ($self) = @_;
    close $self->{socket};
    return;
}

1;
