# SPDX-License-Identifier: Apache-2.0
# Load: clients that ask without a pause, each over a connection that it keeps,
# and compare every body with those that are right for the question.
#
#     my $load = Load->start($base, 6, sub {
#         my ($client, $turn) = @_;      # from 1 and 0; undef ends the client
#         return ($path, { Accept => ... }, { MD5 => anything, ... });
#     });
#     ...
#     $load->hush(sub { ... });          # nothing is asked meanwhile
#     my $seen = $load->stop;
#
# What came back, added up over the clients:
#
#     answers   complete ones, by status
#     failed    lines "time path what", at most 20 a client; wrong bodies are
#               among these
#     wrong     bodies that are not right, or not as long as Content-Length says
#     lost      answers that did not come, or broke off: a failure, but where
#               the server itself is killed
#     reasons   DynImage header's reason and cache, "rendered/disk" => count
#     slowest   of all answers, s
#
# A connection that the server closed while nothing of an answer had come is
# tried once more, on a new one, as browsers do.
package Load;
use strict;
use warnings;

use Digest::MD5 'md5_hex';
use File::Temp ();
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();
use POSIX ();
use Time::HiRes 'time';

my $FAILURES_KEPT = 20;
my $TIMEOUT_S = 30;

# ---- one client ---------------------------------------------------------------

sub _connect {
    my ($at) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => $at, Timeout => $TIMEOUT_S);
    binmode $socket if $socket;
    return $socket;
}

# Read more of an answer; 0 at its end, undef when it does not come.
sub _more {
    my ($socket, $into) = @_;
    my $until = time + $TIMEOUT_S;
    while (1) {
        my $left = $until - time;
        return undef if $left <= 0;
        next unless IO::Select->new($socket)->can_read($left);
        my $got = sysread $socket, $$into, 262_144, length $$into;
        return $got if defined $got;
        return undef unless $!{EINTR} || $!{EAGAIN};
    }
}

# One question; (answer, undef) or (undef, what went wrong).  "nothing" when the
# connection ended before the answer began.
sub _ask {
    my ($socket, $path, $headers) = @_;
    my %all = (Host => 'localhost', %$headers);
    my $text = "GET $path HTTP/1.1\r\n"
      . join('', map { "$_: $all{$_}\r\n" } sort keys %all) . "\r\n";
    my $sent = syswrite $socket, $text;
    return (undef, 'nothing') unless defined $sent && $sent == length $text;
    my ($got, $end) = ('');
    until (($end = index $got, "\r\n\r\n") >= 0) {
        my $more = _more($socket, \$got);
        return (undef, length $got ? 'cut head' : 'nothing') unless $more;
    }
    my ($status, $head) = substr($got, 0, $end)
      =~ m{\AHTTP/1\.[01] (\d+)[^\r]*(.*)\z}s
      or return (undef, 'no HTTP');
    my ($length) = $head =~ /\r\nContent-Length: *(\d+)/i;
    return (undef, "$status without Content-Length") unless defined $length;
    substr $got, 0, $end + 4, '';
    while (length $got < $length) {
        my $more = _more($socket, \$got);
        return (undef, sprintf 'cut body, %d of %d', length $got, $length)
          unless $more;
    }
    return {
        status => $status,
        body   => $got,
        length => $length,
        close  => $head =~ /\r\nConnection: *close/i ? 1 : 0,
        why    => $head =~ /\r\nDynImage: ([^\r]*)/i ? $1 : '',
    };
}

sub _failed {
    my ($seen, $path, $what) = @_;
    push @{ $seen->{failed} }, sprintf '%.3f %s %s', time, $path, $what
      if @{ $seen->{failed} } < $FAILURES_KEPT;
    return;
}

