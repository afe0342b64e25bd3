# SPDX-License-Identifier: Apache-2.0
# Clients that run no script and keep no cookie: right pages, nothing kept.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use Page;
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

watch_end();
done_testing();
