# SPDX-License-Identifier: Apache-2.0
# memcached misbehaves under load: no request fails, no body is wrong, and it is
# used again when it is back.  How long requests took is told, not judged.
use strict;
use warnings;
use lib 'lib';

use Client;
use File::Copy 'copy';
use Memcached;
use POSIX ();
use Private;
use Test::More;
use Time::HiRes qw(time sleep);
use Watch;

my $clients = 8;
my ($photo) = sort { -s $b <=> -s $a } glob site_file('photos/*.jpg');
my @paths = map { "/level$_.jpg" } 1 .. 6;
copy($photo, site_file($_)) for @paths;

my $cache = Memcached->new->start;
my $server = private_server(<<"EOT", 'speedprobe_module');
<IfModule mpm_event_module>
    StartServers 3
    ServerLimit 3
    ThreadsPerChild 8
    MinSpareThreads 8
    MaxSpareThreads 24
    MaxRequestWorkers 24
</IfModule>
LogLevel warn dynimage:info
KeepAlive On
MaxKeepAliveRequests 0
DynImage On
DynImageCacheRoot cache
DynImageColdWait 0
DynImageStore memcached disk
DynImageMemcached $cache
<LocationMatch "\\.jpg\$">
    DynImageTier medium fit=600 quality=60 ssim=off
</LocationMatch>
EOT

my %right;
for my $path (@paths) {
    my $res = $server->get($path);
    is(Client::why($res)->{reason}, 'rendered', "$path is rendered");
    $right{$path} = $res->{content};
    is(Client::why($server->get($path))->{cache}, 'memcached', "$path is shared");
}

# One client: lines of "when it ended, how long it took us, how it went".
sub ask_until {
    my ($end, $out) = @_;
    my $http = HTTP::Tiny->new(timeout => 30, keep_alive => 1);
    my $turn = $$;
    while (time < $end) {
        my $path = $paths[$turn++ % @paths];
        my $began = time;
        my $res = $http->get("$server->{base}$path");
        my $took = 1e6 * (time - $began);
        my $how = $res->{status} != 200 ? "failed($res->{status})"
          : $res->{content} ne $right{$path} ? 'wrong'
          : Client::why($res)->{cache};
        printf $out "%.6f %d %s\n", time, $took, $how;
        sleep 0.002;
    }
    return;
}

# Clients ask for some seconds while something is done: their answers.
sub under_load {
    my ($for, $what) = @_;
    my $end = time + $for;
    my @readers = map {
        my $pid = open my $reader, '-|';
        die "fork: $!" unless defined $pid;
        if (!$pid) {
            ask_until($end, \*STDOUT);
            STDOUT->flush;
            POSIX::_exit(0);
        }
        $reader
    } 1 .. $clients;
    $what->();
    my @answers;
    for my $reader (@readers) {
        push @answers, map { [split] } <$reader>;
        close $reader;
    }
    return @answers;
}

sub figures {
    my @took = sort { $a <=> $b } map { $_->[1] } @_;
    return 'none' unless @took;
    return sprintf 'p50 %.1f, p99 %.1f, worst %.1f ms of %d',
      (map { $_ / 1000 } $took[@took / 2], $took[@took * 0.99], $took[-1]),
      scalar @took;
}

sub log_lines { return grep { /$_[0]/ } split /^/, Client::slurp($server->{log}) }

# Wait up to 20 s until all is well again; how long that took, s.
sub wait_until_used {
    my $began = time;
    while (time < $began + 20) {
        my @where = map { Client::why($server->get($_))->{cache} // '' } @paths;
        return time - $began unless grep { $_ ne 'memcached' } @where;
        sleep 0.05;
    }
    return;
}

my @healthy = under_load(1.5, sub { });
diag('healthy: ' . figures(@healthy));
# A busy machine may let one answer of memcached take longer than its limit.
cmp_ok(scalar(grep { $_->[2] ne 'memcached' } @healthy), '<', @healthy / 100,
    'healthy: memcached answers');

# name, what happens, what cures it
my @cases = (
    ['stopped', sub { $cache->signal('STOP') }, sub { $cache->signal('CONT') }],
    ['killed', sub { $cache->kill }, sub { $cache->start }],
    map {
        my $way = $_;
        [
            $way,
            sub { $cache->kill; $cache->pretend($way) },
            sub { $cache->kill; $cache->start }
        ]
    } qw(late trickle garbage lies)
);
for my $case (@cases) {
    my ($name, $break, $cure) = @$case;
    my $opened = log_lines('DI0403');
    my $broken;
    my @answers = under_load(3, sub { sleep 0.5; $broken = time; $break->() });
    my @bad = grep { $_->[2] !~ /^(memcached|disk)$/ } @answers;
    is(scalar @bad, 0, "$name: no request failed, no body was wrong")
      or diag(join ' ', map { $_->[2] } @bad[0 .. ($#bad < 9 ? $#bad : 9)]);
    my @after = grep { $_->[0] > $broken + 0.3 } @answers;
    ok((grep { $_->[2] eq 'disk' } @after) > 0, "$name: the disk answers");
    cmp_ok(log_lines('DI0403'), '>', $opened, "$name: it is found out");
    diag("$name: the first 300 ms: "
          . figures(grep { $_->[0] >= $broken && $_->[0] <= $broken + 0.3 } @answers));
    diag("$name: then: " . figures(@after));
    my $back = log_lines('DI0404');
    $cure->();
    my $took = wait_until_used();
    ok(defined $took, "$name: used again");
    diag(sprintf '%s: used again after %.1f s', $name, $took // -1);
    cmp_ok(log_lines('DI0404'), '>', $back, "$name: and the log says so");
}
is(scalar(log_lines('exit signal|ERROR: \w*Sanitizer')), 0, 'no child died');

undef $server;
watch_end();
done_testing();
