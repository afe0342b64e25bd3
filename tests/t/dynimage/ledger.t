# SPDX-License-Identifier: Apache-2.0
# The ledger: each request moves its own cell by its own bytes, renders and
# storage are counted, and whatever ends httpd, nothing goes back.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client ();
use File::Copy 'copy';
use File::Temp ();
use HTTP::Tiny ();
use IO::Socket::INET ();
use JSON::PP 'decode_json';
use List::Util 'sum0';
use Private;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);
use Watch;

my $site = Apache::Test::vars()->{documentroot};
my $event = grep { /mpm_event/ } split /\n/, modules_line();
my ($libexec) = modules_line() =~ m{(\S+)/mod_mime\.so};
my $dir = File::Temp->newdir;
my $token = 'the-books-of-ledger.example-are-open';
my $others = 'the-books-of-other.example-are-open-too';
for (['token', $token], ['others', $others]) {
    open my $file, '>', "$dir/$_->[0]" or die;
    print $file "$_->[1]\n";
    close $file;
    chmod 0600, "$dir/$_->[0]";
}
mkdir "$dir/state";

my $http2 = $event ? "LoadModule http2_module $libexec/mod_http2.so\nProtocols h2c http/1.1" : '';
my $server = private_server(<<"EOT");
$http2
LogLevel info dynimage:trace1
SpeedProbe On
SpeedProbePassive Off
DynImage On
DynImageRenderers 2
DynImageAdminKeyFile $dir/token
DynImageStateDir $dir/state
DynImageCacheRoot cache
DynImageColdWait 0
DynImageWait 30s
SpeedProbeAssume 100
Alias /medium "$site"
Alias /broad "$site"
Alias /off "$site"
<Location /medium>
    SpeedProbeAssume 1000
    DynImageColdWait 1ms
</Location>
<Location /broad>
    SpeedProbeAssume 20000
</Location>
<Location /off>
    DynImage Off
</Location>
<Location /admin>
    SetHandler dynimage-admin
</Location>
<Location /status>
    SetHandler server-status
</Location>
ErrorDocument 404 /photos/fig.jpg
<VirtualHost *>
    ServerName www.example
    DynImageCustomer ledger.example
</VirtualHost>
<VirtualHost *>
    ServerName other.example
    DynImageAdminKeyFile $dir/others
</VirtualHost>
EOT
my $port = (split /:/, $server->{base})[2];

