# SPDX-License-Identifier: Apache-2.0
# What the server remembers of clients outlives restarts, stops and kills; and
# what stands in the way of that is said, and done without.
use strict;
use warnings;
use lib 'lib';

use Fcntl qw(:mode);
use File::Temp ();
use Private;
use Test::More;

my $dir = File::Temp->newdir;
my $state = "$dir/state";
my $quiet = "LogLevel warn speedprobe:info\n";

sub key_file {
    my ($name, $factor) = @_;
    open my $file, '>', "$dir/$name" or die;
    print $file join('', map { sprintf '%02x', $_ * $factor % 256 } 1 .. 32), "\n";
    close $file;
    return "SpeedProbeKeyFile $dir/$name\n";
}

my $on = "${quiet}SpeedProbe On\nSpeedProbePassive Off\nSpeedProbeTable 1000\nSpeedProbeStateFile $state\n"
  . key_file('key', 7);

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return <$file>;
}

# The log lines of a tag.
sub lines {
    my ($server, $tag) = @_;
    return grep { /$tag/ } split /\n/, slurp($server->{log});
}

sub pids_of {
    my ($server) = @_;
    my $parent = $server->pid;
    return ($parent, split ' ', `ps -o pid= --ppid $parent`);
}

# What the table in the file says of a client, kbit/s; and saying it.
my $machine = "$ENV{DI_BUILD}/tests/unit/another_machine";

sub known {
    chomp(my $kbps = `$machine look $dir/key $state 1000 192.0.2.7`);
    return $kbps;
}

sub learn {
    my ($kbps) = @_;
    return system $machine, 'put', "$dir/key", $state, 1000, '192.0.2.7', $kbps;
}

# Restart, with something else in the configuration; how many tables were made.
sub graceful {
    my ($server, $from, $to) = @_;
    my $before = () = lines($server, 'SP0501');
    my $conf = "$server->{dir}/httpd.conf";
    my $text = slurp($conf);
    $text =~ s/$from/$to/ if defined $from;
    open my $file, '>', $conf or die;
    print $file $text;
    close $file;
    kill 'USR1', $server->pid;
    for (1 .. 100) {
        last if (() = lines($server, 'SP0501')) > $before;
        select undef, undef, undef, 0.1;
    }
    return (() = lines($server, 'SP0501')) - $before;
}

my $server = private_server($on);
is($server->get('/')->{status}, 200, 'served');
like((lines($server, 'SP0501'))[-1], qr/table of 1000 clients in \Q$state\E .*: 0 clients/,
    'the table lies in the file');
my @stat = stat $state;
is(S_IMODE($stat[2]), 0600, 'which nobody else may read');
is($stat[4], $>, 'and belongs to who started httpd');
cmp_ok($stat[12] * 512, '>=', $stat[7], 'and has its blocks');
is(known(), 0, 'an empty table knows nobody');
is(learn(3000), 0, 'a client is learned');
is(known(), 3000, 'and known');

# A graceful restart: the same memory.
is(graceful($server), 1, 'a graceful restart takes it over');
is((stat $state)[1], $stat[1], 'in the same file');
is(known(), 3000, 'P20: the client is still known');
like((lines($server, 'SP0501'))[-1], qr/: 1 clients/, 'and counted');
is(learn(4000), 0, 'its row changes');
is($server->get('/')->{status}, 200, 'served');

# Two httpd on one file.
my $second = private_server($on);
is($second->get('/')->{status}, 200, 'a second httpd on the same file serves');
like((lines($second, 'SP0503'))[0], qr/in use by another httpd/, 'and says that it has no file');
like((lines($second, 'SP0501'))[-1], qr/in memory/, 'but memory');
ok($second->stop, 'it stops');

# Stop and start, kill and start.
ok($server->stop, 'stopped');
$server = private_server($on);
is(known(), 4000, 'P20: still known after a stop and a start');
is((stat $state)[1], $stat[1], 'in the same file');
kill 'KILL', pids_of($server);
unlink "$server->{dir}/pid";
$server = private_server($on);
like((lines($server, 'SP0501'))[-1], qr/in \Q$state\E/, 'after kill -9 of all the file is free');
is(known(), 4000, 'P20: and the client is known');
ok($server->stop, 'stopped');

# Rows that mean something else, or whose keys are gone, are not kept.
for my $case (
    ['SpeedProbeTable 1000', 'SpeedProbeTable 2000', 'another size'],
    [qr/SpeedProbeKeyFile \S+\n/, key_file('other', 11), 'another key'],
    [qr/SpeedProbeKeyFile \S+\n/, '', 'no key file'])
{
    my ($from, $to, $name) = @$case;
    (my $changed = $on) =~ s/$from/$to/;
    $server = private_server($on);
    learn(3000);
    $server->stop;
    my $inode = (stat $state)[1];
    $server = private_server($changed);
    like((lines($server, 'SP0501'))[-1], qr/: 0 clients/, "$name: nobody is known");
    isnt((stat $state)[1], $inode, 'in a new file');
    is($server->get('/')->{status}, 200, 'served');
    is(scalar(lines($server, 'SP0506')), $to eq '' ? 1 : 0, 'a file without a key file is remarked');
    $server->stop;
}

# Garbage of the right size, and of a wrong one.
my $size = -s $state;
for my $bytes ($size, 100) {
    open my $file, '>', $state or die;
    print $file "\xa5" x $bytes;
    close $file;
    $server = private_server($on);
    is($server->get('/')->{status}, 200, "$bytes bytes of garbage: served");
    is(scalar(lines($server, 'SP050[2-5]')), 0, 'with a new file');
    $server->stop;
}

# Files that cannot be had.
for my $path ("$dir/no/such/folder", '/dev/null', '/dev/full', "$dir") {
    (my $changed = $on) =~ s/\Q$state\E/$path/;
    $server = private_server($changed);
    is($server->get('/')->{status}, 200, "$path: served");
    is(scalar(lines($server, 'SP0502')), 1, 'and said');
    like((lines($server, 'SP0501'))[-1], qr/in memory/, 'with memory instead');
    $server->stop;
}

# Other settings at a graceful restart, while old children may still work.
$server = private_server($on);
learn(3000);
for my $case (
    ['SpeedProbeTable 1000', 'SpeedProbeTable 3000', qr/3000 clients in \Q$state\E.*: 0 clients/],
    [$state, "$state.2", qr/in \Q$state.2\E.*: 0 clients/],
    [qr/SpeedProbeStateFile \S+\n/, '', qr/in memory.*: 0 clients/])
{
    my ($from, $to, $line) = @$case;
    is(graceful($server, $from, $to), 1, "graceful restart with $to");
    like((lines($server, 'SP0501'))[-1], $line, 'takes it');
    is($server->get('/')->{status}, 200, 'served');
}
is(scalar(lines($server, 'SP050[2-5]')), 0, 'without trouble');
is(scalar(lines($server, 'signal')), 0, 'and no child dies');
$server->stop;

# No table at all.
(my $none = $on) =~ s/SpeedProbeTable 1000/SpeedProbeTable none/;
$server = private_server($none);
is($server->get('/')->{status}, 200, 'no table: served');
is(scalar(lines($server, 'SP05')), 0, 'without a word');
$server->stop;

done_testing();
