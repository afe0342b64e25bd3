# SPDX-License-Identifier: Apache-2.0
# Who has a whole IPv6 network can make few rows of the table by reports alone,
# and has the reports of one customer.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use HTTP::Tiny ();
use Private;
use Test::More;

my $server = private_server(<<'EOT', 'cgid_module', 'dynimage_module');
SpeedProbe On
SpeedProbePassive Off
SpeedProbeBeaconLimit 5 1h
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /server-status>
    SetHandler server-status
</Location>
EOT
my $status = "$server->{base}/server-status";

# @return 1 when the report was used
sub report {
    my ($address, $content) = @_;
    my $said = HTTP::Tiny->new(timeout => 30)->request('POST',
        "$server->{base}/speedprobe-beacon",
        { content => $content // fresh('v=1&rb=1251448&rd=100000&rn=1&rt=60'),
          headers => { 'X-Client' => $address } });
    is($said->{status}, 204, "$address: 204") if $said->{status} != 204;
    return defined $said->{headers}{'set-cookie'} ? 1 : 0;
}
sub rows { return counters($status)->{table_clients} }

# [addresses, rows that they make, reports that are used]
my @cases = (
    ['all of a /64', [map { "2001:db8:1:1::$_" } 1 .. 20], 1, 5],
    ['all of a /56', [map { sprintf '2001:db8:1:2%02x::1', $_ } 0 .. 255], 1, 5],
    ['other customers', [map { "2001:db8:1:${_}00::1" } 3 .. 9], 7, 7],
    ['IPv4', [map { "203.0.113.$_" } 1 .. 20], 20, 20],
    ['private IPv6', [map { "fd00:0:0:${_}::1" } 1 .. 9], 9, 9],
);
for my $case (@cases) {
    my ($name, $addresses, $rows, $used) = @$case;
    my $before = rows();
    is((grep { report($_) } @$addresses), $used, "P19: $name: reports that are used");
    is(rows() - $before, $rows, "P19: $name: rows");
}

my $same = fresh('v=1&rb=1251448&rd=100000&rn=1&rt=60');
ok(report('2001:db8:2:1::1', $same), 'a report is used');
ok(!report('2001:db8:2:2::1', $same), 'P18: and not again from the next subnet');
ok($server->stop, 'it stops');
undef $server;

done_testing();
