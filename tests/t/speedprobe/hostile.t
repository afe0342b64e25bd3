# SPDX-License-Identifier: Apache-2.0
# Cookies and beacons that nobody of ours made: ignored, counted, and no line
# in the log for them.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use IO::Socket::INET ();
use Page;
use Test::More;
use Watch;

client('guard');
page_file('plain.txt', "plain\n");
my $path = '/speedprobe-beacon';
my $good = 'v=1&rb=1251448&rd=100000&rn=1&rt=60';

sub cookie { return (($_[0]{headers}{'set-cookie'} // '') =~ /^sp=([^;]*)/)[0] }

sub speed { return get('/sp/plain.txt', @_)->{headers}{'x-speed'} }

my $unknown = '(null) medium none (null)';
my $ours    = cookie(ask('POST', $path, fresh($good)));
my $before  = counters();
is(speed(Cookie => "sp=$ours"), '101 low cookie 60', 'an own cookie counts');
is(counted($before)->{cookies_used}, 1, 'and is counted');

# ---- cookies ----

my ($mac) = $ours =~ /\.([\w-]+)$/;
my $other = cookie(ask('POST', $path, fresh('v=1&rb=5001448&rd=2000&rn=1&rt=20')));
my ($other_mac) = $other =~ /\.([\w-]+)$/;
my %cookies = (
    'forged value' => [$ours =~ s/^(\d)\.(..)\.\d+/$1.$2.600/r, 'forged'],
    'another cookie\'s signature' => [$ours =~ s/\Q$mac\E$/$other_mac/r, 'forged'],
    'wrong key'    => [$ours =~ s/^(\d)\.(..)/"$1." . ($2 eq '00' ? '01' : '00')/er, 'forged'],
    'truncated'    => [substr($ours, 0, -1), 'forged'],
    'cut in half'  => [substr($ours, 0, length($ours) / 2), 'malformed'],
    'empty'        => ['', 'malformed'],
    'other version' => [$ours =~ s/^\d/9/r, 'malformed'],
    '4 kB'         => ['9' x 4096, 'oversized'],
    '4 kB of dots' => ['.' x 4096, 'oversized'],
    '97 bytes'     => [$ours . 'A' x (97 - length $ours), 'oversized'],
    'tab inside'   => [$ours =~ s/\./\t./r, 'malformed'],
    'percent-encoded' => [$ours =~ s/\./%2e/gr, 'malformed'],
    'quoted'       => ["\"$ours\"", 'malformed'],
);
for my $name (sort keys %cookies) {
    my ($value, $counter) = @{ $cookies{$name} };
    $before = counters();
    is(speed(Cookie => "sp=$value"), $unknown, "P17: $name: ignored");
    is_deeply([grep { /cookies/ } keys %{ counted($before) }],
        ["cookies_$counter"], "P17: $name: counted as $counter");
}
is(speed(Cookie => "sp=$ours; sp=$ours"), $unknown, 'P17: two of them: ignored');

# NUL and control bytes: httpd itself refuses the request, or we ignore it.
for my $byte (0, 1, 10, 13, 27, 127, 128, 255) {
    my ($host) = base() =~ m{//(.*)};
    my $socket = IO::Socket::INET->new(PeerAddr => $host, Timeout => 10) or die;
    my $bad = $ours =~ s/\./chr($byte) . '.'/er;
    print $socket "GET /sp/plain.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      . "Cookie: sp=$bad\r\n\r\n";
    my $answer = do { local $/; <$socket> };
    ok($answer =~ m{^HTTP/1.1 400 } || $answer =~ /^X-Speed: \Q$unknown\E\r$/m,
        "P17: byte $byte: refused or ignored");
}

# Of another network: the same cookie, seen through a proxy of ours.
client('proxied');
my $there = cookie(ask('POST', $path, fresh($good), 'X-Forwarded-For' => '203.0.113.7'));
$before = counters();
is(get('/sp/plain.txt', Cookie => "sp=$there", 'X-Forwarded-For' => '198.51.100.7')
      ->{headers}{'x-speed'}, '(null) medium none', 'P17: of another network: ignored');
is_deeply(counted($before), { cookies_elsewhere => 1, pages_left_type => 1 },
    'P17: counted as elsewhere');
is(get('/sp/plain.txt', Cookie => "sp=$there", 'X-Forwarded-For' => '203.0.113.99')
      ->{headers}{'x-speed'}, '101 low cookie', 'of the same network: used');

# ---- beacons ----

client('guard');
my @bodies = (
    ['NaN', $good =~ s/1251448/NaN/r], ['inf', $good =~ s/1251448/inf/r],
    ['negative', $good =~ s/1251448/-5/r], ['1e308', $good =~ s/1251448/1e308/r],
    ['hex', $good =~ s/1251448/0x10/r], ['plus', $good =~ s/1251448/+5/r],
    ['space', $good =~ s/1251448/ 5/r], ['fraction', $good =~ s/1251448/1.5/r],
    ['too large', $good =~ s/1251448/1073741825/r],
    ['overflow', $good =~ s/1251448/18446744073709551617/r],
    ['duplicate key', "$good&rt=60"], ['unknown key', "$good&zz=1"],
    ['unknown version', $good =~ s/v=1/v=2/r], ['no version', $good =~ s/v=1&//r],
    ['half a pair', $good =~ s/&rd=100000//r], ['NUL', "$good\0"],
    ['percent-encoded', $good =~ s/=/%3d/r], ['empty pair', "$good&"],
    ['JSON', '{"v":1}'], ['empty', ''], ['over 1 KB', 'v=1&rt=' . '0' x 1020],
    ['no sample', 'v=1&rt=20', 'no_sample'],
    ['from a cache', "$good&f=1", 'no_sample'],
    ['no time elapsed', 'v=1&pb=1000&pd=0&rt=20', 'no_sample'],
    ['another site', fresh($good), 'foreign_origin', Origin => 'http://evil.example'],
    ['cross-site', fresh($good), 'foreign_origin', 'Sec-Fetch-Site' => 'cross-site'],
    ['opaque origin', fresh($good), 'foreign_origin', Origin => 'null'],
    ['taken', fresh($good), 'taken'],
);
for my $case (@bodies) {
    my ($name, $body, $counter, @headers) = @$case;
    $counter //= 'malformed';
    $before = counters();
    my $res = ask('POST', $path, $body, @headers);
    is("$res->{status} " . (cookie($res) ? 'cookie' : 'none'),
        $counter eq 'taken' ? '204 cookie' : '204 none', "P18: $name: 204");
    is_deeply(counted($before), { "beacons_$counter" => 1 }, "P18: $name: counted as $counter");
}
$before = counters();
ask('POST', $path, 'x' x 8193);
ask($_, $path) for qw(GET PUT DELETE);
is_deeply(counted($before), { beacons_oversized => 1, beacons_wrong_method => 3 },
    'P18: what is refused is counted');

my $body = fresh($good);
my $once = ask('POST', $path, $body);
$before = counters();
my $again = ask('POST', $path, $body, Cookie => 'sp=' . cookie($once));
is("$again->{status} " . (cookie($again) // 'none'), '204 none', 'P18: a replay: 204, no cookie');
is(counted($before)->{beacons_replayed}, 1, 'P18: a replay: counted');

client('limited');
my @taken = grep { cookie(ask('POST', $path, fresh($good))) } 1 .. 5;
is(@taken, 5, 'P18: as many as the limit are taken');
$before = counters();
my $more = ask('POST', $path, fresh($good));
is("$more->{status} " . (cookie($more) // 'none'), '204 none', 'P18: one more: 204, no cookie');
is_deeply(counted($before), { beacons_limited => 1 }, 'P18: one more: counted');

# Not one line for all that, at the level that a server runs at.
is(grep({ /SP\d{4}/ && !/:(?:debug|trace\d)\]/ } watch_lines()), 0,
    'P17: none of it is worth a line in the log');
watch_end();
done_testing();
