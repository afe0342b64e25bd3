# SPDX-License-Identifier: Apache-2.0
# Who the client is: its address on the connection, or what mod_remoteip makes
# of a header that somebody trusted has set.
use strict;
use warnings;
use lib 'lib';

use Client;
use Page;
use Test::More;
use Watch;

page_file('plain.txt', "plain\n");
my $good = 'v=1&rb=1251448&rd=100000&rn=1&rt=60';

sub cookie_for {
    my $said = ask('POST', '/speedprobe-beacon', fresh($good), @_);
    my ($cookie) = ($said->{headers}{'set-cookie'} // '') =~ /^(sp=[^;]*)/;
    ok($cookie, "a cookie for (@_)") or diag explain $said;
    return $cookie // '';
}
sub speed { return get('/sp/plain.txt', @_)->{headers}{'x-speed'} }

my @here = ('X-Forwarded-For' => '203.0.113.7');
my %known = (1 => '101 low cookie', 0 => '(null) medium none');

# [made for, read for, known]
my @cases = (
    [[], [], 1, 1], [\@here, \@here, 1, 1],
    [[], \@here, 1, 0], [\@here, [], 1, 0],
    [\@here, ['X-Forwarded-For' => '198.51.100.7'], 1, 0],
    [\@here, ['X-Forwarded-For' => '198.51.100.7, 203.0.113.99'], 1, 1],
    [['X-Forwarded-For' => '2001:db8:1:2::7'], ['X-Forwarded-For' => '2001:db8:1:3::9'], 1, 1],
    [['X-Forwarded-For' => '2001:db8:1:2::7'], ['X-Forwarded-For' => '2001:db8:2::7'], 1, 0],
    [['X-Forwarded-For' => 'nonsense'], [], 1, 1],
);
for my $at (0, 1) {
    my $vhost = ('direct', 'proxied')[$at];
    client($vhost);
    for my $case (@cases) {
        my ($made, $read) = @$case;
        my $name = "made for (@$made), read for (@$read)";
        is(speed(Cookie => cookie_for(@$made), @$read), $known{ $case->[2 + $at] },
            "P19: $vhost: $name");
    }
    for my $header ('Forwarded', 'X-Real-IP', 'Client-IP', 'True-Client-IP', 'Via') {
        is(speed(Cookie => cookie_for(), $header => 'for=203.0.113.7'), $known{1},
            "P19: $vhost: $header changes nothing");
    }
}

watch_end();
done_testing();
