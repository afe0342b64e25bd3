# SPDX-License-Identifier: Apache-2.0
# Two machines with one memcached, each an httpd of four processes: a thousand
# clients want one image that neither has rendered, and it is rendered once; and
# not more than once more when something dies in the middle.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use Digest::MD5 'md5_hex';
use File::Copy 'copy';
use HTTP::Tiny ();
use IO::Poll qw(POLLIN);
use IO::Socket::INET ();
use Memcached;
use POSIX ();
use Private;
use Test::More;
use Time::HiRes qw(time sleep);
use Watch;

my $threads = 25;
my ($photo) = sort { -s $b <=> -s $a } glob site_file('photos/*.jpg');
my $number = 0;

# A cold image; its path on both machines.
sub cold {
    my $name = 'two' . $number++ . '.jpg';
    copy($photo, site_file($name)) or die;
    return "/$name";
}

my $cache = Memcached->new->start;

sub host {
    return private_server(<<"EOT", 'speedprobe_module');
<IfModule mpm_event_module>
    StartServers 4
    ServerLimit 4
    ThreadsPerChild $threads
    MinSpareThreads $threads
    MaxSpareThreads @{[4 * $threads]}
    MaxRequestWorkers @{[4 * $threads]}
</IfModule>
<IfModule mpm_prefork_module>
    StartServers 4
    MinSpareServers 4
    MaxSpareServers 4
    MaxRequestWorkers 4
</IfModule>
ListenBacklog 1024
LogLevel warn dynimage:info
DynImage On
DynImageCacheRoot cache
DynImageColdWait 0
DynImageWait 20s
DynImageMemcachedTimeout 2s
DynImageMemcached $cache
DynImageTier medium fit=1500 quality=80 ssim=off
<Location /server-status>
    SetHandler server-status
</Location>
EOT
}

my @hosts = (host(), host());

sub count { my ($name) = @_;
    my $sum = 0;
    $sum += counters("$_->{base}/server-status", 'DynImage')->{$name} // 0 for @hosts;
    return $sum;
}

# N requests for a path at once, in turn to each machine; a list of how each
# ended: "200 reason cache md5", or "failed".
sub storm {
    my ($path, $n) = @_;
    my $poll = IO::Poll->new;
    my (%got, @names);
    for my $i (1 .. $n) {
        my ($port) = $hosts[$i % 2]{base} =~ /:(\d+)$/;
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        push @names, $socket ? "$socket" : 'none';
        next unless $socket;
        $socket->blocking(0);
        syswrite $socket, "GET $path HTTP/1.0\r\nHost: localhost\r\n\r\n";
        $poll->mask($socket, POLLIN);
        $got{$socket} = '';
    }
    my $end = time + 60;
    while ($poll->handles && time < $end) {
        $poll->poll(1);
        for my $socket ($poll->handles(~0)) {
            my $count = sysread $socket, $got{$socket}, 65536, length $got{$socket};
            next if !defined $count && $!{EAGAIN};
            next if $count;
            # A process of prefork waits for this before it takes another.
            $poll->remove($socket);
            close $socket;
        }
    }
    return map { verdict($got{$_} // '') } @names;
}

sub verdict {
    my ($answer) = @_;
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my ($status) = ($head // '') =~ m{^HTTP/1\.\d (\d+)} or return 'failed';
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;
    return 'failed' if ($length // -1) != length($body // '');
    my ($why) = $head =~ /^DynImage: (.*?)\r?$/mi;
    my %why = map { split /=/, $_, 2 } split /, /, $why // '';
    return join ' ', $status, $why{reason} // '-', $why{cache} // '-', md5_hex($body);
}

# The child that renders: it keeps the lease file open.
sub holder {
    my $end = time + 10;
    while (time < $end) {
        for my $host (@hosts) {
            for my $child (Client::children($host->pid)) {
                my @open = grep { m{/\.leases$} } map { readlink $_ // '' } glob "/proc/$child/fd/*";
                my @locks = grep { defined && /OFDLCK/ }
                  map { eval { Client::slurp($_) } } glob "/proc/$child/fdinfo/*";
                return $child if @open && @locks;
            }
        }
    }
    return;
}

sub renderers { return map { Client::pool_processes($_->pid) } @hosts }

my $original = md5_hex(Client::slurp($photo));
for my $host (@hosts) {
    is($host->get('/index.html')->{status}, 200, 'a machine answers');
}

my $path = cold();
my $before = count('pool_taken');
my $began = time;
my @answers = storm($path, 1000);
diag(sprintf '1000 requests over two machines: %.1f s', time - $began);
is(scalar(grep { /^200 rendered / } @answers), 1000,
    'a thousand requests over two machines: all get the rendition');
is(count('pool_taken') - $before, 1, 'it was rendered once');
is(scalar(grep { / miss / } @answers), 1, 'one request of them all was rendered for');
my %bodies = map { ((split ' ')[3] // 'none') => 1 } @answers;
is(scalar(keys %bodies), 1, 'all have the same bytes');

# What dies while the image is rendered, how many answers may go with it, and
# what the others are.  A picture at which a renderer died may be why: for some
# minutes slow clients get the cheap one, which is a render as well.
my @cases = (
    ['the renderers', sub { kill 'KILL', renderers() }, 0, 'rendered|quick', 3],
    ['the process that renders', sub { kill 'KILL', $_[0] }, 3 * $threads, 'rendered', 2],
    ['memcached', sub { $cache->kill }, 0, 'rendered', 2],
);
for my $case (@cases) {
    my ($name, $kill, $lost, $reason, $renders) = @$case;
    $path = cold();
    $before = count('pool_taken');
    my $killer = fork // die "fork: $!";
    if (!$killer) {
        my $holder = holder();
        $kill->($holder) if $holder;
        POSIX::_exit($holder ? 0 : 1);
    }
    $began = time;
    @answers = storm($path, 400);
    my $took = time - $began;
    waitpid $killer, 0;
    is($? >> 8, 0, "$name: killed in the middle");
    my @failed = grep { !/^200 / } @answers;
    cmp_ok(scalar @failed, '<=', $lost, "$name: all others are answered");
    my @odd = grep { /^200 / && !/^200 (?:$reason) / && !/ \Q$original\E$/ } @answers;
    is(scalar @odd, 0, "$name: with the rendition, or the original") or diag(@odd[0 .. 3]);
    cmp_ok(count('pool_taken') - $before, '<=', $renders, "$name: at most one render more");
    diag(sprintf '%s: %d renders, %d of %d not answered, %.1f s', $name,
        count('pool_taken') - $before, scalar @failed, scalar @answers, $took);
    $cache->start unless $cache->{pid} && kill 0, $cache->{pid};
    like(Client::why($_->get($path))->{reason}, qr/^(?:$reason)$/, "$name: then it is there")
      for @hosts;
}

@hosts = ();
watch_end();
done_testing();