# An answer of the handler.
sub asked {
    my ($query, $with, $host) = @_;
    $host //= '127.0.0.1';
    return HTTP::Tiny->new(timeout => 30)->get(
        "http://$host:$port/admin/report?$query",
        { peer => '127.0.0.1',
            headers => { Authorization => 'Bearer ' . ($with // $token) } });
}

# The customer's report.
sub report {
    my $res = asked('customer=ledger.example');
    return decode_json($res->{content})->{customers}[0]
      if $res->{status} == 200;
    die "report: $res->{status} $res->{content}",
      map { -e $_ ? Client::slurp($_) : '' } "$server->{dir}/out";
}

# "tier/result/figure" => number, of all that is not 0.
sub cells {
    my ($report) = @_;
    my %cells;
    for my $tier (@{ $report->{tiers} }) {
        for my $result (qw(hit rendered stand_in original)) {
            my $cell = $tier->{$result};
            $cells{"$tier->{tier}/$result/$_"} = $cell->{$_}
              for grep { $cell->{$_} } keys %$cell;
        }
    }
    return \%cells;
}

sub requests {
    my ($cells) = @_;
    return sum0(map { $cells->{$_} } grep { m{/requests$} } keys %$cells);
}

# What n requests move; an answer is booked once it is out.
sub moved {
    my ($n, $code) = @_;
    my $before = cells(report());
    $code->();
    my $now;
    for (1 .. 200) {
        $now = cells(report());
        last if requests($now) >= requests($before) + $n;
        sleep 0.05;
    }
    my %more = map { $_ => $now->{$_} - ($before->{$_} // 0) } keys %$now;
    return { map { $_ => $more{$_} } grep { $more{$_} } keys %more };
}

# The cells of one request.
sub cell {
    my ($where, $bytes, $saved) = @_;
    my %cell = ("$where/requests" => 1);
    $cell{"$where/bytes"} = $bytes if $bytes;
    $cell{"$where/saved_bytes"} = $saved if $saved;
    return \%cell;
}

my $fig = -s "$site/photos/fig.jpg";
my $mountains = -s "$site/photos/mountains.jpg";
my $res;

is_deeply(cells(report()), {}, 'nothing is booked yet');
is(report()->{renders}, 0, 'no render either');

# ---- each result, in the client's tier ----

my $moved = moved(1, sub { $res = $server->get('/photos/fig.jpg') });
my $size = length $res->{content};
is(Client::why($res)->{reason}, 'rendered', 'a first request is rendered');
is_deeply($moved, cell('low/rendered', $size, $fig - $size), 'and booked so');
my $etag = $res->{headers}{etag};

my @cases = (
    ['a second one is a hit', 'GET', '/photos/fig.jpg', {},
        cell('low/hit', $size, $fig - $size)],
    ['HEAD has no body', 'HEAD', '/photos/fig.jpg', {}, cell('low/hit')],
    ['nor has 304', 'GET', '/photos/fig.jpg', { 'If-None-Match' => $etag },
        cell('low/hit')],
    ['a part is its bytes', 'GET', '/photos/fig.jpg', { Range => 'bytes=5-24' },
        cell('low/hit', 20)],
    ['an original is sent', 'GET', '/broad/photos/mountains.jpg', {},
        cell('broad/original', $mountains)],
    ['HEAD of it', 'HEAD', '/broad/photos/mountains.jpg', {},
        cell('broad/original')],
    ['no-transform', 'GET', '/photos/mountains.jpg',
        { 'Cache-Control' => 'no-transform' },
        cell('low/original', $mountains)],
    ['a picture for an error is a request like any', 'GET', '/none.jpg', {},
        cell('low/hit', $size)],
    ['DynImage Off is not booked', 'GET', '/off/photos/fig.jpg', {}, {}, 0],
    ['pages are not', 'GET', '/index.html', {}, {}, 0],
);
for my $case (@cases) {
    my ($name, $method, $path, $headers, $cells, $n) = @$case;
    is_deeply(
        moved($n // 1, sub {
            HTTP::Tiny->new(timeout => 30)->request($method,
                "$server->{base}$path", { headers => $headers });
        }),
        $cells, $name);
}

# A smaller tier stands in, and the tier's own is made behind the answer.
system('gm', 'convert', "$site/photos/mountains.jpg", '-resize', '4000x3000!',
    '-interlace', 'Line', '-quality', 75, "$site/dear.jpg") == 0 or die 'gm';
my $dear = -s "$site/dear.jpg";
moved(1, sub { $server->get('/dear.jpg') });
my $before = report();
$moved = moved(1, sub { $res = $server->get('/medium/dear.jpg') });
$size = length $res->{content};
is(Client::why($res)->{reason}, 'smaller-first', 'a smaller one came first');
is_deeply($moved, cell('medium/stand_in', $size, $dear - $size),
    'in the tier that the client should have had');
my $now;
for (1 .. 200) {
    $now = report();
    last if $now->{renders} > $before->{renders};
    sleep 0.05;
}
is($now->{renders}, $before->{renders} + 1, 'the render behind it is counted');
cmp_ok($now->{render_us}, '>', $before->{render_us} + 10000, 'with its time');

# A herd of one cold picture: one is the cause, the others find it.
copy("$site/photos/autumn.jpg", "$site/herd.jpg") or die;
$before = report();
$moved = moved(12, sub {
    Client::in_parallel(12, sub { $server->get('/herd.jpg')->{status} });
});
is($moved->{'low/rendered/requests'}, 1, 'one of a herd was rendered');
is($moved->{'low/hit/requests'}, 11, 'the others found it');
is(report()->{renders}, $before->{renders} + 1, 'by one render');

# ---- clients that go away, HTTP/2 ----

# More than all buffers hold.
copy("$site/photos/mountains.jpg", "$site/large.jpg") or die;
truncate "$site/large.jpg", 64 << 20 or die;
$moved = moved(1, sub {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port) or die;
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096;
    print $socket "GET /broad/large.jpg HTTP/1.0\r\n\r\n";
    sysread $socket, my $some, 1000;
    close $socket;
});
is($moved->{'broad/original/requests'}, 1, 'a client that went away is booked');
cmp_ok($moved->{'broad/original/bytes'}, '<', 64 << 20,
    'with less than it would have got');
cmp_ok($moved->{'broad/original/bytes'}, '>', 0, 'and more than nothing');

SKIP: {
    last SKIP if !$event || system('curl --version >/dev/null 2>&1');
    my $curl = 'curl -s --http2-prior-knowledge -o /dev/null';
    my $url = "$server->{base}/photos/fig.jpg";
    my $size;
    moved(1, sub { $size = length $server->get('/photos/fig.jpg')->{content} });
    $moved = moved(1, sub {
        is(`$curl -w '%{http_version}' $url`, '2', 'HTTP/2');
    });
    is_deeply($moved, cell('low/hit', $size, $fig - $size),
        'a body over HTTP/2 is the same');
    is_deeply(moved(1, sub { `$curl -I $url` }), cell('low/hit'),
        'HEAD over HTTP/2');
}

# ---- CPU time ----

# What the scheduler has charged a process with, us.
sub kernel_us { return (split / /, Client::slurp("/proc/$_[0]/schedstat"))[0] / 1000 }

my @renderers = Client::pool_processes($server->pid);
is(scalar @renderers, 2, 'two renderers');
my @photos = map { m{([^/]+)\.jpg$} } glob "$site/photos/*.jpg";
my @cold;
for my $photo (@photos) {
    for my $i (1 .. 9) {
        copy("$site/photos/$photo.jpg", "$site/cold-$photo$i.jpg") or die;
        push @cold, "cold-$photo$i.jpg";
    }
}
$before = report();
my $used = sum0(map { kernel_us($_) } @renderers);
$moved = moved(scalar @cold, sub { $server->get("/$_") for @cold });
is($moved->{'low/rendered/requests'}, scalar @cold, 'all cold');
sleep 0.1; # the last render tidies up behind its answer
$now = report();
$used = sum0(map { kernel_us($_) } @renderers) - $used;
is_deeply([Client::pool_processes($server->pid)], \@renderers, 'the same two');
my $told = $now->{render_us} - $before->{render_us};
is($now->{renders} - $before->{renders}, scalar @cold, @cold . ' renders');
cmp_ok(abs($told - $used), '<=', 0.02 * $used,
    "booked $told us, the kernel says " . int($used) . ' us');

# ---- who may see what, and as what ----

my $mine = 'customer=ledger.example';
for my $case (
    [$mine, $token, undef, 200, 'ledger.example'],
    ['', $others, 'other.example', 200, 'other.example'],
    ['customer=other.example', $others, 'other.example', 200, 'other.example'],
    [$mine, $others, 'other.example', 403],
    ['customer=none.example', $others, 'other.example', 403],
    [$mine, $others, undef, 401],
    ['customer=none.example', $token, undef, 404],
    ["$mine&format=xml", $token, undef, 400])
{
    my ($query, $with, $host, $status, @names) = @$case;
    my $res = asked($query, $with, $host);
    my $name = "$query for " . ($host // 'anybody');
    is($res->{status}, $status, "$name: $status");
    my $got = decode_json($res->{content});
    is_deeply([map { $_->{customer} } @{ $got->{customers} // [] }], \@names,
        "$name: those customers");
    ok($status == 200 || length $got->{error}, "$name: with a sentence");
}
my %all = map { $_->{customer} => 1 }
  @{ decode_json(asked('')->{content})->{customers} };
ok($all{'ledger.example'} && $all{'other.example'}, 'all of them');
$res = asked("$mine&format=csv");
like($res->{headers}{'content-type'}, qr{^text/csv}, 'CSV');
my ($head, @rows) = split /\n/, $res->{content};
is($head, 'customer,tier,result,figure,value', 'has a head');
my %csv = map { /^ledger\.example,(.*),(\d+)$/ ? ($1 => $2) : ($_ => '?') } @rows;
$now = report();
is($csv{",,$_"}, $now->{$_}, "CSV: $_")
  for qw(renders render_us stored_bytes quota_files since);
is($csv{'low,hit,requests'}, cells($now)->{'low/hit/requests'}, 'CSV: a cell');

like($server->get('/status')->{content},
    qr{\d+ of \d+ customers.*<td>ledger\.example</td><td align="right">\d\d}s,
    'the status page has it, too');
unlike($server->get('/status?auto')->{content}, qr/ledger\.example/,
    'but not among the counters for programs');

# ---- storage ----

# Sampled before and after a wait: what was stored all the time, for that time.
# A figure of whole units, and of two clocks read at slightly different
# moments: 1 % and one unit of each second's stored KB.
$before = report();
my $began = time;
sleep 3;
$now = report();
my $span = time - $began;
my $stored = $now->{stored_bytes} / 1024;
my $grown = $now->{byte_seconds} - $before->{byte_seconds};
cmp_ok($stored, '>', 0, 'something is stored');
is($now->{stored_bytes}, $before->{stored_bytes}, 'the same all the time');
cmp_ok(abs($grown - $stored * $span), '<=', $stored * (0.01 * $span + 0.1) + 1,
    'byte-seconds grow by what is stored x time');

# ---- restarts, and processes that die ----

my $pid = $server->pid;

# What is less than before, as text.
sub less {
    my ($before, $now) = @_;
    my ($was, $is) = (cells($before), cells($now));
    return join ' ', (map { "$_ $was->{$_}>" . ($is->{$_} // 0) }
        grep { $was->{$_} > ($is->{$_} // 0) } sort keys %$was),
      map { "$_ $before->{$_}>$now->{$_}" }
      grep { $before->{$_} > $now->{$_} } qw(renders render_us byte_seconds);
}

# The server answers with its reports.
sub is_up {
    for (1 .. 100) {
        return 1 if $server->get('/index.html')->{status} == 200;
        sleep 0.1;
    }
    return 0;
}

$before = report();
kill 'USR1', $pid;
sleep 1;
ok(is_up(), 'a graceful restart');
$now = report();
is_deeply(cells($now), cells($before), 'keeps every cell');
is($now->{renders}, $before->{renders}, 'and the renders');
is($now->{since}, $before->{since}, 'counted since the same moment');
is(less($before, $now), '', 'nothing is less');

sub all_processes {
    my ($parent) = @_;
    return ($parent, map { all_processes($_) } Client::children($parent));
}

$before = report();
kill 'KILL', all_processes($pid);
sleep 0.2;
unlink "$server->{dir}/pid";
system("$ENV{DI_HTTPD} -f $server->{dir}/httpd.conf -k start >>$server->{dir}/out 2>&1");
ok(is_up(), 'httpd was killed whole, and started');
$now = report();
is_deeply(cells($now), cells($before), 'every cell is as before');
is(less($before, $now), '', 'nothing is less');
is($now->{since}, $before->{since}, 'counted since the same moment');

# Under load, with children killed: samples never go back, and every answer
# that came whole is booked.
$pid = $server->pid;
$before = report();
my $until = time + 5;
my @lines = Client::in_parallel(6, sub {
    my ($i) = @_;
    my ($whole, $last, $less) = (0, $before, '');
    while (time < $until) {
        if ($i == 1) {
            my @children = grep {
                (eval { Client::slurp("/proc/$_/comm") } // '') !~ /^di-/
            } Client::children($pid);
            kill 'KILL', $children[rand @children] if @children;
            sleep 0.3;
        }
        elsif ($i == 2) {
            my $res = asked('customer=ledger.example');
            next if $res->{status} != 200;
            my $now = eval { decode_json($res->{content})->{customers}[0] }
              or next;
            $less .= less($last, $now);
            $last = $now;
        }
        else {
            $whole++ if $server->get('/photos/fig.jpg')->{status} == 200;
        }
    }
    return "$whole $less";
});
my $whole = sum0(map { (split / /)[0] } @lines);
ok(is_up(), 'children were killed under load');
cmp_ok($whole, '>', 50, "$whole answers came all the same");
is(join('', map { (split / /, $_, 2)[1] } @lines), '', 'nothing went back');
# An answer is booked after it is sent: each child killed may owe those that
# it was just at, at most one for each client.
sleep 1;
my $booked = cells(report())->{'low/hit/requests'}
  - cells($before)->{'low/hit/requests'};
cmp_ok($booked, '>=', $whole - 4 * 20, "$booked of these were booked");

unlike(Client::slurp($server->{log}),
    qr/Segmentation|Abort|ERROR: \w*Sanitizer|runtime error:/, 'nothing crashed');
ok($server->stop, 'the server stops');

my ($books) = grep { -f } "$dir/state/books", glob "$server->{dir}/*/books";
truncate $books, 5000 or die "$books: $!";
$server->start;
ok(is_up(), 'books of another size are no hindrance');
is(report()->{renders}, 0, 'they begin anew');
like(Client::slurp($server->{log}), qr/DI0616: .*begin anew/, 'which is said');
ok($server->stop, 'and it stops again');
undef $server;
watch_end('DI0616');
done_testing();
