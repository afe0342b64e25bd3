# SPDX-License-Identifier: Apache-2.0
# Clients that run no script and keep no cookie: right pages, nothing kept.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use HTTP::Tiny ();
use Page;
use Private;
use Test::More;
use Watch;

client('guard');
my $html = '<!doctype html><html><head><title>T</title></head><body>page</body></html>';
page_file('page.html', $html);
my %agents = (
    curl   => ['User-Agent' => 'curl/8.5.0', Accept => '*/*'],
    bot    => ['User-Agent' => 'Mozilla/5.0 (compatible; Googlebot/2.1)', From => 'bot@example'],
    lynx   => ['User-Agent' => 'Lynx/2.9.0', Accept => 'text/html, text/plain'],
    nobody => ['User-Agent' => ''],
);
my $first;
for my $name (sort keys %agents) {
    my $before = counters();
    my $res  = get('/sp/page.html', @{ $agents{$name} });
    my $head = head('/sp/page.html', @{ $agents{$name} });
    is($res->{status}, 200, "P20: $name: a page");
    is(less_ours($res->{content}), $html, "P20: $name: and the right one");
    is($res->{headers}{'set-cookie'}, undef, "P20: $name: no cookie");
    is($head->{headers}{'content-length'}, length $res->{content}, "P20: $name: HEAD tells its length");
    $first //= $res->{content};
    is($res->{content}, $first, "P20: $name: the same bytes for all");
    is_deeply(counted($before), { pages_injected => 2 }, "P20: $name: two pages, nothing else");
}
is(less_ours(get('/sp/page.html', Range => 'bytes=0-9')->{content}), substr($html, 0, 10),
    'P20: a range is one of the page as it is');

# On a server of its own: what is kept of them, and of who has not agreed.
my $server = private_server(<<'EOT');
SpeedProbe On
SpeedProbeConsent cookies_ok
<Location /server-status>
    SetHandler server-status
</Location>
EOT
my $url = "$server->{base}/server-status";

sub say_it {
    my (@headers) = @_;
    return HTTP::Tiny->new->post("$server->{base}/speedprobe-beacon",
        { content => fresh('v=1&rb=1251448&rd=100000&rn=1&rt=60'), headers => {@headers} });
}
$server->get($_) for ('/sp/page.html', '/photos/fig.jpg', '/nothing') x 5;
is(counters($url)->{table_clients}, 0, 'P20: clients that report nothing have no row');
say_it();
is(counters($url)->{table_clients}, 0, 'P21: nor has one that has not agreed');
is(say_it(Cookie => 'cookies_ok=1')->{status}, 204, 'one that has agreed reports');
is(counters($url)->{table_clients}, 1, 'and has a row');
ok($server->stop, 'it stops');
undef $server;

watch_end();
done_testing();
