# SPDX-License-Identifier: Apache-2.0
# A small HTTP client for the live tests, one VirtualHost at a time.
#
#     client('tiers');                       # ports by VirtualHost name
#     my $res = get('/low/a.jpg', Range => 'bytes=0-9');
#     my $why = why($res);                   # DynImage header as a hash
package Client;
use strict;
use warnings;

use Exporter 'import';
use HTTP::Tiny ();
use IO::Socket::INET ();
use Apache::Test ();
use Apache::TestRequest ();

our @EXPORT = qw(client base get head ask raw why site_file in_parallel pids
  children pool_processes slurp fresh);

my $base;

sub client {
    my ($vhost) = @_;
    Apache::TestRequest::module($vhost);
    $base = 'http://' . Apache::TestRequest::hostport();
    $base =~ s/localhost/127.0.0.1/;
    return $base;
}

sub base { return $base }

sub ask {
    my ($method, $path, $content, %headers) = @_;
    my $http = HTTP::Tiny->new(timeout => 60, keep_alive => 0);
    my %options = (headers => \%headers);
    $options{content} = $content if defined $content;
    return $http->request($method, "$base$path", \%options);
}

sub get { my ($path, @headers) = @_; return ask('GET', $path, undef, @headers) }

sub head {
    my ($path, @headers) = @_;
    return ask('HEAD', $path, undef, @headers);
}

# GET over HTTP/1.0, so that the end of the connection is that of the answer,
# which may come early; (head, body).  The code is called after each piece
# that arrives, with the socket and a reference to all that came so far.
sub raw {
    my ($path, $code) = @_;
    my ($host, $port) = $base =~ m{//([^:]+):(\d+)};
    my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port,
        Timeout => 60) or die "connect: $!";
    print $socket "GET $path HTTP/1.0\r\nHost: $host\r\n\r\n";
    my $got = '';
    while (sysread $socket, $got, 65536, length $got) {
        $code->($socket, \$got) if $code;
    }
    return split /\r\n\r\n/, $got, 2;
}

sub why {
    my ($res) = @_;
    my $text = $res->{headers}{dynimage} // '';
    return { map { split /=/, $_, 2 } split /, /, $text };
}

# A beacon's body with numbers that no body before had and that say nothing
# beside those that are there: the same body twice is a replay.
my $bodies = $$ % 1000 * 1000;

sub fresh { my ($body) = @_; $bodies++; return "$body&mb=$bodies&md=1" }

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

# A file of the document root.
sub site_file { return Apache::Test::vars()->{documentroot} . "/$_[0]" }

# Run code in N processes at once; returns what each returned (one line).
sub in_parallel {
    my ($n, $code) = @_;
    my @readers;
    for my $i (1 .. $n) {
        my $pid = open my $reader, '-|';
        die "fork: $!" unless defined $pid;
        if (!$pid) {
            print $code->($i), "\n";
            require POSIX;
            STDOUT->flush;
            POSIX::_exit(0);
        }
        push @readers, $reader;
    }
    my @lines = map { my $line = readline $_; close $_; $line // '' } @readers;
    chomp @lines;
    return @lines;
}

# Process ids of the direct children of a process.
sub children {
    my ($parent) = @_;
    my @found;
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $file, '<', $stat or next;
        my $line = readline $file // next;
        push @found, $1 if $line =~ /^(\d+) \(.*\) \S (\d+)/s && $2 == $parent;
    }
    return sort { $a <=> $b } @found;
}

# Processes of the render pool under httpd's parent, by their name: renderers,
# unless another is given.
sub pool_processes {
    my ($parent, $name) = @_;
    $name //= 'di-renderer';
    return grep { (eval { slurp("/proc/$_/comm") } // '') eq "$name\n" }
      map { children($_) } children($parent);
}

# httpd's parent.
sub pids {
    my $pid = slurp(Apache::Test::vars()->{t_pid_file});
    chomp $pid;
    return $pid;
}

1;
