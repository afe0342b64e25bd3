# SPDX-License-Identifier: Apache-2.0
# A hundred thousand beacons leave memory where it was.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use IO::Socket::INET ();
use Private;
use Test::More;

my $beacons    = 100_000;
my $batch      = 500;    # sent before answers are read
my $growth_max = 25;     # bytes of memory a beacon

my $server = private_server(<<'EOT', 'cgid_module', 'dynimage_module');
SpeedProbe On
SpeedProbeBeaconLimit none
MaxKeepAliveRequests 0
LogLevel warn
StartServers 1
ServerLimit 1
MaxRequestsPerChild 0
<IfModule mpm_event_module>
    ThreadsPerChild 4
    ThreadLimit 4
    MaxRequestWorkers 4
    MinSpareThreads 1
    MaxSpareThreads 4
</IfModule>
<IfModule mpm_prefork_module>
    MaxRequestWorkers 1
</IfModule>
<Location /server-status>
    SetHandler server-status
</Location>
EOT
my $url = "$server->{base}/server-status";
my ($host) = $server->{base} =~ m{//(.*)};
my $sent = 0;

# Anonymous memory, bytes, of the children; shared pages are not theirs alone.
sub memory {
    my $sum = 0;
    for my $pid (children($server->pid)) {
        open my $status, '<', "/proc/$pid/status" or next;
        $sum += 1024 * $_ for map { /^RssAnon:\s+(\d+) kB/ } <$status>;
    }
    return $sum;
}

# POSTs on one connection, each with another body and a cookie of its own.
sub flood {
    my ($count) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => $host, Timeout => 30) or die "connect: $!";
    my $answers = 0;
    while ($count > 0) {
        my $now = $count < $batch ? $count : $batch;
        my $text = '';
        for (1 .. $now) {
            my $body = 'v=1&rb=' . (1_000_000 + $sent++) . '&rd=100000&rn=1&rt=60';
            $text .= "POST /speedprobe-beacon HTTP/1.1\r\nHost: x\r\n"
              . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
        }
        # Answers are read while requests are written: neither side may wait
        # for the other with its buffer full.
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            require POSIX;
            while (length $text) {
                my $put = syswrite $socket, $text;
                POSIX::_exit(1) unless $put;
                substr $text, 0, $put, '';
            }
            POSIX::_exit(0);
        }
        my ($seen, $rest) = (0, '');
        while ($seen < $now) {
            sysread $socket, $rest, 65536, length $rest or die "cut off after $answers";
            $seen++ while $rest =~ s/^HTTP\/1\.1 204 .*?\r\n\r\n//s;
        }
        waitpid $pid, 0;
        $answers += $seen;
        $count -= $now;
    }
    return $answers;
}

flood(5_000);    # pools and tables have their size
my $before = memory();
ok($before > 0, 'memory is measured');
is(flood($beacons), $beacons, "P18: $beacons beacons are answered 204");
my $grown = memory() - $before;
SKIP: {
    skip 'a sanitizer keeps what is freed', 1 if $ENV{DI_HTTPD} eq "$ENV{DI_RUN}/httpd";
    cmp_ok($grown, '<', $beacons * $growth_max, "P18: and leave memory where it was ($grown bytes)");
}
is(counters($url)->{beacons_taken}, $beacons + 5_000, 'every one was used');
is(scalar(my @pids = children($server->pid)), 1, 'by one process');
ok(-s $server->{log} < 10_000, 'P17: the log stays short');
ok($server->stop, 'it stops');
undef $server;

done_testing();
