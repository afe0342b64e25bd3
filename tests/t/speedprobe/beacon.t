# SPDX-License-Identifier: Apache-2.0
# The beacon, and the cookie's way back into the environment.
use strict;
use warnings;
use lib 'lib';

use Client;
use Page;
use Private;
use Test::More;
use Watch;

client('beacon');
page_file('page.html', '<!doctype html><html><body>page</body></html>');
my $path = '/speedprobe-beacon';
my $good = 'v=1&rb=1251448&rd=100000&rn=1&rt=60';

sub say_it { my ($body, @headers) = @_; return ask('POST', $path, $body, @headers) }

sub cookie { return (($_[0]{headers}{'set-cookie'} // '') =~ /^(sp=[^;]*)/)[0] }

sub speed { return get('/sp/page.html', @_)->{headers}{'x-speed'} }

my $res = say_it($good, 'Sec-Fetch-Site' => 'same-origin');
is($res->{status}, 204, 'a report is answered 204');
is($res->{content} // '', '', 'without a body');
is($res->{headers}{'cache-control'}, 'no-store', 'not to be stored');
like($res->{headers}{'set-cookie'},
    qr{^sp=3\.[0-9a-f]{2}\.[0-9.]+\.[\w-]{6}\.[\w-]{22}; Path=/; SameSite=Lax; HttpOnly; Max-Age=604800$},
    'with the cookie');
cmp_ok(length cookie($res), '<=', 99, 'a short one');
is(speed(Cookie => cookie($res)), '101 low cookie 60', 'which brings the speed back');
is(speed(), '(null) medium none (null)', 'no cookie: not known');

# Nothing that is wrong gets a cookie, and nobody is told what is wrong.
my @wrong = (
    [''], ['v=1'], ['v=2&rb=1251448&rd=100000&rn=1&rt=60'], ["$good&rt=60"],
    ["$good&x=1"], [$good =~ s/1251448/-1/r], [$good =~ s/1251448/NaN/r],
    [$good =~ s/1251448/inf/r], [$good =~ s/1251448/1e308/r],
    [$good =~ s/1251448/0x10/r], [$good =~ s/1251448/99999999999999999999/r],
    [$good =~ s/100000/0/r], ["$good\0"], ['{"v":1}'], ['x' x 1025],
    ["$good&f=1"], [$good, 'Sec-Fetch-Site' => 'cross-site'],
    [$good, 'Sec-Fetch-Site' => 'same-site'], [$good, 'Sec-Fetch-Site' => 'none'],
    [$good, Origin => 'http://evil.example'], [$good, Origin => 'null'],
);
for my $case (@wrong) {
    my $got = say_it(@$case);
    my $name = substr join(' ', @$case), 0, 60;
    is("$got->{status} " . (cookie($got) // 'none'), '204 none', "no cookie: $name");
}
ok(cookie(say_it(fresh($good), Origin => base())), 'an own origin is fine');
ok(cookie(say_it(fresh($good))), 'so is a client that names none');

for my $method (qw(GET HEAD PUT DELETE OPTIONS)) {
    my $got = ask($method, $path);
    is($got->{status}, 405, "$method is refused");
    like($got->{headers}{allow}, qr/^POST/, "$method: and told why");
    is($got->{headers}{'cache-control'}, 'no-store', "$method: not to be stored");
}
is(say_it('x' x 8193)->{status}, 413, 'over 8 KB is refused');
is(say_it('x' x 8192)->{status}, 204, '8 KB are not');
is(get("$path/x")->{content} =~ /page/, 1, 'other paths are not ours');

# Samples add up.
my $cookie = cookie(say_it(fresh($good)));
$cookie = cookie(say_it(fresh('v=1&rb=5001448&rd=2000&rn=1&rt=20'), Cookie => $cookie));
like(speed(Cookie => $cookie), qr/^1\d\d low cookie 20$/, 'one outlier changes little');
$cookie = cookie(say_it(fresh('v=1&rb=5001448&rd=2000&rn=1&rt=20'), Cookie => $cookie));
like(speed(Cookie => $cookie), qr/^(?:199|200)\d\d broad cookie 20$/, 'the second is believed');

# A bound never makes a client slow.
my $bound = cookie(say_it('v=1&pb=7000&pd=300&rt=60'));
like(speed(Cookie => $bound), qr/^\d\d medium cookie 60$/, 'a slow bound is no slow band');

# Cookies that are not ours.
my ($value) = $cookie =~ /^sp=(.*)/;
my @forged = ('', 'x', '1', "${value}A", substr($value, 0, -1), "x$value", $value =~ s/^3/2/r,
    '9' x 4096, "$value; sp=$value", $value =~ s/\.(\d+)\./.999./r, "3.00.1.1.1.1.1.1.AAAAAA." . 'A' x 22);
for my $i (0 .. length($value) - 1) {
    my $bad = $value;
    substr $bad, $i, 1, substr($bad, $i, 1) eq '7' ? '8' : '7';
    push @forged, $bad;
}
my @taken = grep { speed(Cookie => "sp=$_") ne '(null) medium none (null)' } @forged;
is("@taken", '', scalar(@forged) . ' forged cookies count as none');

client('beaconpath');
$path = '/own/path';
$res  = say_it(fresh($good));
is($res->{status}, 204, 'a beacon with a path of its own');
unlike($res->{headers}{'set-cookie'}, qr/Max-Age/, 'and a cookie for the session');
is(ask('POST', '/speedprobe-beacon', $good)->{status}, 404, 'the default path is free');
like(get('/sp/page.html')->{content}, qr{location\.origin,u=o\+'/own/path'}, 'pages use it');
client('beaconoff');
is(ask('POST', '/speedprobe-beacon', $good)->{status}, 404, 'no beacon where it is Off');
# A VirtualHost under a main server that says On.
my %beacons = (
    'nothing said'       => ['', 204],
    Off                  => ['SpeedProbe Off', 404],
    'Off, On in an area' => ["SpeedProbe Off\n<Location /sp>\nSpeedProbe On\n</Location>", 204],
);
for my $name (sort keys %beacons) {
    my ($text, $status) = @{ $beacons{$name} };
    my $private = private_server("SpeedProbe On\n<VirtualHost *>\n$text\n</VirtualHost>\n");
    my $said = HTTP::Tiny->new(timeout => 30)
      ->post("$private->{base}/speedprobe-beacon", { content => fresh($good) });
    is($said->{status}, $status, "a VirtualHost of a server with On: $name");
    is(defined $said->{headers}{'set-cookie'} ? 1 : 0, $status == 204 ? 1 : 0, 'and its cookie');
    my $page = $private->get('/sp/page.html')->{content};
    is($page =~ /data-speedprobe/ ? 1 : 0, $status == 204 ? 1 : 0, 'and its page');
}

watch_end();
done_testing();
