# SPDX-License-Identifier: Apache-2.0
# What other parts of httpd do to an image request stays done.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use File::Copy 'copy';
use Test::More;
use Watch;

client('caching');
my ($photo) = map { m{(photos/[^/]+)$} } glob site_file('photos/*.jpg');

my $res = get("/cookies/$photo");
is(why($res)->{reason}, 'rendered', 'a rendition');
is_deeply($res->{headers}{'set-cookie'}, ['a=1', 'b=2'],
    'two cookies of mod_headers stay two');
is($res->{headers}{expires}, undef, 'its "always" Expires is taken out');

$res = get('/missing/nothing.jpg');
is($res->{status}, 404, 'a picture as error document');
is(why($res)->{reason}, 'rendered', 'is rendered too');
is($res->{headers}{'cache-control'}, 'private, max-age=0, must-revalidate',
    'but the error is not kept');

# As root, httpd's children are somebody else; else nobody can read mode 0.
client('tiers');
copy(site_file($photo), site_file('closing.jpg')) or die;
chmod 0644, site_file('closing.jpg');
is(why(get('/low/closing.jpg'))->{reason}, 'rendered', 'readable: rendered');
chmod 0, site_file('closing.jpg');
for my $tier (qw(low medium broad)) {
    is(get("/$tier/closing.jpg")->{status}, 403,
        "no longer readable: $tier is refused, whatever is stored");
}
chmod 0644, site_file('closing.jpg');
is(why(get('/medium/closing.jpg'))->{reason}, 'rendered',
    'readable again: no memory of it');

watch_end('AH00132');
done_testing();
