# SPDX-License-Identifier: Apache-2.0
# Runs dynimagectl, and a server for it to talk to: one that speaks
# docs/admin.md to whoever says "Bearer secret", and serves the files of a
# folder as a site.
#
#     fake_start()              $url of the handler; the server ends with us
#     fake_set(NAME => VALUE)   busy (requests answered 503), delay (seconds of
#                               each URL of a prerender)
#     fake_seen()               lines "METHOD target body" that reached it
#     ctl(ARGUMENT...)          (exit code, stdout, stderr)
package Ctl;
use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More ();

our @EXPORT =
  qw(fake_start fake_set fake_seen fake_site fake_answer ctl ctl_command
  folder spew slurp wait_for);

my $folder;
my $server;

sub folder {
    $folder //= File::Temp->newdir('ctl-XXXXXX', TMPDIR => 1);
    return "$folder";
}

sub spew {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
    return $path;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar <$file> // '';
}

# Until it is true, at most 20 s.
sub wait_for {
    my ($true) = @_;
    for (1 .. 400) {
        my $value = $true->();
        return $value if $value;
        select undef, undef, undef, 0.05;
    }
    return;
}

sub fake_set {
    my %set = @_;
    spew(folder() . "/fake-$_", $set{$_}) for keys %set;
    return;
}

sub fake_seen {
    my @lines = split /\n/, slurp(folder() . '/fake-seen');
    return @lines;
}

sub fake_answer {
    my ($path, $answer) = @_;
    spew(folder() . "/answer-$path", encode_json($answer));
    return;
}

sub fake_site {
    my %page = @_;
    mkdir folder() . '/site';
    for my $name (keys %page) {
        spew(folder() . '/site/page_' . ($name =~ s{/}{_}gr), $page{$name});
    }
    return;
}

sub get_of {
    my ($name) = @_;
    return slurp(folder() . "/fake-$name") || 0;
}

sub urls_of {
    my ($form) = @_;
    return map { s/\+/ /g; s/%(..)/chr hex $1/ger }
      map { /^url=(.*)/s ? $1 : () } split /&/, $form;
}

sub prerender {
    my ($form) = @_;
    my @said;
    for my $url (urls_of($form)) {
        my $bad = $url =~ /bad/ ? 1 : 0;
        select undef, undef, undef, get_of('delay');
        push @said,
          {
            url => $url, made => $bad ? 0 : 3, stored => 1, none => 0,
            failed => $bad, cpu_us => 1500, bytes => 1000,
            reason => $bad ? 'source_broken' : 'rendered',
          };
        if ($url =~ /none/) {
            $said[-1] = {%{$said[-1]}, made => 0, stored => 0, failed => 1,
                reason => undef, error => 'httpd answers 404'};
        }
    }
    return (200, {urls => \@said});
}

sub answer_to {
    my ($method, $target, $form, $token) = @_;
    my ($path) = $target =~ m{^/dynimage-admin/(\w+)};
    return (401, {error => 'who are you?'}) if $token ne 'secret';
    if ($path eq 'purge') {
        my @of = $form =~ /all=1/ ? [undef, '/'] : map {
            m{^http://([^/]+)(/.*)} ? [$1, $2] : ['a.example', $_]
        } urls_of($form);
        return (200,
            {purged =>
                [map { {site => $_->[0], path => $_->[1], stamp => 5} } @of]});
    }
    if ($path eq 'prerender') {
        my $busy = get_of('busy');
        if ($busy > 0) {
            fake_set(busy => $busy - 1);
            return (503, {error => 'the queue is full'});
        }
        return (500, {error => 'stumbled'}) if $form =~ /boom/;
        return prerender($form);
    }
    my $canned = slurp(folder() . "/answer-$path");
    return (200, decode_json($canned)) if $canned;
    return (404, {error => 'nothing here'});
}

sub serve {
    my ($peer) = @_;
    my ($head, $form) = ('', '');
    while ($head !~ /\r\n\r\n/) {
        sysread $peer, $head, 4096, length $head or return;
    }
    ($head, $form) = split /\r\n\r\n/, $head, 2;
    my ($method, $target) = $head =~ /^(\S+) (\S+)/;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;
    my ($token) = $head =~ /^Authorization: Bearer (\S+)/mi;
    while (length $form < ($length // 0)) {
        sysread $peer, $form, 65536, length $form or return;
    }
    open my $seen, '>>', folder() . '/fake-seen' or die $!;
    syswrite $seen, "$method $target $form\n";
    close $seen;
    my ($status, $type, $body) = (200, 'text/html');
    if ($target =~ m{^/dynimage-admin/}) {
        ($status, $body) = answer_to($method, $target, $form, $token // '');
        ($type, $body) = ('application/json', encode_json($body));
    }
    else {
        my $path = folder() . '/site/page_' . ($target =~ s{^/}{}r =~ s{/}{_}gr);
        $body = -f $path ? slurp($path) : '';
        $status = -f $path ? 200 : 404;
    }
    my $tag = unpack '%32C*', $body;
    print $peer "HTTP/1.1 $status Said\r\nContent-Type: $type\r\n"
      . "ETag: \"$tag x\"\r\n"
      . 'Content-Length: '
      . length($body)
      . "\r\nConnection: close\r\n\r\n"
      . ($method eq 'HEAD' ? '' : $body);
    return;
}

sub fake_start {
    folder(); # before there are two of us
    my $socket = IO::Socket::INET->new(
        Listen => 64, LocalAddr => '127.0.0.1', ReuseAddr => 1)
      or die "no socket: $!\n";
    my $port = $socket->sockport;
    $server = fork // die;
    if (!$server) {
        $SIG{CHLD} = 'IGNORE';
        while (1) {
            my $peer = $socket->accept or next;
            next if fork;
            serve($peer);
            POSIX::_exit(0);
        }
    }
    close $socket;
    spew(folder() . '/key', "# of the tests\nsecret\n");
    $ENV{DYNIMAGE_ADMIN}    = "http://127.0.0.1:$port/dynimage-admin";
    $ENV{DYNIMAGE_KEY_FILE} = folder() . '/key';
    return $ENV{DYNIMAGE_ADMIN};
}

# In a child: becomes dynimagectl with its output in files.
sub ctl_command {
    my ($out, $err, @argument) = @_;
    open STDIN,  '<', '/dev/null' or die;
    open STDOUT, '>', $out        or die;
    open STDERR, '>', $err        or die;
    exec $ENV{DI_CTL}, @argument or POSIX::_exit(127);
}

sub ctl {
    my @argument = @_;
    my ($out, $err) = (folder() . '/out', folder() . '/err');
    my $pid = fork // die;
    ctl_command($out, $err, @argument) if !$pid;
    waitpid $pid, 0;
    my $code = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    return ($code, slurp($out), slurp($err));
}

END {
    if ($server) {
        local $?;
        kill KILL => $server;
        waitpid $server, 0;
    }
}

1;
