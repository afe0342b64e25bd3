# SPDX-License-Identifier: Apache-2.0
# push: files that httpd takes and files that it does not, checked by a real
# httpd in a ServerRoot of the test's own.
use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP;
use Test::More;

use Ctl;

my $dir   = folder();
my $httpd = $ENV{DI_HTTPD} || '/usr/sbin/apache2';
my $conf  = "$dir/conf.d";
my ($code, $out, $err);

mkdir $conf;
spew("$dir/httpd.conf", <<"EOT");
ServerRoot "$dir"
ServerName localhost
Listen 127.0.0.1:1
ErrorLog "$dir/error.log"
PidFile "$dir/pid"
IncludeOptional "$conf/*.conf"
EOT
if (!-e '/etc/apache2/mods-available/mpm_event.load') {
    plan skip_all => 'no mods-available folder';
}
my $mods = join '', map { slurp("/etc/apache2/mods-available/$_.load") }
  'mpm_event', 'alias';
spew("$dir/httpd.conf", $mods . slurp("$dir/httpd.conf"));
spew("$dir/graceful", "#!/bin/sh\necho told >>$dir/told\n"
      . "test ! -e $dir/fail || { echo no restart today; exit 1; }\n"
      . "test ! -e $dir/slow || sleep 20\n");
chmod 0755, "$dir/graceful";

my @where = ('--dir', $conf, '--httpd', "$httpd -f $dir/httpd.conf",
    '--graceful', "$dir/graceful");

sub push_text {
    my ($text, @argument) = @_;
    ($code, $out, $err) = ctl('push', spew("$dir/new", $text), 'a', @where,
        @argument);
    return;
}

sub told {
    my $times = () = slurp("$dir/told") =~ /told/g;
    unlink "$dir/told";
    return $times;
}

sub holds {
    my ($text, $previous, $what) = @_;
    is(slurp("$conf/a.conf"), $text, $what);
    is(slurp("$conf/a.conf.previous"), $previous, '... and what it was before');
    opendir my $all, $conf or die;
    is(join(' ', sort grep { !/^\.\.?$|lock$/ } readdir $all),
        join(' ', -e "$conf/a.conf" ? 'a.conf' : (),
            -e "$conf/a.conf.previous" ? 'a.conf.previous' : ()),
        '... nothing else is left');
    return;
}

# ---- One machine

push_text("Alias /1 /srv/1\nFrob x\n");
is($code, 1, 'a broken first file is refused');
like($err, qr{a\.conf refused by httpd:\n.*line 2 of \Q$conf\E/a\.conf.*Frob}s,
    '... by its line');
holds('', '', '... and is not there');
is(told(), 0, '... httpd is not told');

push_text("Alias /1 /srv/1\n");
is($code, 0, 'a good first file is taken') or diag($err);
is($out, "a.conf installed\n", '... and it is said');
holds("Alias /1 /srv/1\n", '', '... and is there');
is((stat "$conf/a.conf")[2] & 0777, 0644, '... readable');
is(told(), 1, '... httpd is told');

push_text("Alias /1 /srv/1\n");
is($code, 0, 'the same file again');
holds("Alias /1 /srv/1\n", '', '... changes nothing');
is(told(), 1, '... but httpd is told, to be sure');

chmod 0640, "$conf/a.conf";
push_text("Alias /2 /srv/2\n", '--json');
is($code, 0, 'the next one') or diag($err);
my $said = decode_json($out);
is($said->{result}, 'installed', '... is told as JSON');
my $apart = $said->{checked} eq 'apart';
holds("Alias /2 /srv/2\n", "Alias /1 /srv/1\n", '... is there');
is((stat "$conf/a.conf")[2] & 0777, 0640, '... with the mode of before');
told();

