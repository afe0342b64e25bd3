# SPDX-License-Identifier: Apache-2.0
# A process that httpd's parent forked for something else (here mod_cgid's
# daemon) and that outlives the killed parent does not keep the files of state
# from the next httpd.
use strict;
use warnings;
use lib 'lib';

use Client ();
use File::Temp ();
use IO::Socket::INET ();
use Private;
use Test::More;
use Watch;

my ($libexec) = modules_line() =~ m{(\S+)/mod_mime\.so};
my $event = modules_line() =~ /mpm_event/;
if (!$event || !-e "$libexec/mod_cgid.so") {
    plan skip_all => 'needs mpm_event and mod_cgid';
}

my $dir = File::Temp->newdir;
chmod 0755, "$dir";
# Last, so that its daemon is forked when the others have their files.
my $server = private_server(<<"EOT", 'cgid_module');
LoadModule cgid_module $libexec/mod_cgid.so
ScriptSock $dir/cgid
LogLevel warn speedprobe:info
SpeedProbe On
SpeedProbePassive Off
SpeedProbeTable 1000
SpeedProbeStateFile $dir/clients
DynImage On
EOT
my $parent = $server->pid;

# The daemon among httpd's processes: the other ones have threads, or are of
# the render pool.
sub threads { return scalar(() = glob "/proc/$_[0]/task/*") }

# A child that has just been forked has no threads yet.
my ($daemon, @more);
for (1 .. 200) {
    ($daemon, @more) = grep {
        threads($_) == 1
          && (eval { Client::slurp("/proc/$_/comm") } // '') !~ /^di-/
    } Client::children($parent);
    last if $daemon && !@more;
    select undef, undef, undef, 0.05;
}
ok($daemon && !@more, 'the daemon for CGI is known');

sub has_open {
    my ($pid, $path) = @_;
    return scalar grep { (readlink($_) // '') eq $path } glob "/proc/$pid/fd/*";
}
my @files = ("$server->{dir}/state/books", "$dir/clients");
ok(has_open($daemon, $_), "it has $_ open") for @files;

sub runs {
    my ($pid) = @_;
    my $stat = eval { Client::slurp("/proc/$pid/stat") } // '';
    return $stat =~ /\) [^ZX] / ? 1 : 0;
}

# All but the daemon, without a word to it.
kill 'STOP', $daemon;
my @all = my @next = ($parent);
push @all, @next while @next = map { Client::children($_) } @next;
@all = grep { $_ != $daemon } @all;
kill 'STOP', @all;
kill 'KILL', @all;
for (1 .. 1000) {
    last unless grep { runs($_) } @all;
    select undef, undef, undef, 0.005;
}

# It may hold httpd's listener as well, which is not what this is about.
my $conf = "$server->{dir}/httpd.conf";
my $text = Client::slurp($conf);
my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
  ->sockport;
$text =~ s/^Listen 127\.0\.0\.1:\d+$/Listen 127.0.0.1:$port/m or die;
open my $file, '>', $conf or die;
print $file $text;
close $file;
$server->{base} = "http://127.0.0.1:$port";
truncate $server->{log}, 0;
$server->start;

ok(runs($daemon), 'the daemon still lives');
my $log = Client::slurp($server->{log});
unlike($log, qr/DI061[124]/, 'the books are taken again');
unlike($log, qr/SP050[2-5]/, 'and so are the clients');
like($log, qr/SP0501: table of 1000 clients in \Q$dir\E/, 'from the file');
ok(has_open($server->pid, $_), "$_ is the new httpd's") for @files;

kill 'KILL', $daemon;
ok($server->stop, 'the server stops');
undef $server;
watch_end();
done_testing();
