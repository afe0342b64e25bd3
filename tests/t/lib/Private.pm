# SPDX-License-Identifier: Apache-2.0
# httpd runs of a test's own, beside the suite's server: syntax checks, and a
# private server on a free port.
package Private;
use strict;
use warnings;

use Exporter 'import';
use Apache::Test ();
use Client ();
use File::Temp ();
use HTTP::Tiny ();
use IO::Socket::INET ();
use Scalar::Util ();

our @EXPORT = qw(check_config private_server modules_line);

my $run = $ENV{DI_RUN};

# Servers of this very process that are still there at its end: in what perl
# destroys after that, a server may find its folder gone before it.
my @servers;

sub END {
    local $?;
    $_ && $_->{owner} == $$ && $_->stop for @servers;
}

# LoadModule lines of the suite's base configuration, less those named.
sub modules_line {
    my (@without) = @_;
    open my $base, '<', "$run/base.conf" or die "base.conf: $!";
    my @lines = <$base>;
    for my $name (@without) {
        @lines = grep { !/\b$name\b/ } @lines;
    }
    return join '', @lines;
}

# Run httpd -t on a configuration; (exit status, output).
sub check_config {
    my ($text, @without) = @_;
    my $dir = File::Temp->newdir;
    open my $conf, '>', "$dir/httpd.conf" or die;
    print $conf "ServerRoot $dir\nServerName localhost\nErrorLog $dir/log\n",
      "Listen 127.0.0.1:1\n", modules_line(@without), $text;
    close $conf;
    my $output = `$ENV{DI_HTTPD} -t -f $dir/httpd.conf 2>&1`;
    return ($? >> 8, $output);
}

# State of its own; and no level in the processes' own memory, where each
# process would give another answer, unless the test names the levels.
sub _usual {
    my ($text) = @_;
    my $levels = $text =~ /^DynImageMemcached /m ? 'disk memcached' : 'disk';
    return "DynImageStateDir state\n"
      . ($text =~ /^DynImageStore /m ? '' : "DynImageStore $levels\n");
}

# Start a private server; an object with base, dir, get and stop.
sub private_server {
    my ($text, @without) = @_;
    my $dir = File::Temp->newdir;
    chmod 0755, "$dir";
    my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
      ->sockport;
    open my $conf, '>', "$dir/httpd.conf" or die;
    print $conf <<"EOT", modules_line(@without), $text;
ServerRoot $dir
ServerName localhost
PidFile $dir/pid
ErrorLog $dir/error_log
DefaultRunTimeDir $dir
Listen 127.0.0.1:$port
TypesConfig /etc/mime.types
DocumentRoot @{[Apache::Test::vars()->{documentroot}]}
EOT
    print $conf "User nobody\nGroup nogroup\n" if $> == 0;
    print $conf _usual($text) unless grep { $_ eq 'dynimage_module' } @without;
    close $conf;
    my $self = bless {
        dir   => $dir,
        base  => "http://127.0.0.1:$port",
        log   => "$dir/error_log",
        owner => $$
    }, 'Private::Server';
    push @servers, $self;
    Scalar::Util::weaken($servers[-1]);
    $self->start;
    return $self;
}

package Private::Server;

# Start httpd, which private_server has done, and wait until it answers.
sub start {
    my ($self) = @_;
    my $dir = $self->{dir};
    unlink "$dir/pid"; # of one that was killed
    system("$ENV{DI_HTTPD} -f $dir/httpd.conf -k start >$dir/out 2>&1");
    for (1 .. 1000) {
        return if -s "$dir/pid"
          && HTTP::Tiny->new(timeout => 1)->get($self->{base})->{status} != 599;
        select undef, undef, undef, 0.01;
    }
    die "httpd does not start: $dir\n";
}

# kill -9 of all its processes; how many.
sub crash {
    my ($self) = @_;
    my @all = my @more = ($self->pid);
    # What stands still begets nothing.
    kill 'STOP', @more;
    while (@more = map { Client::children($_) } @more) {
        kill 'STOP', @more;
        push @all, @more;
    }
    kill 'KILL', @all;
    for (1 .. 1000) {
        last unless grep { _runs($_) } @all;
        select undef, undef, undef, 0.005;
    }
    return scalar @all;
}

# 1 unless the process is gone, or dead and nobody has asked for it.
sub _runs {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or return 0;
    return (readline($file) // '') =~ /\) [^ZX] / ? 1 : 0;
}

sub get {
    my ($self, $path, %headers) = @_;
    return HTTP::Tiny->new(timeout => 60, keep_alive => 0)
      ->get("$self->{base}$path", { headers => \%headers });
}

sub pid {
    my ($self) = @_;
    open my $file, '<', "$self->{dir}/pid" or return;
    my $pid = <$file>;
    chomp $pid;
    return $pid;
}

sub stop {
    my ($self) = @_;
    my $pid = $self->pid or return;
    kill 'TERM', $pid;
    for (1 .. 100) {
        return 1 unless kill 0, $pid;
        select undef, undef, undef, 0.1;
    }
    return 0;
}

sub DESTROY { $_[0]->stop; return }

1;