my $before = (stat "$conf/a.conf")[1];
push_text("<Location /x>\nAlias\n");
is($code, 1, 'a broken one is refused');
like($err, qr/line \d of|not closed/, '... by its line');
holds("Alias /2 /srv/2\n", "Alias /1 /srv/1\n", '... the old one is there');
SKIP: {
    skip 'no mount namespace here', 1 if !$apart;
    is((stat "$conf/a.conf")[1], $before, '... and was all the time');
}
is(told(), 0, '... httpd is not told');

spew("$dir/fail", '');
push_text("Alias /3 /srv/3\n");
is($code, 1, 'a graceful restart that fails');
like($err, qr/restart failed.*\nno restart today/s, '... is told');
holds("Alias /2 /srv/2\n", "Alias /1 /srv/1\n", '... the old one is there');
is(told(), 2, '... and httpd is told to go back');
unlink "$dir/fail";

my $site = fake_start() =~ s{/dynimage-admin}{}r;
fake_site(up => 'here');
push_text("Alias /3 /srv/3\n", '--verify', "$site/down");
is($code, 1, 'a site that does not answer afterwards');
like($err, qr{site does not answer.*in use:\n\Q$site\E/down: answered 404}s,
    '... is told');
holds("Alias /2 /srv/2\n", "Alias /1 /srv/1\n", '... the old one is there');
is(told(), 2, '... and httpd is told to go back');
push_text("Alias /2 /srv/2 \n", '--verify', "$site/up");
is($code, 0, '... one that does keeps the new one');
push_text("Alias /2 /srv/2 \n", '--verify', "$site/down");
is($code, 1, '... also for a file that is there already');
like($err, qr{is this already, and.*:\n\Q$site\E/down: answered 404}s,
    '... is told');
push_text("Alias /1 /srv/1\n");
push_text("Alias /2 /srv/2\n");

($code, $out, $err) = ctl('push', '--rollback', 'a', @where);
is($code, 0, '--rollback') or diag($err);
holds("Alias /1 /srv/1\n", "Alias /2 /srv/2\n", '... is the previous one');
($code, $out, $err) = ctl('push', '--rollback', 'b', @where);
is($code, 2, '... of one that has no previous one is 2');
($code, $out, $err) =
  ctl('push', "$dir/new", 'a', @where, '--httpd', '/no/such');
is($code, 1, 'a httpd that is not there takes nothing');
mkdir "$dir/tmp";
spew("$dir/look", "#!/bin/sh\nstat -c %a $dir/tmp/* >>$dir/modes\n");
chmod 0755, "$dir/look";
{
    local $ENV{TMPDIR} = "$dir/tmp";
    ctl('push', spew("$dir/new", "Alias /7 /srv/7\n"), 'private', @where,
        '--httpd', "$dir/look");
}
like(slurp("$dir/modes"), qr/^(700\n)+$/, 'what is tested lies where nobody else gets at it');
is_deeply([glob "$dir/tmp/*"], [], '... and nothing of it stays');
unlink "$conf/private.conf";
mkdir "$conf/f.conf";
($code, $out, $err) = ctl('push', "$dir/new", 'f', @where);
is($code, 2, 'a folder is not replaced');
rmdir "$conf/f.conf";

# ---- A folder that httpd does not read

mkdir "$dir/unread.d";
($code, $out, $err) = ctl('push', spew("$dir/new", "Frob\n"), 'a', @where,
    '--dir', "$dir/unread.d");
is($code, 1, 'a folder that httpd does not read is refused');
like($err, qr{not read \Q$dir\E/unread\.d/a\.conf: .*\n +IncludeOptional \Q$dir\E/unread\.d/\*\.conf},
    '... with what to write');
is_deeply([glob "$dir/unread.d/*"], [], '... and nothing is put there');
symlink $conf, "$dir/by-name.d";
($code, $out, $err) = ctl('push', spew("$dir/new", "Alias /1 /srv/1\n"), 'l',
    @where, '--dir', "$dir/by-name.d");
is($code, 0, '... one that it reads by another name is not') or diag($err);
unlink "$dir/by-name.d", glob "$conf/l.conf*";

# ---- Where no namespace can be had: as if unshare(2) were forbidden

