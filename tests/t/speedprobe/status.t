# SPDX-License-Identifier: Apache-2.0
# Counters: in mod_status for people and programs, over processes and graceful
# restarts; and httpd without mod_status.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use Page;
use Private;
use Test::More;
use Watch;

client('guard');
my $html = get('/server-status')->{content};
my $all  = counters();
cmp_ok(scalar keys %$all, '>', 20, 'every counter is a line');
for my $name (sort keys %$all) {
    like($html, qr{<tr><td>$name</td><td align="right">\d+</td><td>[a-z]+</td><td>.{10,}</td></tr>},
        "and a row: $name");
}

my $page = '<!doctype html><html><head></head><body>page</body></html>';
page_file('page.html', $page);
my $text = "SpeedProbe On\n<Location /server-status>\nSetHandler server-status\n</Location>\n";
my $server = private_server($text);
my $url    = "$server->{base}/server-status";
my $were = counters($url)->{pages_injected};
in_parallel(4, sub { $server->get('/sp/page.html') for 1 .. 25; return 1 });
is(counters($url)->{pages_injected} - $were, 100, 'processes and threads lose none');

# Wait until the children are new ones.
my @old = children($server->pid);
kill 'USR1', $server->pid;
for (1 .. 100) {
    select undef, undef, undef, 0.1;
    my %now = map { $_ => 1 } children($server->pid);
    last if %now && !grep { $now{$_} } @old;
}
my %now = map { $_ => 1 } children($server->pid);
ok(%now && !grep({ $now{$_} } @old), 'httpd has restarted gracefully');
is(counters($url)->{pages_injected} - $were, 100, 'a graceful restart keeps them');
$server->get('/sp/page.html');
is(counters($url)->{pages_injected} - $were, 101, 'and counts on');
ok($server->stop, 'it stops');

my $without = private_server("SpeedProbe On\n", 'status_module');
is($without->get('/sp/page.html')->{status}, 200, 'httpd runs without mod_status');
ok($without->stop, 'and stops');

watch_end();
done_testing();