sub _judge {
    my ($seen, $answer, $path, $right) = @_;
    $seen->{answers}{ $answer->{status} }++;
    my ($reason) = $answer->{why} =~ /reason=([\w-]+)/;
    my ($cache) = $answer->{why} =~ /cache=([\w-]+)/;
    $seen->{reasons}{ join '/', $reason // '-', $cache // '-' }++;
    if ($answer->{status} != 200) {
        _failed($seen, $path, "status $answer->{status}");
    }
    elsif (length $answer->{body} != $answer->{length}) {
        $seen->{wrong}++;
        _failed($seen, $path, 'longer than it says');
    }
    elsif (!exists $right->{ md5_hex($answer->{body}) }) {
        $seen->{wrong}++;
        _failed($seen, $path, sprintf 'wrong body, %d bytes, %s',
            $answer->{length}, $answer->{why});
        if ($ENV{DI_KEEP_WRONG}) {
            open my $file, '>:raw', "$ENV{DI_KEEP_WRONG}/wrong.$$";
            print $file $answer->{body};
        }
    }
    return;
}

sub _client {
    my ($self, $client, $next, $stop) = @_;
    my $seen = { answers => {}, failed => [], wrong => 0, lost => 0, hung => 0,
        reasons => {}, slowest => 0 };
    my ($socket, $parent) = (undef, getppid);
    for (my $turn = 0; !$$stop && getppid == $parent; $turn++) {
        _hushed($self, $client, $parent) if -e "$self->{dir}/hush";
        my ($path, $headers, $right) = $next->($client, $turn);
        last unless defined $path;
        my $began = time;
        my ($answer, $what);
        for my $try (0, 1) {
            my $is_new = !$socket;
            $socket //= _connect($self->{at});
            ($answer, $what) = $socket ? _ask($socket, $path, $headers // {})
              : (undef, "connect: $!");
            undef $socket if !$answer || $answer->{close};
            last if $answer || $is_new || $what ne 'nothing';
        }
        my $took = time - $began;
        $seen->{slowest} = $took if $took > $seen->{slowest};
        if ($answer) {
            _judge($seen, $answer, $path, $right);
        }
        else {
            $seen->{lost}++;
            $seen->{hung}++ if $took > $TIMEOUT_S - 1;
            _failed($seen, $path, $what);
            select undef, undef, undef, 0.02; # it may not be there just now
        }
        select undef, undef, undef, $self->{pause_s} if $self->{pause_s};
    }
    return $seen;
}

# Say that this client is quiet, and wait until it may go on.
sub _hushed {
    my ($self, $client, $parent) = @_;
    open my $file, '>', "$self->{dir}/quiet$client";
    select undef, undef, undef, 0.002
      while -e "$self->{dir}/hush" && getppid == $parent;
    unlink "$self->{dir}/quiet$client";
    return;
}

# ---- all of them --------------------------------------------------------------

# @param pause_s  between a client's answer and its next question, s
sub start {
    my ($class, $base, $clients, $next, $pause_s) = @_;
    my ($at) = $base =~ m{//([^/]+)};
    my $self = bless {
        at      => $at,
        dir     => File::Temp->newdir,
        clients => $clients,
        pause_s => $pause_s,
        pids    => [],
    }, $class;
    for my $client (1 .. $clients) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $stop = 0;
            local $SIG{TERM} = sub { $stop = 1 };
            local $SIG{PIPE} = 'IGNORE';
            srand $client;
            my $seen = eval { $self->_client($client, $next, \$stop) }
              // { failed => ["client $client: $@"] };
            open my $file, '>', "$self->{dir}/seen$client";
            print $file JSON::PP::encode_json($seen);
            close $file;
            POSIX::_exit(0);
        }
        push @{ $self->{pids} }, $pid;
    }
    return $self;
}

# Run code while all clients are between two questions.
sub hush {
    my ($self, $code) = @_;
    open my $file, '>', "$self->{dir}/hush" or die;
    close $file;
    for (1 .. 1000 * $TIMEOUT_S) {
        last if @{[ glob "$self->{dir}/quiet*" ]} == $self->{clients};
        select undef, undef, undef, 0.001;
    }
    $code->();
    unlink "$self->{dir}/hush";
    # None may take the next hush for this one.
    for (1 .. 1000 * $TIMEOUT_S) {
        last unless @{[ glob "$self->{dir}/quiet*" ]};
        select undef, undef, undef, 0.001;
    }
    return;
}

sub wait {
    my ($self) = @_;
    waitpid $_, 0 for splice @{ $self->{pids} };
    my $sum = { answers => {}, failed => [], wrong => 0, lost => 0, hung => 0,
        reasons => {}, slowest => 0 };
    for my $client (1 .. $self->{clients}) {
        my $seen = eval {
            open my $file, '<', "$self->{dir}/seen$client" or die;
            local $/;
            JSON::PP::decode_json(scalar <$file>);
        } // { failed => ["client $client: no report"] };
        push @{ $sum->{failed} }, @{ $seen->{failed} };
        $sum->{$_} += $seen->{$_} // 0 for qw(wrong lost hung);
        for my $what (qw(answers reasons)) {
            $sum->{$what}{$_} += $seen->{$what}{$_}
              for keys %{ $seen->{$what} // {} };
        }
        $sum->{slowest} = $seen->{slowest}
          if ($seen->{slowest} // 0) > $sum->{slowest};
    }
    return $sum;
}

sub stop {
    my ($self) = @_;
    kill 'TERM', @{ $self->{pids} };
    return $self->wait;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!);
    $self->stop if @{ $self->{pids} };
    return;
}

# In one line.
sub summary {
    my ($seen) = @_;
    my $answers = 0;
    $answers += $_ for values %{ $seen->{answers} };
    return sprintf '%d answers, %d wrong, %d lost, %d hung, slowest %.2f s; %s',
      $answers, $seen->{wrong}, @$seen{qw(lost hung slowest)},
      join ', ', map { "$_ $seen->{reasons}{$_}" } sort keys %{ $seen->{reasons} };
}

1;
