# SPDX-License-Identifier: Apache-2.0
# prerender: where pictures are found, what is asked for, what goes wrong, and
# going on after a kill.
use strict;
use warnings;

use JSON::PP;
use Test::More;

use Ctl;

fake_start();
my $dir = folder();
my ($code, $out, $err);

sub seen_urls {
    my @urls = sort map { s/%(..)/chr hex $1/ger } map { /url=([^&]*)/g }
      grep { m{/prerender} } fake_seen();
    return @urls;
}

sub forget {
    unlink "$dir/fake-seen";
    return;
}

# ---- A document root

mkdir "$dir/root";
mkdir "$dir/root/b";
mkdir "$dir/root/.git";
spew("$dir/root/$_", $_)
  for 'a.jpg', 'A.PNG', 'b/c d.webp', 'b/%.gif', 'x.html', '.h.jpg',
  '.git/x.jpg', 'jpg';
symlink '..', "$dir/root/loop";
symlink 'a.jpg', "$dir/root/l.jpg";
mkdir "$dir/root/dir.jpg";

($code, $out, $err) =
  ctl('prerender', '--root', "$dir/root", '--url', 'http://a.example/s');
is($code, 0, 'a document root') or diag($err);
is_deeply(
    [seen_urls()],
    [map { "http://a.example/s/$_" } 'A.PNG', 'a.jpg', 'b/%25.gif', 'b/c%20d.webp', 'l.jpg'],
    '... its pictures, and nothing else') or diag(join "\n", fake_seen());
like($out, qr/^prerendered 5 of 5 pictures in 0:00\n  made 15, stored already 5, none 0, failed 0\n  5\.0 kB written, 0\.0 s of CPU\n$/,
    '... summed up');
is($err, '', '... quietly');
($code, $out) =
  ctl('--json', 'prerender', '--root', "$dir/root", '--batch', '1');
is(decode_json($out)->{made}, 15, '... as JSON too');
($code, $out) = ctl('prerender', '--root', "$dir/root", '--dry-run');
is($out, "/A.PNG\n/a.jpg\n/b/%25.gif\n/b/c%20d.webp\n/l.jpg\n",
    '--dry-run names them');
($code, $out, $err) =
  ctl('prerender', '--root', "$dir/root", '--max', '2', '--dry-run');
is($out, "/A.PNG\n/a.jpg\n", '--max is a bound');
like($err, qr/more pictures than --max 2/, '... and it is said');

# ---- A list

spew("$dir/list", "# some\n/a.jpg\r\n\nhttp://a.example/bad.jpg\n/boom.jpg\n/none.jpg\n"
      . join('', map { "/$_.jpg\n" } 1 .. 20));
