# SPDX-License-Identifier: Apache-2.0
# The administration handler: who may, and whether what it says is so.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use JSON::PP ();
use MIME::Base64 ();
use Private;
use Test::More;
use Watch;

my $main = 'main-' x 7 . '7654321';
my $second = 'second-' x 5 . '3210';
my $site = 'site-' x 7 . '1234567';

client('admin');

sub bearer { return (Authorization => "Bearer $_[0]") }

sub form { return ('Content-Type' => 'application/x-www-form-urlencoded') }

sub encoded {
    my ($text) = @_;
    $text =~ s/([^A-Za-z0-9\/.])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub json {
    my ($res) = @_;
    return eval { JSON::PP::decode_json($res->{content}) } // {};
}

sub admin { my ($path) = @_; return get("/dynimage-admin/$path", bearer($main)) }

# ---- who may ----

my @bad = (
    ['none'],
    ['empty',                  Authorization => ''],
    ['a scheme alone',         Authorization => 'Bearer'],
    ['an empty token',         Authorization => 'Bearer '],
    ['a wrong token',          bearer('x' x 40)],
    ['a token cut',            bearer(substr $main, 0, -1)],
    ['a token and more',       bearer("${main}x")],
    ['another case',           bearer(uc $main)],
    ['two tokens',             bearer("$main, $site")],
    ['a comment of the file',  bearer('# all sites')],
    ['its hash',               bearer('0' x 64)],
    ['another scheme',         Authorization => "Token $main"],
    ['a basic user',           Authorization => 'Basic ' . MIME::Base64::encode("ann:$main", '')],
);
for my $case (@bad) {
    my ($name, @headers) = @$case;
    for my $method (qw(GET HEAD POST PUT DELETE OPTIONS PURGE)) {
        my $res = ask($method, '/dynimage-admin/purge',
            $method =~ /^P/ ? 'url=/' : undef, @headers, form());
        is($res->{status}, 401, "$name: $method is refused");
        like($res->{headers}{'www-authenticate'} // '', qr/^Bearer /, 'with how to come in');
        is($res->{headers}{'cache-control'}, 'no-store', 'and not stored');
    }
}
my $refused = grep { /DI0641: .* refused to nobody at 127\.0\.0\.1 with 401/ } watch_lines();
is($refused, 7 * @bad, 'each was logged once');
ok(!(grep { /\Q$main\E|\Q$site\E/ } watch_lines()), 'no token is in the log');

for my $case (
    ["of the main server's file", $main],
    ['the second one',            $second],
    ["of the site's file",        $site])
{
    my ($name, $token) = @$case;
    my $res = get('/dynimage-admin/status', bearer($token));
    is($res->{status}, 200, "a token $name is good");
    is($res->{headers}{'content-type'}, 'application/json', 'the answer is JSON');
    is($res->{headers}{'cache-control'}, 'no-store', 'not stored');
    is($res->{headers}{'x-content-type-options'}, 'nosniff', 'not sniffed');
}
is(get('/dynimage-admin/status', Authorization => "bEARER   $main")->{status}, 200,
    'the scheme in any case');

client('adminusers');
is(get('/open/status', bearer($site))->{status}, 401,
    "a token of one site's file is none of another's");
is(get('/open/status', bearer($main))->{status}, 200, "one of the main server's is");
my @ann = (Authorization => 'Basic ' . MIME::Base64::encode('ann:let ann in', ''));
is(get('/open/status', @ann)->{status}, 401, 'a user whom httpd did not ask is none');
is(get('/status/dynimage/status', @ann)->{status}, 200, 'one whom it did ask is');
is(get('/status/dynimage/status')->{status}, 401, 'and it does ask');

# ---- what is asked ----

client('admin');
for my $case (
    # path, method, body, headers, status, part of the error
    ['',             'GET',  undef, [], 404, qr/none of: /],
    ['nothing',      'GET',  undef, [], 404, qr/none of: /],
    ['status/more',  'GET',  undef, [], 404, qr/none of: /],
    ['explain',      'GET',  undef, [], 400, qr/url= is missing/],
    ['explain?url=x',       'GET', undef, [], 400, qr/neither a path/],
    ['explain?url=//x/',    'GET', undef, [], 400, qr/neither a path/],
    ['explain?url=ftp://admin.example/', 'GET', undef, [], 400, qr/neither a path/],
    ['explain?url=/%2500',  'GET', undef, [], 400, qr/not encoded/],
    ['explain?url=/%25zz',  'GET', undef, [], 400, qr/not encoded/],
    ['explain?url=/%zz',    'GET', undef, [], 400, qr/no form/],
    ['explain?url=/a&kbps=fast', 'GET', undef, [], 400, qr/kbps= is no whole number/],
    ['explain?url=/a&kbps=999999999999', 'GET', undef, [], 400, qr/kbps=/],
    ['explain?url=http://users.example/', 'GET', undef, [], 403, qr/another site/],
    ['explain?url=http://none.example/', 'GET', undef, [], 403, qr/another site/],
    ['explain',      'POST', 'url=/', [form()], 405, qr/explain is asked with GET, HEAD/],
    ['status',       'DELETE', undef, [], 405, qr/GET, HEAD/],
    ['status',       'PURGE', undef, [], 405, qr/GET, HEAD/],
)
{
    my ($path, $method, $body, $headers, $status, $error) = @$case;
    my $res = ask($method, "/dynimage-admin/$path", $body, @$headers, bearer($main));
    is($res->{status}, $status, "$method $path: $status");
    like(json($res)->{error} // '', $error, 'with the reason');
    is($res->{headers}{allow}, 'GET, HEAD', 'and Allow') if $status == 405;
}
is(admin('check?url=' . base() . '/photos/fig.jpg')->{status}, 200,
    'an address that leads here is of this site, though nobody is named so');
my $status = json(admin('status'));
is($status->{version}, '0.1.0', 'the version');
is($status->{pool}{renderers}, 2, 'the pool');
is_deeply($status->{levels}, ['disk', 'memcached'], 'the levels of the store');
is($status->{memcached}[0]{server}, $ENV{DI_MEMCACHED}, 'its servers');
ok(!$status->{memcached}[0]{open}, 'none of them left alone');
cmp_ok($status->{customers}, '>', 2, 'customers');
ok(exists $status->{counters}{rendered}, 'counters');
ok(!exists json(get('/dynimage-admin/status', bearer($site)))->{memcached},
    'a site is not told which servers there are');
my $head = head('/dynimage-admin/status', bearer($main));
is($head->{status}, 200, 'HEAD is GET');
cmp_ok($head->{headers}{'content-length'}, '>', 100, 'without its body');

# ---- what a client would get ----

# Originals of this test alone.
my $dir = site_file('admin');
mkdir $dir;
my ($png) = glob site_file('graphics/*.png');
my ($jpeg) = glob site_file('photos/fig.jpg');
system("cp '$jpeg' $dir/a.jpg; cp '$png' $dir/a.png");
system("gm convert '$png' -resize 300x300 $dir/a.gif");
system("head -c 20000 '$jpeg' >$dir/broken.jpg");
system("head -c 5000 /dev/urandom >$dir/none.jpg; gm convert '$png' $dir/off.bmp; mv $dir/off.bmp $dir/off.jpg");
my %speed = (low => 100, medium => 1000, broad => 20000);

sub explained {
    my ($path, $kbps, $accept) = @_;
    my $query = 'url=' . encoded($path) . "&kbps=$kbps";
    $query .= '&accept=' . encoded($accept) if defined $accept;
    return json(admin("explain?$query"));
}

# What is made behind an answer comes in its time.
sub settled {
    my ($path, @headers) = @_;
    for (1 .. 100) {
        my $res = get($path, @headers);
        return $res if (why($res)->{reason} // '') !~ /^(?:quick|smaller-first|nearest)$/;
        select undef, undef, undef, 0.1;
    }
    return get($path, @headers);
}

my $unknown = explained('/admin/a.jpg', 0);
is($unknown->{reason}, undef, 'what was not tried is not known');
like($unknown->{would}, qr/^render it, keep it/, 'but what would be done');
is($unknown->{tier}, 'medium', 'of an unknown client, too');
is($unknown->{band}, 'medium', 'its band');
is($unknown->{mode}, 'hybrid', 'the mode');
is($unknown->{bytes}, -s "$dir/a.jpg", "the original's size");
is($unknown->{file}, "$dir/a.jpg", 'its file');
is_deeply([map { $_->{stored} } @{ $unknown->{tiers} }], [undef, undef, undef],
    'nothing is stored');
is(join(' ', map { $_->{tier} } @{ $unknown->{tiers} }), 'low medium broad', 'every tier');
like($unknown->{tiers}[0]{recipe}, qr/^scale=off fit=900 .* priority=5$/, 'its recipe');
is($unknown->{tiers}[2]{recipe}, 'original', 'the original as well');
is_deeply(explained('/admin/a.jpg', 0)->{tiers}, $unknown->{tiers},
    'and asking makes nothing');

for my $file (qw(a.jpg a.png a.gif broken.jpg none.jpg off.jpg)) {
    for my $accept (undef, 'image/avif,image/webp,*/*;q=0.8') {
        for my $tier (sort keys %speed) {
            my $name = "$file, $tier, " . ($accept // 'no Accept');
            my $res = settled("/$tier/admin/$file", defined $accept ? (Accept => $accept) : ());
            my $real = why($res);
            my $said = explained("/$tier/admin/$file", $speed{$tier}, $accept);
            is($said->{tier}, $real->{tier}, "$name: the tier");
            is($said->{reason}, $real->{reason}, "$name: the reason $real->{reason}");
            my ($own) = grep { $_->{tier} eq $tier } @{ $said->{tiers} };
            my $stored = $own->{stored};
            if ($real->{reason} eq 'rendered') {
                is($said->{would}, 'send the stored rendition', "$name: what it would do");
                is(qq("di-$own->{key}"), $res->{headers}{etag}, "$name: the key");
                is($stored->{bytes}, length $res->{content}, "$name: its bytes");
                is("image/$stored->{format}", $res->{headers}{'content-type'}, "$name: its format");
                is($stored->{level}, 'disk', "$name: its level");
                ok((grep { $_ eq $stored->{format} } @{ $own->{formats} }), "$name: one of its formats");
                cmp_ok(abs(time - $stored->{made}), '<', 120, "$name: made just now");
            }
            else {
                is($said->{would}, 'send the original', "$name: what it would do");
                is($stored->{reason}, $real->{reason}, "$name: a stored verdict says so")
                  if $real->{reason} =~ /^(?:broken|not-smaller)$/;
                ok(!exists $stored->{bytes}, "$name: without bytes") if $stored;
            }
        }
    }
}

# Other modes: what is not made is told as it is sent.
system("cp '$jpeg' $dir/s.jpg; cp '$jpeg' $dir/t.jpg; cp '$jpeg' $dir/u.jpg");
is(why(settled('/low/admin/t.jpg'))->{reason}, 'rendered', 'a smaller tier is stored');
for my $case (['s.jpg', 'not-made'], ['t.jpg', 'smaller-first']) {
    my ($file, $reason) = @$case;
    my $said = explained("/static/admin/$file", 20000);
    is($said->{mode}, 'static', "$file: static");
    is($said->{reason}, $reason, "$file: $reason");
    is(why(get("/static/admin/$file"))->{reason}, $reason, 'and so it is sent');
    for (1 .. 100) {
        last if ($said = explained("/static/admin/$file", 20000))->{reason} eq 'rendered';
        select undef, undef, undef, 0.1;
    }
    is($said->{reason}, 'rendered', 'until it is made behind the answer');
    is(why(get("/static/admin/$file"))->{reason}, 'rendered', 'and sent');
}
my $single = explained('/single/admin/u.jpg', 1000);
is($single->{mode}, 'single', 'single');
is($single->{would}, 'render it and send it', 'renders each time');

for my $case (
    ['/off/admin/a.jpg',     qr/DynImage is Off/],
    ['/admin/missing.jpg',   qr/404/],
    ['/index.html',          qr/no image file/],
    ['/private/admin/a.jpg', qr/httpd answers 403/],
    ['/admin/',              qr/leave it alone/])
{
    my ($path, $would) = @$case;
    my $said = explained($path, 100);
    like($said->{would}, $would, "$path: left alone");
    is($said->{reason}, undef, 'for no reason of ours');
}
is(explained('http://WWW.admin.example:1/admin/a.jpg?x=1', 100)->{url}, '/admin/a.jpg?x=1',
    'a full URL of this site, by any of its names');
is(explained('https://a.alias.example/admin/a.jpg', 100)->{tier}, 'low', 'by a pattern, too');

my $counted = json(admin('status'))->{counters};
explained("/$_/admin/a.jpg", 100) for qw(low special static);
admin('check?url=/low/admin/a.jpg');
is_deeply(json(admin('status'))->{counters}, $counted, 'an explanation counts nothing');

# ---- settings ----

my $check = json(admin('check?url=/special/admin/a.jpg'));
my %want = (
    DynImage            => 'On',
    DynImageWait        => '1500ms',
    DynImageColdWait    => '0',
    DynImageMaxSize     => '3M',
    DynImageBackground  => '#0a0b0c',
    DynImageCopyright   => 'strip',
    DynImageHeader      => 'Off',
    DynImageMaxAge      => '10min',
    DynImageUnknownBand => 'rest',
    DynImageMode        => 'hybrid',
    DynImageRenderRecycle => '1000 64M',
    DynImageRenderUser  => 'daemon',
);
for my $name (sort keys %want) {
    is($check->{settings}{$name}, $want{$name}, "$name is $want{$name}");
}
is_deeply($check->{bands}, [{ name => 'crawl', from_kbps => 0, tier => 'tiny' },
        { name => 'rest', from_kbps => 150, tier => 'broad' }], 'the bands');
is_deeply([map { $_->{name} } @{ $check->{tiers} }], ['tiny', 'broad'], 'their tiers');
like($check->{tiers}[0]{recipe}, qr/fit=200 .* quality=30 ssim=off .* formats=jpeg/, 'the recipe');

# What is listed can be written, and what can be written is listed.
my %as_is = %{ $check->{settings} };
my $text = join '', map { "$_ $as_is{$_}\n" } grep { defined $as_is{$_} } sort keys %as_is;
$text .= join '', map { "DynImageBand $_->{name} $_->{from_kbps} $_->{tier}\n" } @{ $check->{bands} };
$text .= join '', map { "DynImageTier $_->{name} $_->{recipe}\n" } @{ $check->{tiers} };
my ($error, $output) = check_config($text);
is($error, 0, 'the settings are legal as they are written') or diag("$output$text");
my @documented = slurp("$ENV{DI_TOP}/docs/directives.md") =~ /^### (DynImage\w*)$/mg;
# Of a file of tokens not even the name is told.
my %elsewhere = map { $_ => 1 }
  qw(DynImageBand DynImageTier DynImageAdminKeyFile DynImagePurgePullKeyFile);
is_deeply([grep { !exists $as_is{$_} && !$elsewhere{$_} } @documented], [],
    'every directive is listed');
my $own = json(get('/dynimage-admin/check?url=/special/admin/a.jpg', bearer($site)));
ok(!exists $own->{settings}{DynImageRenderUser}, "the server's settings are not a site's");
is($own->{settings}{DynImageWait}, '1500ms', 'but its own are');

# ---- purges ----

sub purge {
    my ($body, @headers) = @_;
    @headers = bearer($site) if !@headers;
    return ask('POST', '/dynimage-admin/purge', $body, form(), @headers);
}

sub purged_by_log {
    my ($what) = @_;
    return scalar grep { /DI0640: .* purged \Q$what\E, stamp \d+/ } watch_lines();
}

my $before = explained('/low/admin/a.jpg', 100);
is($before->{purged}, 0, 'nothing was purged yet');
for my $case (
    # method, path, body, path that is purged, URL, 1: covered
    ['POST',  'purge', 'url=/low/admin/a.jpg', '/low/admin/a.jpg', '/low/admin/a.jpg', 1],
    ['POST',  'purge', 'url=/low/admin/a.jpg', '/low/admin/a.jpg', '/low/admin/a.png', 0],
    ['POST',  'purge', 'url=%2Flow%2F.%2F%252e%2Fx%2F..%2F%2Fadmin%2F', '/low/admin/', '/low/admin/a.png', 1],
    ['POST',  'purge', 'url=https://www.ADMIN.example:4/low/admin/a.gif%3Fx=1', '/low/admin/a.gif', '/low/admin/a.gif', 1],
    ['PURGE', 'purge/broad/', undef, '/broad/', '/broad/admin/a.jpg', 1],
    ['PURGE', 'purge/broad/', undef, '/broad/', '/medium/admin/a.jpg', 0],
    ['PURGE', 'purge/a%20b%C3%A9.jpg', undef, "/a b\x{e9}.jpg", '/medium/admin/a.jpg', 0],
    ['POST',  'purge', 'url=/', '/', '/medium/admin/a.jpg', 1])
{
    my ($method, $path, $body, $what, $url, $covered) = @$case;
    my $old = explained($url, 100);
    my $res = ask($method, "/dynimage-admin/$path", $body, bearer($site),
        defined $body ? form() : ());
    is($res->{status}, 200, "$method $path " . ($body // ''));
    my $done = json($res)->{purged};
    is(scalar @$done, 1, 'one was purged');
    is($done->[0]{site}, 'admin.example', 'of this site');
    is($done->[0]{path}, $what, 'the path');
    my $new = explained($url, 100);
    is($new->{purged} > $old->{purged}, !!$covered, "$url: " . ($covered ? '' : 'not ') . 'covered');
    is($new->{tiers}[0]{key} ne $old->{tiers}[0]{key}, !!$covered, 'and so is its key');
    is($new->{purged}, $done->[0]{stamp}, 'the stamp') if $covered;
}
is(purged_by_log('admin.example /low/admin/'), 1, 'a purge is logged once');
ok((grep { /DI0640: token 1 of admin\.example at 127\.0\.0\.1 purged/ } watch_lines()), 'with whom');

my $several = purge('url=/a&url=/b/&x=1&url=/c%3Fd');
is(join(' ', map { $_->{path} } @{ json($several)->{purged} }), '/a /b/ /c', 'several at once');
my $map = get('/dynimage-admin/purges', bearer($main));
for my $case (
    ['no URL',            '',                          400, qr/url= or all=1 is missing/],
    ['no path',           'url=x',                     400, qr/neither a path/],
    ['one of two bad',    'url=/fine&url=bad',         400, qr/"bad" is neither/],
    ['a bad encoding',    'url=/%2500',                400, qr/not encoded/],
    ['another site',      'url=http://users.example/', 403, qr/does not reach/],
    ['a site of nobody',  'url=http://none.example/',  403, qr/does not reach/],
    ['all sites',         'all=1',                     403, qr/does not reach/])
{
    my ($name, $body, $status, $error) = @$case;
    my $res = purge($body);
    is($res->{status}, $status, "$name: $status");
    like(json($res)->{error}, $error, 'with the reason');
}
my $same = get('/dynimage-admin/purges', bearer($main));
is($same->{status}, 200, 'the map is to be had');
is($same->{headers}{'content-type'}, 'application/octet-stream', 'as bytes');
ok($same->{content} eq $map->{content}, 'and what was refused is not in it');
is(get('/dynimage-admin/purges', bearer($site))->{status}, 403,
    "a site's token does not get it");

is(purge('url=http://users.example/x/', bearer($main))->{status}, 200,
    "a token of the main server's reaches other sites");
is(purged_by_log('users.example /x/'), 1, 'which is logged');
is(json(purge('url=http://users.alias.example/x/', bearer($main)))->{purged}[0]{site},
    'users.example', 'a name goes before a pattern of this site');
is(purge('url=http://users.alias.example/x/')->{status}, 403, 'and is not this site');
is(purge('url=http://none.example/', bearer($main))->{status}, 404, 'if they are there');
my $all = json(purge('all=1', bearer($main)))->{purged};
is_deeply([map { $_->{site} } @$all], [undef], 'and all sites at once');
is(explained('/admin/a.jpg', 100)->{purged}, $all->[0]{stamp}, 'which covers this one');
is(purged_by_log('all sites /'), 1, 'and is logged');
is(ask('PURGE', '/dynimage-admin/purge', undef, bearer($site))->{status}, 400,
    'PURGE without a path');

for my $case (
    ['no type',      'url=/', [],                                     415],
    ['JSON',         '{}',    ['Content-Type' => 'application/json'], 415],
    ['a page form',  'x',     ['Content-Type' => 'multipart/form-data; boundary=x'], 415],
    ['a longer one', 'url=/', ['Content-Type' => 'application/x-www-form-urlencodedx'], 415],
    ['a charset',    'url=/', ['Content-Type' => 'Application/X-www-form-urlencoded; charset=UTF-8'], 200],
    ['64 KB',        'url=/&x=' . 'x' x (65536 - 8), [form()],         200],
    ['a byte more',  'url=/&x=' . 'x' x (65536 - 7), [form()],         413],
    ['a NUL',        "url=/\0",                      [form()],         400])
{
    my ($name, $body, $headers, $status) = @$case;
    is(ask('POST', '/dynimage-admin/purge', $body, bearer($site), @$headers)->{status},
        $status, "$name: $status");
}
{
    my $pieces = 0;
    my $res = HTTP::Tiny->new->request('POST', base() . '/dynimage-admin/purge', {
        headers => { bearer($site), form(), 'Transfer-Encoding' => 'chunked' },
        content => sub { $pieces++ < 80 ? 'x' x 1000 : undef } });
    is($res->{status}, 413, 'a chunked body is bounded as well');
}

# ---- pages of other sites ----

my $host = (base() =~ m{//(.*)})[0];
client('adminusers');
my $users = (base() =~ m{//(.*)})[0];
for my $case (
    ['a program',             200],
    ['a page of this site',   200, Origin => "http://$users", 'Sec-Fetch-Site' => 'same-origin'],
    ['an older browser',      200, Origin => "http://$users"],
    ['typed by the user',     200, 'Sec-Fetch-Site' => 'none'],
    ['a page of another site', 403, Origin => 'http://evil.example', 'Sec-Fetch-Site' => 'cross-site'],
    ['a neighbour',           403, 'Sec-Fetch-Site' => 'same-site'],
    ['another port',          403, Origin => "http://$host"],
    ['another site, older',   403, Origin => 'http://evil.example'],
    ['a hidden origin',       403, Origin => 'null'])
{
    my ($name, $status, @headers) = @$case;
    for my $method ('POST', 'PURGE') {
        my $res = ask($method, '/status/dynimage/purge' . ($method eq 'PURGE' ? '/a' : ''),
            $method eq 'POST' ? 'url=/a' : undef, @ann, form(), @headers);
        is($res->{status}, $status, "$name, $method with a user of httpd's: $status");
    }
}
is(ask('POST', '/open/purge', 'url=/a', bearer($main), form(), Origin => 'http://evil.example')
      ->{status}, 200, 'a token is never sent by a page of another site');
is(ask('POST', '/status/dynimage/purge', 'url=http://admin.example/', @ann, form())->{status}, 403,
    'a user is of one site');
ok((grep { /DI0640: user ann at 127\.0\.0\.1 purged users\.example \/a,/ } watch_lines()),
    'and is named in the log');

client('admin');

# Names and bytes that are written in more than one way.
my $dotted = ask('POST', '/dynimage-admin/purge',
    'url=http://admin.example./dot%250d%250ax&url=http://admin.example.:80/', form(), bearer($site));
is_deeply([map { "$_->{site} $_->{path}" } @{json($dotted)->{purged}}],
    ["admin.example /dot\r\nx", 'admin.example /'], 'a host may end with a dot');
ok((grep { /DI0640: .* purged admin\.example \/dot\\r\\nx,/ } watch_lines()),
    'control characters are escaped once in the log');
my $many = ask('POST', '/dynimage-admin/purge', join('&', ('url=/x') x 9000), form(), bearer($site));
is(scalar @{json($many)->{purged}}, 9000, 'as many URLs as a body holds');

# ---- made ahead ----

sub prerendered {
    my ($body, $token) = @_;
    my $res = ask('POST', '/dynimage-admin/prerender', $body, form(), bearer($token // $site));
    return json($res)->{urls};
}
my $first = prerendered('url=/admin/a.jpg&url=/admin/none.jpg&url=/admin/missing.jpg'
      . '&url=/off/admin/a.jpg&url=http://users.example/a.jpg&url=/admin/a.png');
is(scalar @$first, 6, 'every URL is answered for');
is($first->[0]{url}, '/admin/a.jpg', 'by its name');
cmp_ok($first->[0]{made} + $first->[0]{none}, '>=', 6, 'all tiers and formats of a JPEG');
is($first->[0]{stored}, 0, 'nothing was there');
is($first->[0]{failed}, 0, 'nothing failed');
cmp_ok($first->[0]{cpu_us}, '>', 1000, 'what it cost');
cmp_ok($first->[0]{bytes}, '>', 1000, 'and holds');
cmp_ok($first->[1]{none}, '>=', 2, 'no picture: no rendition');
is($first->[1]{reason}, 'unsupported', 'for its reason');
like($first->[2]{error}, qr/404/, 'a missing one does not stop the others');
like($first->[3]{error}, qr/Off/, 'nor one that is not ours');
like($first->[4]{error}, qr/another site/, "nor one of another site");
cmp_ok($first->[5]{made}, '>', 0, 'the last one was made');
my $hit = get('/low/admin/a.jpg');
is(why($hit)->{cache}, 'disk', 'a request is then a hit') or diag($hit->{headers}{dynimage});
for my $accept (undef, 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5') {
    my @open = grep { !$_->{original} && !$_->{stored} }
      @{ explained('/admin/a.jpg', 0, $accept)->{tiers} };
    is(scalar @open, 0, 'every tier for ' . ($accept // 'no Accept'));
}
my $again = prerendered('url=/admin/a.jpg')->[0];
is($again->{made}, 0, 'and none is made again');
is($again->{stored}, $first->[0]{made}, 'as it is stored');
is($again->{none}, $first->[0]{none}, 'or known not to be');
is($again->{cpu_us}, 0, 'at no cost');
my $passing = prerendered('url=/single/admin/u.jpg')->[0];
is($passing->{made} + $passing->{stored} + $passing->{failed}, 0,
    'nothing is made where nothing is kept');
cmp_ok($passing->{none}, '>=', 2, 'and all is told as none');
is($passing->{reason}, undef, 'for no reason of the picture');
is(scalar(grep { $_->{stored} } @{ explained('/single/admin/u.jpg', 1000)->{tiers} }),
    0, 'nothing of it is stored');
for my $body ('', join '&', ('url=/a') x 65) {
    is(ask('POST', '/dynimage-admin/prerender', $body, form(), bearer($site))->{status}, 400,
        'at least one URL, at most 64');
}

# A caller that goes away: the photographs behind it are not made.
my @photos = map { m{([^/]+)$} } glob site_file('photos/*.jpg');
mkdir "$dir/many";
for my $i (1 .. 8) {
    for my $photo (@photos[0 .. 1]) {
        system("cp $dir/../photos/$photo $dir/many/$i-$photo");
        utime 1000000 + $i, 1000000 + $i, "$dir/many/$i-$photo";
    }
}
{
    my $body = join '&', map { "url=/admin/many/$_" } map { m{([^/]+)$} } glob "$dir/many/*.jpg";
    my ($address, $port) = base() =~ m{//([^:]+):(\d+)};
    my $socket = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port) or die;
    print $socket "POST /dynimage-admin/prerender HTTP/1.1\r\nHost: a\r\n",
      "Authorization: Bearer $site\r\nContent-Type: application/x-www-form-urlencoded\r\n",
      'Content-Length: ', length $body, "\r\n\r\n$body";
    sysread $socket, my $begun, 1000;
    like($begun, qr/^HTTP\/1\.1 200 /, 'the answer begins before the work ends');
    close $socket;
    ok(watch_wait(qr/DI0642: token 1 of admin\.example at 127\.0\.0\.1 prerendered [0-7] of 16 URLs/),
        'a caller that goes away ends the work');
}

# All slots taken: the next one is told to come again, and visitors are served.
sub begin {
    my ($turn) = @_;
    my @names = map { "/admin/many/$_" } sort map { m{([^/]+)$} } glob "$dir/many/*";
    my $body = join '&', map { "url=$_" } @names[$turn .. $#names, 0 .. $turn - 1];
    my ($address, $port) = base() =~ m{//([^:]+):(\d+)};
    my $socket = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port) or die;
    print $socket "POST /dynimage-admin/prerender HTTP/1.1\r\nHost: a\r\n",
      "Authorization: Bearer $site\r\nContent-Type: application/x-www-form-urlencoded\r\n",
      'Content-Length: ', length $body, "\r\n\r\n$body";
    sysread $socket, my $begun, 1000;
    return ($socket, $begun =~ m{^HTTP/1\.1 (\d+) });
}
utime 2000000, 2000000, glob "$dir/many/*";
my @open;
my ($next, $begun) = begin(0);
while ($begun == 200 && @open < 40) {
    push @open, $next;
    ($next, $begun) = begin(@open % 16);
}
cmp_ok(scalar @open, '>=', 8, 'several prerender side by side');
cmp_ok(scalar @open, '<=', 16, 'up to a bound over all processes');
is($begun, 503, 'beyond which one is refused');
my $late = ask('POST', '/dynimage-admin/prerender', 'url=/admin/a.jpg', form(), bearer($site));
is($late->{headers}{'retry-after'}, 5, 'and told when to come again');
like(json($late)->{error}, qr/prerender requests/, 'and why');
is(get('/admin/none.jpg')->{status}, 200, 'visitors are served');
@open = ();
undef $next;
my $free;
for (1 .. 120) {
    $free = ask('POST', '/dynimage-admin/prerender', 'url=/admin/a.jpg', form(), bearer($site));
    last if $free->{status} != 503;
    select undef, undef, undef, 0.5;
}
is($free->{status}, 200, 'callers that went away leave theirs to others');

# ---- an image is still none of its own business ----

for my $path ('/admin/a.jpg', '/low/admin/a.jpg') {
    is(ask('PURGE', $path, undef, bearer($main))->{status}, 501, "PURGE $path is refused");
}

watch_end('DI0641', 'AH01630', 'AH00135');
done_testing();