my $filter = "$dir/unshare.so";
spew("$dir/unshare.c", "int unshare(int flags){(void)flags;return -1;}\n");
SKIP: {
    skip 'no compiler', 11
      if system("cc -shared -fPIC -o $filter $dir/unshare.c 2>/dev/null") != 0;
    my $preload = join ' ', grep { $_ } $ENV{LD_PRELOAD}, $filter;
    local $ENV{LD_PRELOAD} = $preload;
    local $ENV{ASAN_OPTIONS} = 'verify_asan_link_order=0';
    push_text("Frob\n");
    is($code, 1, 'without a namespace a broken one is refused too');
    like($err, qr/checked in its place.*line 1 of.*Frob/s, '... by its line');
    holds("Alias /1 /srv/1\n", "Alias /2 /srv/2\n", '... and undone');
    ($code, $out, $err) = ctl('push', spew("$dir/new", "Frob\n"), 'a', @where,
        '--dir', "$dir/unread.d");
    is($code, 1, '... one in a folder that httpd does not read is refused');
    is_deeply([glob "$dir/unread.d/*"], [], '... and undone');
    push_text("Alias /4 /srv/4\n");
    is($code, 0, '... a good one is taken');
    holds("Alias /4 /srv/4\n", "Alias /1 /srv/1\n", '... and there');
}

# ---- Killed in the middle, and two at once

spew("$dir/slow", '');
unlink "$dir/told";
my $pid = fork // die;
if (!$pid) {
    ctl_command("$dir/o", "$dir/e", 'push', spew("$dir/n2", "Alias /5 /srv/5\n"),
        'a', @where);
}
wait_for(sub { -e "$dir/told" });
kill KILL => $pid;
waitpid $pid, 0;
unlink "$dir/slow";
is(slurp("$conf/a.conf"), "Alias /5 /srv/5\n",
    'killed before httpd has answered, the file is the new one, whole');
push_text("Alias /6 /srv/6\n");
is($code, 0, '... and the next push goes on');
holds("Alias /6 /srv/6\n", "Alias /5 /srv/5\n", '... in order');

my @pids;
for my $n (1 .. 6) {
    my $text = $n % 2 ? "Alias /c$n /srv/c\n" : "Frob $n\n";
    spew("$dir/c$n", $text);
    push @pids, my $child = fork // die;
    ctl_command("$dir/o$n", "$dir/e$n", 'push', "$dir/c$n", 'a', @where)
      if !$child;
}
my @codes = map { waitpid $_, 0; $? >> 8 } @pids;
is("@codes", '0 1 0 1 0 1', 'six at once: each good one in, each broken one out');
like(slurp("$conf/a.conf"), qr/^Alias \/c[135] \/srv\/c\n$/, '... one is there');
like(slurp("$conf/a.conf.previous"), qr/^Alias \/c[135] /, '... one was before');

# ---- Machines, behind an ssh that is none

spew("$dir/ssh", <<"EOT");
#!/bin/sh
# OPTION HOST LINE: each host has a folder of its own
test "\$1" = -x || exit 9
test "\$2" != dead || { echo "ssh: connect to host dead: no route" >&2; exit 255; }
cd "$dir/\$2" && exec sh -c "\$3"
EOT
chmod 0755, "$dir/ssh";
mkdir "$dir/$_" for 'one', 'two', 'two/conf.d', 'one/conf.d';
sub machines {
    my ($text, @hosts) = @_;
    ($code, $out, $err) = ctl(
        'push', spew("$dir/new", $text), "it's.conf" =~ s/'//r,
        '--dir', "conf.d", '--httpd', "$dir/test-there",
        '--graceful', "$dir/graceful", '--ssh', "$dir/ssh -x",
        '--remote', $ENV{DI_CTL}, map { ('--machine', $_) } @hosts);
    return;
}
spew("$dir/test-there", "#!/bin/sh\n! grep -n Frob conf.d/*.conf\n");
chmod 0755, "$dir/test-there";
machines("Alias /1 /srv/1\n", 'one', 'dead', 'two');
is($code, 1, 'of three machines one is dead');
is($out, "one: its.conf installed\ntwo: its.conf installed\n",
    '... the others have the file');
