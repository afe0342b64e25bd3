# SPDX-License-Identifier: Apache-2.0
# Each format in each tier: what is sent, and that it decodes to what it says.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use File::Temp ();
use Test::More;
use Watch;

client('tiers');
my $big = 'photos/' . (sort { -s site_file("photos/$b") <=> -s site_file("photos/$a") }
      map { m{([^/]+)$} } grep { identify($_)->[1] >= 3264 } glob site_file('photos/*.jpg'))[0];
my ($png) = map { m{(graphics/[^/]+)$} } glob site_file('graphics/*.png');
my ($webp) = map { m{(graphics/[^/]+)$} } glob site_file('graphics/*.webp');

# [format, width, height] of a file, by GraphicsMagick's command.
sub identify {
    my ($path) = @_;
    my $line = `gm identify -format '%m %w %h\n' '$path' 2>&1`;
    return [split ' ', (split /\n/, $line)[0] // ''];
}

sub decoded {
    my ($res) = @_;
    my $file = File::Temp->new;
    binmode $file;
    print $file $res->{content};
    close $file;
    return identify($file->filename);
}

my $size = -s site_file($big);
my (undef, $width, $height) = @{ identify(site_file($big)) };

for my $case (['low', 900, 100], ['medium', 1800, 1000]) {
    my ($tier, $fit, $kbps) = @$case;
    my $res = get("/$tier/$big");
    my $why = why($res);
    is($res->{status}, 200, "$tier: answered");
    is($why->{tier}, $tier, "$tier: its tier");
    is($why->{kbps}, $kbps, "$tier: the speed");
    is($why->{src}, 'assume', "$tier: its source");
    is($why->{reason}, 'rendered', "$tier: rendered");
    is($why->{in}, $size, "$tier: bytes of the original");
    is($why->{out}, length $res->{content}, "$tier: bytes of the answer");
    like($res->{headers}{'cache-status'}, qr/^dynimage; (hit|fwd=uri-miss; stored)/,
        "$tier: Cache-Status");
    my ($format, $w, $h) = @{ decoded($res) };
    is($format, 'JPEG', "$tier: a JPEG");
    cmp_ok($w, '<=', $fit, "$tier: fits");
    cmp_ok(abs($h - $height * $w / $width), '<', 1, "$tier: keeps its shape");
    my $again = get("/$tier/$big");
    is(why($again)->{cache}, 'disk', "$tier: then a hit on disk");
    ok($again->{content} eq $res->{content}, "$tier: the same bytes");
    is($again->{headers}{'cache-status'}, 'dynimage; hit; detail=disk',
        "$tier: Cache-Status of a hit");
    my ($line) = grep { /DI0601: \/\Q$tier\/$big\E / } watch_lines();
    like($line // '', qr/\Q$res->{headers}{dynimage}\E/, "$tier: the log agrees");
}

my $low = get("/low/$big");
cmp_ok(length $low->{content}, '<=', 0.15 * $size,
    'low has at most 15 % of the bytes');
like($low->{content}, qr/^\xff\xd8\xff\xe1..Exif\0\0/s,
    'a smaller JPEG carries the density block first');

my $broad = get("/broad/$big");
ok($broad->{content} eq slurp(site_file($big)), 'broad is the original');
is(why($broad)->{reason}, 'original', 'broad says so');
is(why($broad)->{out}, $size, 'broad: out is in');
like($broad->{headers}{'cache-status'}, qr/fwd=bypass/, 'broad: no cache');

my $unknown = get("/$big");
is(why($unknown)->{tier}, 'medium', 'an unknown client gets medium');
is(why($unknown)->{kbps}, 0, 'its speed is 0');
is(why($unknown)->{src}, 'none', 'from nowhere');
ok($unknown->{content} eq get("/medium/$big")->{content},
    'the same bytes as for a known medium client');

# The answer once what is made behind the first one is stored.
sub settled {
    my ($path, @headers) = @_;
    for (1 .. 200) {
        my $res = get($path, @headers);
        return $res if why($res)->{reason} !~ /^(quick|smaller-first|nearest)$/;
        select undef, undef, undef, 0.1;
    }
    fail("$path: never rendered");
    return get($path, @headers);
}

# Formats: those that the client takes, or the original.
for my $case (
    [$png,  '*/*',                   'PNG JPEG'],
    [$png,  'image/webp,*/*;q=0.8',  'PNG JPEG WEBP'],
    [$webp, '*/*',                   'PNG JPEG'],
    [$webp, 'image/webp,*/*;q=0.8',  'PNG JPEG WEBP'],
    [$big,  'image/webp;q=0.1,*/*',  'JPEG'])
{
    my ($path, $accept, $formats) = @$case;
    my $name = "$path for $accept";
    my $res = settled("/low/$path", Accept => $accept);
    my $why = why($res);
    is($res->{status}, 200, "$name: answered");
    like($why->{reason}, qr/^(rendered|not-smaller)$/, "$name: $why->{reason}");
    cmp_ok($why->{out}, '<=', -s site_file($path), "$name: never larger");
    is($res->{headers}{vary}, 'Accept', "$name: Vary");
    my $type = decoded($res)->[0];
    is($res->{headers}{'content-type'}, 'image/' . lc $type, "$name: its type");
    $formats = identify(site_file($path))->[0] if $why->{reason} eq 'not-smaller';
    like(" $formats ", qr/ \Q$type\E /, "$name: a format that it takes");
}

my $off = get("/off/$big");
ok(!$off->{headers}{dynimage}, 'Off leaves no header');
ok($off->{content} eq slurp(site_file($big)), 'Off sends the original');
unlike($off->{headers}{'cache-control'} // '', qr/private/, 'Off is cacheable');
my $quiet = get("/quiet/$big");
ok(!(grep { $quiet->{headers}{$_} } qw(dynimage cache-status server-timing)),
    'DynImageHeader Off leaves none of the three');
cmp_ok(length $quiet->{content}, '<', $size, 'but the tier');
is(get('/low/index.html')->{headers}{dynimage}, undef, 'pages are not ours');
is(get('/low/none.jpg')->{status}, 404, 'what is not there is 404');

watch_end();
done_testing();
