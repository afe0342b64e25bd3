# SPDX-License-Identifier: Apache-2.0
# The administration handler: who may, and whether what it says is so.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use JSON::PP ();
use MIME::Base64 ();
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
my %listed = map { $_ => 1 } keys %{ $check->{settings} };
my $own = json(get('/dynimage-admin/check?url=/special/admin/a.jpg', bearer($site)));
ok(!exists $own->{settings}{DynImageRenderUser}, "the server's settings are not a site's");
is($own->{settings}{DynImageWait}, '1500ms', 'but its own are');

# ---- an image is still none of its own business ----

for my $path ('/admin/a.jpg', '/low/admin/a.jpg') {
    is(ask('PURGE', $path, undef, bearer($main))->{status}, 501, "PURGE $path is refused");
}

watch_end('DI0641', 'AH01630', 'AH00135');
done_testing();