like($err, qr/dead: failed:\n  ssh: connect to host dead.*1 of 3 machines failed/s,
    '... and it is said');
is(slurp("$dir/two/conf.d/its.conf"), "Alias /1 /srv/1\n", '... it is there');
machines("Frob\n", 'one', 'two');
is($code, 1, 'a broken file is refused there');
like($err, qr/one: failed:\n  .*refused by httpd.*Frob.*two: failed/s,
    '... by each machine');
is(slurp("$dir/one/conf.d/its.conf"), "Alias /1 /srv/1\n",
    '... which keeps the old one');
machines("Alias /2 /srv/2\n", 'one', 'two');
is($code, 0, 'the next good one is taken there') or diag($err);
($code, $out, $err) = ctl(
    'push', '--rollback', 'its', '--dir', 'conf.d', '--httpd',
    "$dir/test-there", '--graceful', "$dir/graceful", '--ssh', "$dir/ssh -x",
    '--remote', $ENV{DI_CTL}, '--machine', 'one');
is($out, "one: its.conf installed\n", '... and rolled back') or diag($err);
is(slurp("$dir/one/conf.d/its.conf"), "Alias /1 /srv/1\n", '... on one');
is(slurp("$dir/two/conf.d/its.conf"), "Alias /2 /srv/2\n", '... machine alone');
my $odd = "$dir/\$(touch x); 'q'";
mkdir $odd;
($code, $out, $err) = ctl('push', spew("$dir/new", "x\n"), 'n', '--dir', $odd,
    '--httpd', 'true', '--graceful', 'true', '--ssh', "$dir/ssh -x",
    '--remote', $ENV{DI_CTL}, '--machine', 'one');
is(slurp("$odd/n.conf"), "x\n", 'a folder of any name is one there')
  or diag($err);
ok(!-e "$dir/one/x", '... and nothing more');

# ---- A file that only a restart finds fault with, and a real httpd

my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
my $free = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
my ($busy_port, $port) = ($taken->sockport, $free->sockport);
close $free;
mkdir "$dir/www";
spew("$dir/www/index.html", 'here');
chmod 0755, $dir;
my $auth = slurp('/etc/apache2/mods-available/authz_core.load');
spew("$dir/httpd.conf", slurp("$dir/httpd.conf") =~ s/127\.0\.0\.1:1$/127.0.0.1:$port/mr
      . "$auth\nDocumentRoot \"$dir/www\"\nDefaultRuntimeDir \"$dir\"\n"
      . "Mutex file:$dir default\n"
      . ($< == 0 ? "User nobody\nGroup nogroup\n" : ''));
unlink glob "$conf/*.conf";
my $run = "$httpd -f $dir/httpd.conf";
system "$run -k start" and BAIL_OUT('no httpd');
sub answers {
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
}
sub ends { wait_for(sub { !-e "$dir/pid" }) }
END {
    local $?;
    if ($run && -e "$dir/pid") {
        system "$run -k stop";
        ends();
    }
}
ok(wait_for(\&answers), 'a httpd runs');
my @real = ('--dir', $conf, '--httpd', $run, '--graceful', "$run -k graceful",
    '--verify', "http://127.0.0.1:$port/index.html");
($code, $out, $err) =
  ctl('push', spew("$dir/new", "Alias /1 /srv/1\n"), 'r', @real);
is($code, 0, '... takes a good file') or diag($err);
($code, $out, $err) =
  ctl('push', spew("$dir/new", "Listen 127.0.0.1:$busy_port\n"), 'r', @real);
is($code, 1, '... ends over a port in use, which no test of it sees');
is(slurp("$conf/r.conf"), "Alias /1 /srv/1\n", '... the old file is back');
ok(wait_for(\&answers), '... and httpd runs again') or diag($err);

done_testing();
