# SPDX-License-Identifier: Apache-2.0
# Fifty clients want one image that is not rendered yet: one render.
use strict;
use warnings;
use lib 'lib';

use Client;
use Digest::MD5 'md5_hex';
use File::Copy 'copy';
use Test::More;
use Watch;

client('tiers');
my ($photo) = sort { -s $b <=> -s $a } glob site_file('photos/*.jpg');
copy($photo, site_file('herd.jpg'));
my @answers = in_parallel(50, sub {
    my $res = get('/low/herd.jpg');
    my $why = why($res);
    return join ' ', $res->{status}, $why->{reason} // '-', $why->{cache} // '-',
      md5_hex($res->{content});
});
is(scalar(grep { /^200 rendered / } @answers), 50, 'all get the rendition');
is(scalar(grep { / miss / } @answers), 1, 'one of them was rendered for');
my %body = map { (split ' ')[3] => 1 } @answers;
is(scalar(keys %body), 1, 'all get the same bytes');
watch_end();
done_testing();
