# SPDX-License-Identifier: Apache-2.0
# The probe: who gets noise, how much, and what a report of it counts for.
use strict;
use warnings;
use lib 'lib';

use Client;
use Counters;
use IO::Compress::Gzip 'gzip';
use Page;
use Private;
use Test::More;
use Watch;

client('methods');
page_file('m.html', '<!doctype html><html><body>page</body></html>');
my $beacon = '/speedprobe-beacon';
my $url = "$beacon/probe";
my $number = 0;

# Each a client of its own, in a network of its own.
sub somebody { $number++; return "10.0.$number.1" }

sub step {
    my ($client, $query, @headers) = @_;
    return get("$url?$query", 'X-Client' => $client, SpeedProbe => 1, @headers);
}

sub told {
    my ($res, $numbers) = @_;
    return "v=1&$numbers&nt=$res->{headers}{speedprobe}";
}

# ---- a ladder ----
my $client = somebody();
my $res = step($client, 'v=1&rt=20', 'Accept-Encoding' => 'gzip');
is($res->{status}, 200, 'the first step');
is(length $res->{content}, 16384, 'is small');
is($res->{headers}{'content-length'}, 16384, 'and says so');
is($res->{headers}{'cache-control'}, 'no-store, no-transform', 'not to be stored or changed');
is($res->{headers}{'content-encoding'}, 'identity', 'nor compressed, whatever the location says');
is($res->{headers}{'content-type'}, 'application/octet-stream', 'bytes');
is($res->{headers}{'cross-origin-resource-policy'}, 'same-origin', 'for pages of this site');
like($res->{headers}{speedprobe}, qr/^1\.[0-9a-f]{2}\.16384\.\d+\.[\w-]{22}$/, 'with a token');
gzip(\$res->{content}, \my $packed);
cmp_ok(length $packed, '>=', 16384, 'P4: of noise');
my $second = step($client, told($res, 'nb=16000&nd=10&np=0&rt=20&ck=1'));
is($second->{status}, 200, 'the next step');
is(length $second->{content}, 262144 - 16384, 'is as large as the budget allows');
my $third = step($client, told($second, 'nb=240000&nd=10&np=0&rt=20&ck=1'));
is($third->{status}, 204, 'then the budget is used up');
is($third->{headers}{'cache-control'}, 'no-store, no-transform', 'a refusal is not stored either');
is(step($client, 'v=1&rt=20')->{status}, 204, 'for a new ladder as well');
is(step(somebody(), 'v=1&rt=20')->{status}, 200, 'another client has one of its own');

