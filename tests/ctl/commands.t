# SPDX-License-Identifier: Apache-2.0
# Options, exit codes, and what each command prints.
use strict;
use warnings;

use JSON::PP;
use Test::More;

use Ctl;

my $admin = fake_start();
my $out;
my $err;

sub runs {
    my ($argument, $code, $what) = @_;
    my $exit;
    ($exit, $out, $err) = ctl(@$argument);
    is($exit, $code, $what) or diag("$out$err");
    return;
}

# ---- The command line

for my $case (
    [[],                                'no command'],
    [['frobnicate'],                    'a command that is none'],
    [['status', '--frobnicate'],        'an option that is none'],
    [['status', 'x'],                   'an argument too many'],
    [['status', '--json=1'],            'a flag with a value'],
    [['explain'],                       'explain without a URL'],
    [['explain', '/a', '--kbps', '1x'], 'a number that is none'],
    [['explain', '/a', '--kbps', '0'],  'a number out of range'],
    [['explain', '/a', '--kbps'],       'an option without its value'],
    [['purge'],                         'purge of nothing'],
    [['purge', '--all', '/a'],          'purge of all and of something'],
    [['report', '--format', 'xml'],     'a format that is none'],
    [['report', '--tariff', 'x=1'],     'a tariff with a key that is none'],
    [['prerender'],                     'prerender of nothing'],
    [['prerender', '--root', '/no/such'], 'prerender of no folder'],
    [['prerender', '--list', '-', '--crawl', 'http://a/'], 'of two sources'],
    [['prerender', '--list', '-', '--watch'], 'watching a list'],
    [['push', 'x'],                     'push without a name'],
    [['push', '/dev/null', '../x'],     'push to another folder'],
    [['push', '/dev/null', 'x', '--machine', '-oX'], 'a machine -oX'],
    [['--key-file', '/no/such', 'status'], 'a key file that is not there'],
    [['--config', '/no/such', 'status'],   'a settings file that is not there'],
) {
    runs($case->[0], 2, "usage: $case->[1]");
    like($err, qr/^dynimagectl: /, '... and it says so');
}
runs(['--help'], 0, 'help');
like($out, qr/prerender.*purge.*explain.*report.*push/s, '... of all commands');
runs(['--version'], 0, 'version');
like($out, qr/^dynimagectl \d/, '... is a number');

# ---- Servers that do not do it

runs(['--admin', 'http://127.0.0.1:1/x', 'status'], 3, 'nobody there is 3');
runs(['--admin', "$admin/x", 'status'], 3, 'an error is 3');
runs(['check', '/a'], 3, 'a 404 is 3');
like($err, qr{/check: 404: nothing here}, '... with the server\'s sentence');
spew(folder() . '/wrong', "wrong\n");
runs(['--key-file', folder() . '/wrong', 'status'], 4, 'a wrong token is 4');
like($err, qr/401: who are you/, '... with the server\'s sentence');

# ---- Settings

{
    local $ENV{DYNIMAGE_ADMIN};
    local $ENV{DYNIMAGE_KEY_FILE};
    delete $ENV{DYNIMAGE_ADMIN};
    delete $ENV{DYNIMAGE_KEY_FILE};
    fake_answer(status => {version => '1'});
    spew(folder() . '/conf',
        "# a comment\nadmin $admin/\n\n  key-file " . folder() . "/key # x\n");
    runs(['--config', folder() . '/conf', 'status'], 0, 'a settings file');
    spew(folder() . '/conf', "admin $admin\nfrob x\n");
    runs(['--config', folder() . '/conf', 'status'], 2, 'one with an error');
    like($err, qr/conf:2: no setting 'frob'/, '... names the line');
}
{
    local $ENV{DYNIMAGE_ADMIN} = $admin =~ s/127.0.0.1/a.example/r;
    my ($port) = $admin =~ /:(\d+)/;
    runs(['--resolve', "127.0.0.1:$port", 'status'], 0, '--resolve');
}

# ---- purge

runs(['purge', '/a b/', 'http://b.example/x.jpg?y=1&z'], 0, 'purge');
is($out, "purged a.example/a b/ and all below\n"
      . "purged b.example/x.jpg?y=1&z\n", '... says what was purged');
spew(folder() . '/urls', "# two\n/l1\n\n/l2\r\n");
runs(['purge', '--list', folder() . '/urls'], 0, 'purge of a list');
is($out, "purged a.example/l1\npurged a.example/l2\n", '... is of its lines');
spew(folder() . '/urls', "# none\n");
runs(['purge', '--list', folder() . '/urls'], 2, 'purge of an empty list');
runs(['purge', '--list', folder() . '/urls', '/a'], 2, 'purge of a list and more');
runs(['purge', "/c\x9b1m\x1b"], 0, 'purge of terminal controls');
is($out, "purged a.example/c?1m?\n", '... shows none');
for my $case (
    ['http://admin.example.invalid/a', 1], ['https://admin.example.invalid/a', 0],
    ['http://127.0.0.1:1/a',           0], ['http://localhost.invalid/a',      1],
) {
    (undef, undef, my $said) = ctl('status', '--admin', $case->[0]);
    is(() = $said =~ /token goes to .* without encryption/g, $case->[1],
        "a token for $case->[0]");
}
runs(['purge', '--all'], 0, 'purge of all');
is($out, "purged every site\n", '... says so');
is((fake_seen())[-1], 'POST /dynimage-admin/purge all=1', '... is all=1');
runs(['--json', 'purge', '/x'], 0, 'purge --json');
is_deeply(decode_json($out)->{purged}[0]{path}, '/x', '... is JSON');
runs(['--quiet', 'purge', '/x'], 0, 'purge --quiet');
is($out . $err, '', '... says nothing');
runs(['purge', map { "/$_" x 200 } 1 .. 400], 0, 'purge of many');
is(() = $out =~ /^purged/mg, 400, '... in more than one request');

