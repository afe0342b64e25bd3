# SPDX-License-Identifier: Apache-2.0
# Settings of server, VirtualHost, Location, Files and .htaccess, merged.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use File::Copy 'copy';
use File::Temp ();
use Test::More;
use Watch;

client('merging');
my ($photo) = map { m{(photos/[^/]+)$} } glob site_file('photos/*.jpg');
mkdir site_file('ht');
copy(site_file($photo), site_file("ht/$_.jpg")) for qw(one two);
open my $ht, '>', site_file('ht/.htaccess') or die;
print $ht "DynImageTier low fit=250\nDynImageMaxAge 7\n";
close $ht;

sub longest {
    my ($res) = @_;
    my $file = File::Temp->new;
    binmode $file;
    print $file $res->{content};
    close $file;
    my $name = $file->filename;
    my ($w, $h) = split ' ', `gm identify -format '%w %h' '$name'`;
    return $w > $h ? $w : $h;
}

my $plain = get("/plain/$photo");
cmp_ok(longest($plain), '<=', 900, 'fit of the default ladder');
cmp_ok(longest($plain), '>', 300, 'and not smaller');
cmp_ok(longest(get("/small/$photo")), '<=', 300, 'fit of a Location');
cmp_ok(longest(get("/wide/$photo")), '<=', 200, 'off takes fit away, width bounds');
my $capped = get("/capped/$photo");
is(why($capped)->{reason}, 'rendered', 'a ceiling of bytes');
cmp_ok(length $capped->{content}, '<=', 9 * 1024, 'is kept');
my $webp = get("/webp/$photo", Accept => 'image/webp,*/*;q=0.8');
is($webp->{headers}{'content-type'}, 'image/webp', 'a policy of formats');
cmp_ok(longest($webp), '<=', 900, 'with fewer pixels where the page sets the size');
is($webp->{headers}{vary}, 'Accept', 'follows Accept');
my $other = get("/webp/$photo", Accept => 'image/*');
is(why($other)->{reason}, 'no-format', 'a client that takes none of them');
is($other->{headers}{'content-type'}, 'image/jpeg', 'gets the original');
is($other->{headers}{vary}, 'Accept', 'which follows Accept, too');
my $keep = get("/keep/$photo", Accept => 'image/webp,*/*;q=0.8');
is($keep->{headers}{'content-type'}, 'image/jpeg', 'a tier that keeps the format');
is($keep->{headers}{vary}, undef, 'does not ask for Accept');
is(why(get("/sides/$photo"))->{reason}, 'too-long-side', 'a limit of a Location');
my $bands = get("/bands/$photo");
is(why($bands)->{tier}, 'tiny', 'a band of a Location, with a tier by name');
cmp_ok(longest($bands), '<=', 200, 'and its recipe');
is(why(get("/asis/$photo"))->{reason}, 'original', 'a tier set to original');
my $ht_two = get('/ht/two.jpg');
cmp_ok(longest($ht_two), '<=', 250, '.htaccess changes one key');
is($ht_two->{headers}{'cache-control'}, 'private, max-age=7',
    '.htaccess sets a number');
is(why(get('/ht/one.jpg'))->{reason}, 'original', 'Files: a single image');

watch_end();
done_testing();
