# SPDX-License-Identifier: Apache-2.0
# Machines share what they know of a client through memcached; no request
# waits for it, and no stop.
use strict;
use warnings;
use lib 'lib';

use File::Temp ();
use HTTP::Tiny ();
use IO::Socket::INET ();
use Private;
use Test::More;

my $dir = File::Temp->newdir;
my $machine = "$ENV{DI_BUILD}/tests/unit/another_machine";

sub key_file {
    my ($name, $factor) = @_;
    open my $file, '>', "$dir/$name" or die;
    print $file join('', map { sprintf '%02x', $_ * $factor % 256 } 1 .. 32), "\n";
    close $file;
    return "$dir/$name";
}

# A memcached of this test's own.
my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
my $memcached = fork // die;
if (!$memcached) {
    exec 'memcached', '-l', '127.0.0.1', '-p', $port, '-U', 0, $> ? () : ('-u', 'nobody');
}
END { local $?; kill 'KILL', $memcached if $memcached; }
for (1 .. 100) {
    last if IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
    select undef, undef, undef, 0.05;
}

sub httpd {
    my ($name, $key) = @_;
    return private_server(<<"EOT");
LogLevel warn speedprobe:debug
SpeedProbe On
SpeedProbePassive On
SpeedProbeTable 1000
SpeedProbeStateFile $dir/$name
SpeedProbeKeyFile $key
SpeedProbeMemcached 127.0.0.1:$port
SpeedProbeMemcachedTimeout 200ms
EOT
}

# One request of a client with an address of its own.
sub visit {
    my ($server, $client) = @_;
    return HTTP::Tiny->new(timeout => 30, local_address => $client)
      ->get("$server->{base}/")->{status};
}

# What a machine's table knows of a client, kbit/s.
sub known {
    my ($name, $key, $client) = @_;
    chomp(my $kbps = `$machine look $key $dir/$name 1000 $client`);
    return $kbps;
}

# Until a question has the answer, or 20 s have passed.
sub comes_true {
    my ($question) = @_;
    for (1 .. 400) {
        return 1 if $question->();
        select undef, undef, undef, 0.05;
    }
    return 0;
}

sub said {
    my ($server, $tag) = @_;
    open my $log, '<', $server->{log} or return 0;
    return scalar grep { /$tag/ } <$log>;
}

my ($key, $other) = (key_file('key', 7), key_file('other', 11));
my ($one, $two, $stranger) = (httpd('one', $key), httpd('two', $key), httpd('three', $other));

is(visit($one, '127.0.0.9'), 200, 'a client of whom nobody knows');
is(known('one', $key, '127.0.0.9'), 0, 'stays unknown');

is(system($machine, 'publish', $key, "127.0.0.1:$port", '127.0.0.2', 3000), 0,
    'a machine publishes what it knows of a client');
for my $name ('one', 'two') {
    my $server = $name eq 'one' ? $one : $two;
    is(known($name, $key, '127.0.0.2'), 0, "machine $name does not know it yet");
    is(visit($server, '127.0.0.2'), 200, 'the client comes');
    ok(comes_true(sub { known($name, $key, '127.0.0.2') == 3000 }), 'now it does');
}
is(known('one', $key, '127.0.0.3'), 0, 'its neighbour is another client');

# A machine with another key has other names for clients, and believes nothing.
is(visit($stranger, '127.0.0.2'), 200, 'the client comes to a machine with another key');
is(known('three', $other, '127.0.0.2'), 0, 'which does not know it');
ok($_->stop, 'stops') for $one, $two, $stranger;

# memcached stops answering; then it is gone.
for my $signal ('STOP', 'KILL') {
    kill $signal, $memcached;
    my $server = httpd("with$signal", $key);
    my %status;
    $status{ visit($server, "127.0.0.$_") }++ for 2 .. 40;
    is_deeply(\%status, {200 => 39}, "SIG$signal: every request is answered");
    ok(comes_true(sub { said($server, 'DI0403') }), 'the server is left alone');
    is(visit($server, '127.0.0.50'), 200, 'requests go on');
    ok($server->stop, 'and httpd stops');
}
waitpid $memcached, 0;
$memcached = 0;

# Settings that make no sense together.
my $server = private_server("SpeedProbe On\nSpeedProbeMemcached 127.0.0.1:$port\n");
is($server->get('/')->{status}, 200, 'without a key file: served');
is(said($server, 'SP0507'), 1, 'with a warning');
$server->stop;

done_testing();