forget();
($code, $out, $err) = ctl('prerender', '--list', "$dir/list", '--retries', '0');
is($code, 1, 'a list in which some fail is 1');
like($err, qr{failed: http://a.example/bad.jpg: source_broken}, '... one broken');
like($err, qr{failed: /boom.jpg: 500: stumbled}, '... one that costs a 500');
like($err, qr{failed: /none.jpg: httpd answers 404$}m, '... one that is not there');
like($out, qr/^prerendered 21 of 24/, '... the others are made');
cmp_ok(scalar(grep { m{/prerender} } fake_seen()), '<', 24,
    '... many of them together');
spew("$dir/bad-list", "/a.jpg\nb.jpg\n");
($code, $out, $err) = ctl('prerender', '--list', "$dir/bad-list");
is($code, 2, 'a list with something else is 2');
like($err, qr/bad-list:2: neither/, '... and names the line');

# ---- A server that is busy or away

fake_set(busy => 2);
($code, $out, $err) = ctl('prerender', '--root', "$dir/root");
is($code, 0, 'a busy server is asked again') or diag($err);
fake_set(busy => 100);
($code, $out, $err) = ctl('prerender', '--root', "$dir/root", '--retries', '0');
is($code, 1, 'one that stays busy is 1');
like($err, qr/503: the queue is full/, '... and it is said');
fake_set(busy => 0);
($code, $out, $err) = ctl('prerender', '--root', "$dir/root",
    '--admin', 'http://127.0.0.1:1/x');
is($code, 3, 'one that is not there is 3, at once');
spew("$dir/wrong", "wrong\n");
($code, $out, $err) = ctl('prerender', '--root', "$dir/root", '--key-file',
    "$dir/wrong");
is($code, 4, 'a wrong token is 4');
is(() = $err =~ /401/g, 1, '... said once');

# ---- Killed, and going on

my $state = "$dir/state";
my @resume = ('prerender', '--root', "$dir/many", '--resume', $state,
    '--batch', '2');
mkdir "$dir/many";
spew("$dir/many/$_.jpg", $_) for 100 .. 139;
fake_set(delay => 0.05);
forget();
my $pid = fork // die;
ctl_command("$dir/o", "$dir/e", @resume) if !$pid;
wait_for(sub { (() = slurp($state) =~ /\n/g) > 6 });
kill KILL => $pid;
waitpid $pid, 0;
fake_set(delay => 0);
my $done = () = slurp($state) =~ /^\d+-\d+ /mg;
cmp_ok($done, '>', 4, 'a run is killed in the middle');
cmp_ok($done, '<', 40, '... before its end');
spew($state, slurp($state) . '3-17 /many'); # as if cut off while writing
($code, $out) = ctl(@resume);
is($code, 0, '... and gone on with');
like($out, qr/prerendered @{[40 - $done]} of 40 .* \($done more had been done before\)/,
    '... from there');
my %times;
$times{$_}++ for seen_urls();
is(scalar keys %times, 40, '... all of them were asked for');
cmp_ok(scalar(grep { $_ > 1 } values %times), '<=', 2,
    '... those of one request twice at most');
forget();
($code, $out) = ctl(@resume);
is(scalar(seen_urls()), 0, 'a run that is done asks for nothing');
spew("$dir/many/120.jpg", 'longer than before');
($code, $out) = ctl(@resume);
is_deeply([seen_urls()], ['/120.jpg'], '... but for what has changed');
($code, $out, $err) =
  ctl('prerender', '--root', "$dir/many", '--resume', "$dir/list");
is($code, 2, 'a file that is no state is left alone');
like(slurp("$dir/list"), qr/^# some/, '... as it was');

# ---- What is known by URL alone

my $site = $ENV{DYNIMAGE_ADMIN} =~ s{/dynimage-admin}{}r;
fake_site('1.jpg' => 'one', '2.jpg' => 'two');
spew("$dir/urls", "/1.jpg\n$site/2.jpg\n/gone.jpg\n");
my @urls = ('prerender', '--list', "$dir/urls", '--resume', "$dir/urls.state");
($code, $out) = ctl(@urls);
is($code, 0, 'a list with a state file');
is(scalar(grep { /^HEAD/ } fake_seen()), 3, '... asks for validators');
forget();
($code, $out) = ctl(@urls);
is(join(' ', seen_urls()), '', '... so that it asks once');
fake_site('2.jpg' => 'another');
($code, $out) = ctl(@urls);
is(join(' ', seen_urls()), "$site/2.jpg", '... but for what has changed');

# ---- Ctrl-C

unlink $state;
forget();
fake_set(delay => 0.05);
$pid = fork // die;
ctl_command("$dir/o", "$dir/e", @resume) if !$pid;
wait_for(sub { (() = slurp($state) =~ /\n/g) > 6 });
kill INT => $pid;
waitpid $pid, 0;
is($? >> 8, 1, 'Ctrl-C ends it with 1');
like(slurp("$dir/e"), qr/same command goes on from here \(--resume/,
    '... and says how to go on');
like(slurp("$dir/o"), qr/^prerendered \d+ of 40/, '... after the summary');
is(scalar(() = slurp($state) =~ /^\d+-\d+ /mg), scalar(seen_urls()),
    '... with its last request finished');

# ---- Two at a time

unlink $state, "$dir/e";
$pid = fork // die;
ctl_command("$dir/o", "$dir/e", @resume) if !$pid;
wait_for(sub { (() = slurp($state) =~ /\n/g) > 4 });
($code, $out, $err) = ctl(@resume);
is($code, 2, 'a state file is used by one run at a time');
like($err, qr/another prerender/, '... and it is said');
waitpid $pid, 0;
fake_set(delay => 0);

# ---- Rate and jobs

forget();
($code, $out) = ctl('--json', 'prerender', '--root', "$dir/root", '--rate', '5',
    '--jobs', '4', '--batch', '1');
is($code, 0, 'several jobs under one rate');
cmp_ok(decode_json($out)->{seconds}, '>=', 0.7, '... are not faster than it');

# ---- Watching

forget();
$pid = fork // die;
ctl_command("$dir/o", "$dir/e", 'prerender', '--root', "$dir/root", '--watch')
  if !$pid;
ok(wait_for(sub { slurp("$dir/o") =~ /^watching/m }), 'a root is watched');
sub appears {
    my ($name, $what) = @_;
    return ok(wait_for(sub { grep { $_ eq $name } seen_urls() }), $what);
}
forget();
spew("$dir/root/new.jpg", 'new');
appears('/new.jpg', '... a new file is seen');
forget();
spew("$dir/root/b/c d.webp", 'changed');
appears('/b/c%20d.webp', '... a changed one in a folder too');
mkdir "$dir/root/d";
mkdir "$dir/root/d/e";
spew("$dir/root/d/e/f.jpg", 'x');
appears('/d/e/f.jpg', '... one in a folder that is new');
select undef, undef, undef, 1;
forget();
spew("$dir/root/d/e/g.jpg", 'x');
appears('/d/e/g.jpg', '... which is watched itself');
forget();
rename "$dir/root/d", "$dir/root/moved";
appears('/moved/e/f.jpg', '... a folder that moved');
forget();
spew("$dir/root/moved/e/h.jpg", 'x');
appears('/moved/e/h.jpg', '... is watched under its new name');
spew("$dir/root/y.html", 'x');
select undef, undef, undef, 0.7;
is(scalar(grep { /html/ } seen_urls()), 0, '... nothing else is seen');
kill TERM => $pid;
waitpid $pid, 0;
is($?, 0, '... until it is told to end');

done_testing();
