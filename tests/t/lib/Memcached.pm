# SPDX-License-Identifier: Apache-2.0
# A memcached of a test's own, and servers that only pretend to be one.
#
#     my $cache = Memcached->new;        # "$cache" is 127.0.0.1:port
#     $cache->start;                     # the real one
#     $cache->kill;  $cache->start;
#     $cache->signal('STOP');
#     $cache->kill;  $cache->pretend('garbage');
package Memcached;
use strict;
use warnings;

use overload '""' => sub { $_[0]->{word} };

use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use Time::HiRes ();

sub new {
    my ($class) = @_;
    my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
      ->sockport;
    return bless { port => $port, word => "127.0.0.1:$port", owner => $$ }, $class;
}

sub _await {
    my ($self) = @_;
    for (1 .. 200) {
        return $self
          if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port});
        Time::HiRes::sleep(0.02);
    }
    die "nothing answers at $self->{word}\n";
}

sub _run {
    my ($self, $code) = @_;
    $self->{pid} = fork // die "fork: $!";
    if (!$self->{pid}) {
        $code->();
        POSIX::_exit(127);
    }
    return $self->_await;
}

sub start {
    my ($self) = @_;
    my @user = $> == 0 ? qw(-u nobody) : ();
    return $self->_run(sub {
        { exec 'memcached', @user, '-l', '127.0.0.1', '-p', $self->{port}, '-m', '64'; }
    });
}

sub signal { my ($self, $name) = @_; return kill $name, $self->{pid} }

sub kill {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    CORE::kill 'KILL', $pid;
    waitpid $pid, 0;
    return;
}

# What each way says to a request, and when: [bytes at a time, s before each].
my %say = (
    late    => sub { [hit($_[0], 40), 4096, 2] },
    trickle => sub { [hit($_[0], 40), 1, 0.04] },
    garbage => sub { [join('', map { chr rand 256 } 1 .. 300), 4096, 0] },
    # An answer to the very request, of bytes that are no record.
    lies => sub { [hit($_[0], 40), 4096, 0] },
);

# A hit in memcached's binary protocol, with the number of the request.
sub hit {
    my ($request, $bytes) = @_;
    return pack('CCnCCnNa4x8', 0x81, 0, 0, 4, 0, 0, $bytes + 4,
        length $request >= 16 ? substr $request, 12, 4 : '')
      . "\0" x 4 . 'x' x $bytes;
}

sub pretend {
    my ($self, $way) = @_;
    my $listener = IO::Socket::INET->new(Listen => 128, LocalAddr => '127.0.0.1',
        LocalPort => $self->{port}, ReuseAddr => 1) or die "$self->{word}: $!";
    return $self->_run(sub { _serve($listener, $say{$way}) });
}

sub _serve {
    my ($listener, $say) = @_;
    my $readers = IO::Select->new($listener);
    my @due; # [at, peer, bytes left, step, pause]
    local $SIG{PIPE} = 'IGNORE';
    while (1) {
        for my $peer ($readers->can_read(0.005)) {
            if ($peer == $listener) {
                $readers->add($listener->accept // next);
            }
            elsif (!sysread $peer, my $request, 65536) {
                $readers->remove($peer);
                @due = grep { $_->[1] != $peer } @due;
                close $peer;
            }
            else {
                my ($text, $step, $pause) = @{ $say->($request) };
                push @due, [Time::HiRes::time() + $pause, $peer, $text, $step, $pause];
            }
        }
        for my $task (grep { $_->[0] <= Time::HiRes::time() } @due) {
            syswrite $task->[1], substr $task->[2], 0, $task->[3], '';
            $task->[0] += $task->[4];
        }
        @due = grep { length $_->[2] } @due;
    }
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    $self->kill if $$ == $self->{owner};
    return;
}

1;