# ---- explain, check, status

my %stored = (level => 'disk', bytes => 54243, format => 'jpeg', width => 900,
    height => 675, made => 1700000000, reason => 'rendered');
fake_answer(explain => {
    url => '/p.jpg', file => '/srv/p.jpg', bytes => 1893066, mode => 'hybrid',
    customer => 'a.example', purged => 0, kbps => 100, band => 'low',
    tier => 'low', reason => 'rendered', would => "send it\e[2J",
    tiers => [
        {tier => 'low', band => 'low', original => JSON::PP::false,
            formats => ['jpeg', 'webp'], key => 'k', stored => \%stored},
        {tier => 'full', band => 'broad', original => JSON::PP::true,
            formats => [], key => 'k', stored => undef},
    ]});
runs(['explain', '/p.jpg', '--kbps', '100', '--accept', 'image/webp,*/*'],
    0, 'explain');
is((fake_seen())[-1], 'GET /dynimage-admin/explain?url=/p.jpg&kbps=100'
      . '&accept=image/webp%2C%2A/%2A ', '... asks with speed and types');
like($out, qr/^  gets      tier low \(rendered\): send it\?\[2J$/m,
    '... says what is got, without what a terminal would obey');
like($out, qr/^>  low   low    jpeg webp  disk      jpeg  900x675  54\.2 kB  \S+ \S+  rendered$/m,
    '... shows what is stored');
like($out, qr/^   full  broad  -          original  -     -              -  -  /m,
    '... and what is not');
runs(['explain', '/p.jpg', '--json'], 0, 'explain --json');
is(decode_json($out)->{tiers}[0]{stored}{bytes}, 54243, '... is the answer');

fake_answer(check => {url => '/p.jpg', file => '/srv/p.jpg',
    settings => {DynImageMode => 'hybrid', DynImageQuota => '2G'},
    bands => ['low', 'broad'],
    tiers => [{name => 'low', recipe => 'fit=900 quality=60'}]});
runs(['check', '/p.jpg'], 0, 'check');
like($out, qr/^  DynImageMode   hybrid$/m, '... shows settings');
like($out, qr/^  low   fit=900 quality=60$/m, '... and recipes');

fake_answer(status => {version => '0.1', pool => {workers => 2, busy => 0},
    memcached => [{server => 'a:1', open => JSON::PP::false}]});
runs(['status'], 0, 'status');
like($out, qr/^pool\n  busy     0\n  workers  2$|^pool\n  workers  2\n  busy     0$/m,
    '... is a tree');
like($out, qr/^memcached\n.*server  a:1/ms, '... of servers too');

# ---- report

sub customer {
    my ($now, $requests, $cpu) = @_;
    my %cell = (requests => 0, bytes => 0, saved_bytes => 0);
    return {customer => '=a,b', since => 1000, now => $now,
        stored_bytes => 5_000_000, stored_files => 7,
        quota_bytes => 10_000_000, quota_files => 100,
        byte_seconds => 0, renders => 4, render_us => $cpu, reclaimed => 1,
        refused => 0,
        tiers => [{tier => 'low',
            hit => {requests => $requests, bytes => 2000, saved_bytes => 3000},
            rendered => \%cell, stand_in => \%cell, original => \%cell}]};
}
fake_answer(report => {customers => [customer(1000 + 2592000, 5000, 7.2e9)]});
runs(['report'], 0, 'report');
like($out, qr/stored     5\.0 MB in 7 files of 10\.0 MB \(50 %\)/, '... stored');
like($out, qr/^  low   from store      5000  2\.0 kB  3\.0 kB$/m, '... cells');
runs(['report', '--customer', 'x', '--format', 'csv'], 0, 'report as CSV');
is((fake_seen())[-1], 'GET /dynimage-admin/report?customer=x ',
    '... of one customer');
like($out, qr/^customer,tier,result,figure,value$/m, '... as the handler gives it');
like($out, qr/^"'=a,b",low,hit,requests,5000\n\S+,bytes,2000\n\S+,saved_bytes,3000$/m,
    '... no formula for a spreadsheet');
like($out, qr/^"'=a,b",,,$_$/m, "... $_")
  for 'now,2593000', 'stored_bytes,5000000', 'render_us,7200000000';
my $tariff = 'currency=EUR flat=10 per_1000_requests=0.50 per_cpu_hour=2';
runs(['report', '--tariff', $tariff], 0, 'report with a tariff');
like($out, qr/^  total .*EUR +16\.50$/m, '... is a bill: 10 + 2.50 + 4');
runs(['report', '--json', '--tariff', $tariff], 0, 'the bill as JSON');
is(decode_json($out)->{bills}[0]{total}, 16.5, '... has the same total');
runs(['report', '--format', 'csv', '--tariff', $tariff], 0, 'the bill as CSV');
like($out, qr/,total,,,,,16\.50,EUR$/m, '... has the same total');
runs(['report', '--json'], 0, 'an earlier report');
my $earlier = spew(folder() . '/earlier', $out);
fake_answer(report =>
      {customers => [customer(1000 + 2 * 2592000, 6000, 7.2e9 + 3.6e9)]});
runs(['report', '--since', $earlier, '--tariff',
        spew(folder() . '/tariff', "# of us\n$tariff\n")],
    0, 'a bill since then, by a tariff in a file');
like($out, qr/^  total .*EUR +12\.50$/m, '... is of the month: 10 + 0.50 + 2');
runs(['report', '--since', folder() . '/key'], 2, 'a report that is none');

done_testing();