# ---- the report ----
sub report {
    my ($client, $body) = @_;
    return ask('POST', $beacon, $body, 'X-Client' => $client);
}
sub cookie { return (($_[0]{headers}{'set-cookie'} // '') =~ /^(sp=[^;]*)/)[0] }
my $report = told($second, 'nb=240000&nd=200&np=1&rt=20&ck=1');
$res = report($client, $report);
is($res->{status}, 204, 'a report is answered 204');
ok(cookie($res), 'with the cookie');
my $speed = get('/sp/m.html', 'X-Client' => $client, Cookie => cookie($res))->{headers}{'x-speed'};
cmp_ok($speed, '>', 8000, 'which tells a rate');
is(cookie(report(somebody(), $report)), undef, 'P11: a token of another client counts for nothing');
is(cookie(report($client, $report =~ s/\.262144\.|\.245760\./.999999./r)), undef, 'nor a forged one');
is(cookie(report($client, $report =~ s/nb=\d+/nb=245761/r)), undef, 'nor more than was sent');
is(cookie(report($client, $report =~ s/&nt=.*//r)), undef, 'nor a report without a token');
is(cookie(report($client, $report =~ s/nd=\d+/nd=0/r)), undef, 'P1: nor no time at all');
ok(cookie(report($client, $report =~ s/nb=\d+&nd=\d+/nb=100&nd=3600000/r)),
    'what is slower than the server saw is put right');

# ---- refusals ----
my $other = somebody();
my $before;
is(step($other, 'v=1&rt=20', 'Save-Data' => 'on')->{status}, 204, 'P22: not when data is to be saved');
is(step($other, 'v=1&rt=20', 'Sec-Fetch-Site' => 'cross-site')->{status}, 204, 'not for other sites');
is(step($other, 'v=1&rt=20', 'Sec-Fetch-Site' => 'same-origin')->{status}, 200, 'for pages of ours');
$before = counters();
my $foreign = get("$url?v=1&rt=20", 'X-Client' => $other, Origin => 'https://other.example');
is("$foreign->{status} $foreign->{headers}{'cross-origin-resource-policy'}", '204 same-origin',
    'not without the header that the script sends: other sites\' tags cannot');
my $preflight = ask('OPTIONS', "$url?v=1&rt=20", undef, 'X-Client' => $other,
    Origin => 'https://other.example', 'Access-Control-Request-Method' => 'GET',
    'Access-Control-Request-Headers' => 'speedprobe');
is($preflight->{status}, 405, 'nor may their scripts send it');
is_deeply([grep { /^access-control/ } keys %{ $preflight->{headers} }], [], 'which nothing allows');
is_deeply(counted($before), { probes_foreign => 1 }, 'counted');
my @wrong = ('', 'x', 'v=2', 'v=1&rt=-1', 'v=1&rt=1e9', 'v=1&nt=', 'v=1&nt=x', 'v=1&rt=20&rt=20',
    'v=1&nb=1&nd=1&rt=1&nt=1.aa.16384.1.AAAAAAAAAAAAAAAAAAAAAA', 'v=1&' . 'x' x 2000);
is(step(somebody(), $_)->{status}, 204, 'no step: ' . substr $_, 0, 40) for @wrong;
for my $method (qw(POST HEAD PUT DELETE)) {
    is(ask($method, "$url?v=1&rt=20", undef, 'X-Client' => somebody())->{status}, 405, "$method is refused");
}
my $sure = somebody();
$res = step($sure, 'v=1&rt=20');
my $known = cookie(report($sure, told($res, 'nb=16000&nd=400&np=1&rt=20&ck=1')));
is(step($sure, 'v=1&rt=20', Cookie => $known)->{status}, 204, 'not when the rate is known');
is(step($sure, told($res, 'nb=16000&nd=400&np=1&rt=20&ck=1'))->{status}, 204, 'nor after a step that told it');

client('pages');
is(get("$url?v=1&rt=20")->{status}, 404, 'no probe where no scope has the method');

# ---- without a table the budget is in a cookie ----
my $private = private_server("SpeedProbe On\nSpeedProbeMethod probe\nSpeedProbeTable none\n"
      . "SpeedProbeBudgetBytes 39K\nSpeedProbeBand low 0\nSpeedProbeBand top 90G\n");
my $http = HTTP::Tiny->new(timeout => 30);
sub with {
    my ($cookie) = @_;
    return $http->get("$private->{base}$url?v=1&rt=20", { headers => { SpeedProbe => 1, $cookie ? (Cookie => $cookie) : () } });
}
sub budget { return (($_[0]{headers}{'set-cookie'} // '') =~ /^(spb=[^;]*)/)[0] }
$res = with();
is($res->{status}, 204, 'no table: who keeps no cookie gets nothing');
like($res->{headers}{'set-cookie'},
    qr{^spb=1\.[0-9a-f]{2}\.\d+\.0\.0\.[\w-]{22}; Path=/speedprobe-beacon; SameSite=Lax; HttpOnly; Max-Age=86400$},
    'no table: but one');
my @seen;
for (1 .. 4) {
    $res = with(budget($res));
    push @seen, $res->{status};
}
is("@seen", '200 200 204 204', 'no table: the cookie counts');
$res = with('spb=1.00.1.0.0.AAAAAAAAAAAAAAAAAAAAAA');
is($res->{status}, 204, 'no table: a forged one is none');

# The time of a step is charged by the question for the next or, where it told
# the rate and there is no next, by the report.
$res = with(budget(with()));
for my $case ([0, ''], [1, 'spb']) {
    my ($full, $cookie) = @$case;
    my $said = $http->post("$private->{base}$beacon", {
        headers => { Cookie => budget($res) },
        content => told($res, "nb=16000&nd=400&np=$full&rt=20&ck=1") });
    my $set = $said->{headers}{'set-cookie'};
    is(join(' ', map { /^(spb)=/ } ref $set ? @$set : $set // ''), $cookie,
        "a report of a step that told the rate ($full): charged or not");
}
ok($private->stop, 'and httpd stops');
undef $private;

watch_end();
done_testing();
