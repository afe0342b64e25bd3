# SPDX-License-Identifier: Apache-2.0
# SpeedProbeAssume in every scope, and everybody who reads the variables.
use strict;
use warnings;
use lib 'lib';

use Client;
use Page;
use Test::More;
use Watch;

client('speeds');
page_file($_, "$_\n")
  for qw(low.txt other.txt single.txt dir/a.txt ht/a.txt perdir/low.txt perdir/choose);
page_file('ht/.htaccess', "SpeedProbeAssume 500 40\n");

my @cases = (
    ['/sp/other.txt',       '(null) medium none (null)', 'nothing is known'],
    ['/location/other.txt', '100 low assume 600',        'Location'],
    ['/sp/dir/a.txt',       '3000 broad assume (null)',  'Directory'],
    ['/sp/ht/a.txt',        '500 medium assume 40',      '.htaccess'],
    ['/sp/single.txt',      '64 low assume (null)',      'Files'],
    ['/none/other.txt',     '(null) medium none (null)', 'none'],
    ['/offhere/other.txt',  '(null) (null) (null) (null)', 'Off'],
    ['/bands/other.txt',    '60 walk assume (null)',     'bands of a scope'],
);
for my $case (@cases) {
    my ($path, $speed, $name) = @$case;
    is(get($path)->{headers}{'x-speed'}, $speed, $name);
}
is(get('/choose')->{content}, "low.txt\n", 'RewriteCond of a server sees the band');
is(get('/sp/perdir/choose')->{content}, "perdir/low.txt\n", 'RewriteCond of a folder sees it');
is(get('/iflow/other.txt')->{headers}{'x-if'}, 'low', '<If> sees it');
is(get('/sp/other.txt')->{headers}{'x-if'}, undef, 'and only where it holds');

# A cookie is known before anything is mapped.
my $said = ask('POST', '/speedprobe-beacon',
    fresh('v=1&rb=1251448&rd=100000&rn=1&rt=60'));
my ($cookie) = $said->{headers}{'set-cookie'} =~ /^(sp=[^;]+)/;
is(get('/sp/other.txt', Cookie => $cookie)->{headers}{'x-if'}, 'low', '<If> sees a cookie');
is(get('/location/other.txt', Cookie => $cookie)->{headers}{'x-speed'},
    '100 low assume 600', 'what is assumed goes first');

client('assumed');
is(get('/sp/other.txt')->{headers}{'x-speed'}, '20000 broad assume 20', 'VirtualHost');

watch_end();
done_testing();
