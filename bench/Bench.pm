# SPDX-License-Identifier: Apache-2.0
# What benchmarks that compare servers have in common: httpds of their own in
# folders of their own, and rounds that alternate.
#
#     my $bench = Bench->new($build);
#     my $server = $bench->httpd('name', $lines);   # { url, home }
#     $bench->compare('what', $one, $other, 'target');
#     $bench->end;
#
# An URL here is [server, path] or [server, path, Host].
package Bench;
use strict;
use warnings;

use File::Temp ();
use HTTP::Tiny ();
use IO::Socket::INET ();
use POSIX ();

sub new {
    my ($class, $build) = @_;
    my $apxs = $ENV{APXS} // 'apxs';
    chomp(my $modules = `$apxs -q LIBEXECDIR`);
    my $self = bless {
        rounds  => $ENV{ROUNDS} // 7,
        seconds => $ENV{SECONDS} // 1,
        httpd   => $ENV{HTTPD} // '/usr/sbin/apache2',
        modules => $modules,
        dir     => File::Temp->newdir,
        homes   => [],
        pids    => [],
    }, $class;
    chmod 0755, "$self->{dir}";
    mkdir "$self->{dir}/htdocs";
    system('cp', "$build/.libs/mod_dynimage.so", "$self->{dir}") == 0 or die;
    return $self;
}

sub write_file {
    my ($path, $bytes) = @_;
    open my $out, '>:raw', $path or die "$path: $!";
    print $out $bytes;
    close $out;
    return;
}

sub free_port {
    return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
}

# An httpd with mod_dynimage.
sub httpd {
    my ($self, $name, $lines) = @_;
    my $home = "$self->{dir}/$name";
    mkdir $home;
    my $port = free_port();
    my $user = $> == 0 ? "User www-data\nGroup www-data\n" : '';
    write_file("$home/httpd.conf", <<"EOT");
ServerRoot $home
ServerName localhost
PidFile $home/pid
ErrorLog $home/error_log
LogLevel warn
DefaultRunTimeDir $home
Listen 127.0.0.1:$port
LoadModule mpm_event_module $self->{modules}/mod_mpm_event.so
LoadModule authz_core_module $self->{modules}/mod_authz_core.so
LoadModule mime_module $self->{modules}/mod_mime.so
LoadModule alias_module $self->{modules}/mod_alias.so
LoadModule setenvif_module $self->{modules}/mod_setenvif.so
LoadModule dynimage_module $self->{dir}/mod_dynimage.so
TypesConfig /etc/mime.types
DynImageStateDir $home/state
${user}StartServers 2
ThreadsPerChild 32
MaxRequestWorkers 64
MaxKeepAliveRequests 0
EnableSendfile On
DocumentRoot $self->{dir}/htdocs
$lines
EOT
    my $server = { home => $home, url => "http://127.0.0.1:$port" };
    push @{ $self->{homes} }, $home;
    $self->start($server);
    return $server;
}

sub start {
    my ($self, $server) = @_;
    unlink "$server->{home}/pid";
    system("$self->{httpd} -f $server->{home}/httpd.conf -k start") == 0
      or die "httpd does not start: $server->{home}\n";
    for (1 .. 600) {
        return if -s "$server->{home}/pid"
          && HTTP::Tiny->new->get("$server->{url}/")->{status} != 599;
        select undef, undef, undef, 0.1;
    }
    die "httpd does not answer\n";
}

sub stop {
    my ($self, $home) = @_;
    open my $file, '<', "$home/pid" or return;
    my $pid = <$file>;
    kill 'TERM', $pid;
    for (1 .. 200) {
        last unless kill 0, $pid;
        select undef, undef, undef, 0.1;
    }
    unlink "$home/pid";
    return;
}

# Another server; ended with the bench.
sub run {
    my ($self, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        exec @command or POSIX::_exit(1);
    }
    push @{ $self->{pids} }, $pid;
    return $pid;
}

sub end {
    my ($self) = @_;
    $self->stop($_) for @{ $self->{homes} };
    kill 'TERM', @{ $self->{pids} };
    waitpid $_, 0 for splice @{ $self->{pids} };
    return;
}

sub get {
    my ($url, %headers) = @_;
    my ($server, $path, $host) = @$url;
    # HTTP::Tiny has its own mind about Host.
    my ($at) = $server->{url} =~ m{//(.*)};
    my $socket = IO::Socket::INET->new(PeerAddr => $at, Timeout => 60)
      or die "connect: $!";
    $headers{Host} = $host // 'localhost';
    print $socket "GET $path HTTP/1.0\r\n",
      map({ "$_: $headers{$_}\r\n" } keys %headers), "\r\n";
    my $answer = do { local $/; <$socket> } // '';
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my %why = ($head // '') =~ /^DynImage: (.*?)\r?$/m
      ? map({ split /=/, $_, 2 } split /, /, $1) : ();
    return { status => ($head // '') =~ m{^\S+ (\d+)} ? $1 : 599,
        content => $body // '', why => \%why };
}

# CPU time of the children of an httpd so far, s.
sub children_cpu {
    my ($server) = @_;
    my $parent = do { local (@ARGV, $/) = "$server->{home}/pid"; <> + 0 };
    my $ticks = 0;
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $file, '<', $stat or next;
        my $line = readline $file // next;
        my @field = split ' ', $line =~ s/^.*\) //sr;
        $ticks += $field[11] + $field[12] if $field[1] == $parent;
    }
    return $ticks / 100;
}

# Requests per second of an URL at 48 connections, and httpd's CPU time for one
# of them, us.  A path with %d stands for as many as count says.
sub rate {
    my ($self, $url, $count) = @_;
    my ($server, $path, $host) = @$url;
    my $more = $host ? "-H 'Host: $host'" : '';
    if ($count) {
        write_file("$self->{dir}/many.lua", <<"EOT");
request = function()
    return wrk.format("GET", string.format("$path", math.random(0, $count - 1)))
end
EOT
        $more .= " -s $self->{dir}/many.lua";
        $path = '/';
    }
    my $before = children_cpu($server);
    my $out = `wrk -t1 -c48 -d$self->{seconds}s $more '$server->{url}$path' 2>&1`;
    my $cpu = children_cpu($server) - $before;
    my ($rate) = $out =~ m{Requests/sec:\s+([\d.]+)} or die "wrk: $out\n";
    die "wrk: $out\n" if $out =~ /Non-2xx/;
    my ($requests) = $out =~ m{(\d+) requests in};
    return ($rate, 1e6 * $cpu / $requests);
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[$#sorted / 2];
}

# The ratio of two rates, neighbours in time, first the one and then the other.
sub compare {
    my ($self, $label, $ours, $other, $target, $count) = @_;
    my (@ratio, @rate, @cpu);
    for my $round (1 .. $self->{rounds}) {
        my (%rate, %cpu);
        for my $side ($round % 2 ? qw(other ours) : qw(ours other)) {
            ($rate{$side}, $cpu{$side}) =
              $self->rate($side eq 'ours' ? $ours : $other, $count);
        }
        push @rate, $rate{ours};
        push @ratio, $rate{ours} / $rate{other};
        push @cpu, $cpu{other} ? $cpu{ours} / $cpu{other} : 0;
    }
    printf "%s: %.3f x (target %s; %.0f requests/s, ratios %s; %.2f x its CPU)\n",
      $label, median(@ratio), $target, median(@rate),
      join(' ', map { sprintf '%.2f', $_ } sort { $a <=> $b } @ratio),
      median(@cpu);
    return median(@ratio);
}

1;
