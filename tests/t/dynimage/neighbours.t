# SPDX-License-Identifier: Apache-2.0
# What other parts of httpd do to an image request stays done.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use Test::More;
use Watch;

client('caching');
my ($photo) = map { m{(photos/[^/]+)$} } glob site_file('photos/*.jpg');

my $res = get("/cookies/$photo");
is(why($res)->{reason}, 'rendered', 'a rendition');
is_deeply($res->{headers}{'set-cookie'}, ['a=1', 'b=2'],
    'two cookies of mod_headers stay two');
is($res->{headers}{expires}, undef, 'its "always" Expires is taken out');

watch_end();
done_testing();
