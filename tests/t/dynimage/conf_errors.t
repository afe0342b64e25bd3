# SPDX-License-Identifier: Apache-2.0
# What an operator may get wrong, and the sentence that httpd -t answers.
use strict;
use warnings;
use lib 'lib';

use Private;
use Test::More;

my @cases = (
    ['DynImage maybe', qr/DynImage: "maybe" is neither On nor Off/],
    ['DynImageWait 1h', qr/DynImageWait: "1h" is not a time .* from 50ms to 1min/],
    ['DynImageWait -1', qr/DynImageWait: "-1" is not a time/],
    ['DynImageWait 5x', qr/DynImageWait: "5x" is not a time in s, or with ms, min, h or d/],
    ['DynImageMaxPixels 0', qr/DynImageMaxPixels: "0" is not a whole number from 1 to 1000000000/],
    ['DynImageMaxSize 2G', qr/DynImageMaxSize: "2G" is not a size .* from 1 to 1G/],
    ['DynImageMaxAge', qr/DynImageMaxAge takes one argument/],
    ['DynImageTier low', qr/DynImageTier: a tier needs a recipe: original, or fit=PX/],
    ['DynImageTier', qr/DynImageTier: needs a name and a recipe/],
    ['DynImageTier Low original', qr/DynImageTier: "Low" is no tier name/],
    ['DynImageTier low quality=0', qr/quality: "0" is not a whole number from 1 to 100/],
    ['DynImageTier low colors=1', qr/colors: 1 colour shows nothing: 0 or 2 to 256/],
    ['DynImageTier low progressive=1', qr/progressive: "1" is neither on nor off/],
    ['DynImageTier low speed=fast', qr/"speed=fast" is none of original, fit=PX, quality=1..100/],
    ['DynImageBand slow 10', qr/DynImageBand: /],
    ['DynImageBand slow fast', qr/DynImageBand: /],
    ["DynImageBand a 0 low\nDynImageBand b 0 low", qr/DynImageBand: /],
    ['DynImageBand a 0 Low', qr/"Low" is no tier name/],
    ['DynImageBand slow 0', qr/band "slow" has no tier of its name/],
    ['DynImageUnknownBand fast', qr/DynImageUnknownBand: there is no band "fast"/],
    ['DynImageUnknownBand "a b"', qr/"a b" is no band name/],
    ['DynImageRenderers 0', qr/DynImageRenderers: "0" is not a whole number from 1 to 64/],
    ['DynImageRenderMemory 1M', qr/DynImageRenderMemory: .* from 64M to 16G/],
    ["<VirtualHost *:80>\nDynImageRenderers 3\n</VirtualHost>",
        qr/DynImageRenderers (?:cannot occur within|not allowed in) <VirtualHost>/],
    ['DynImageStore', qr/DynImageStore: needs the levels in order: disk, memcached/],
    ['DynImageStore tape', qr/DynImageStore: "tape" is neither disk nor memcached/],
    ['DynImageStore disk disk', qr/DynImageStore: disk is named twice/],
    ['DynImageStore memcached', qr/DynImageStore names memcached: add DynImageMemcached/],
    ['DynImageMemcached nowhere', qr/DynImageMemcached: /],
    ['DynImageMemcached 127.0.0.1:99999', qr/DynImageMemcached: /],
    ['DynImageMemcachedTimeout 10s', qr/DynImageMemcachedTimeout: .* from 1ms to 5s/],
    ['DynImageRenderUser no_such_user_here',
        qr/DynImageRenderUser: "no_such_user_here" is neither a user of this system/],
    ['DynImageRenderUser root', qr/"root" is neither a user of this system, other than root/],
    ['DynImageRenderUser #0', qr/"#0" is neither a user/],
    ['DynImageRenderUser #x', qr/"#x" is neither a user/],
);

for my $case (@cases) {
    my ($text, $message) = @$case;
    my ($status, $output) = check_config("$text\n");
    isnt($status, 0, "refused: $text");
    like($output, $message, 'and says why');
}

for my $text ('', 'DynImage On', 'DynImageTier low quality=30 colors=0',
    "DynImageBand all 0 medium", 'DynImageMemcached [::1]:11211 /run/m.sock')
{
    my ($status, $output) = check_config("$text\n");
    is($status, 0, "fine: $text") or diag($output);
}

# The annotated references load as they are, and each module without the other.
for my $name ('dynimage', 'speedprobe') {
    my ($status, $output) =
      check_config("Include $ENV{DI_RUN}/conf/$name.conf\n");
    is($status, 0, "conf/$name.conf loads") or diag($output);
}
my ($status, $output) = check_config("DynImage On\n", 'speedprobe_module');
is($status, 0, 'mod_dynimage alone') or diag($output);
($status, $output) = check_config("SpeedProbe On\n", 'dynimage_module');
is($status, 0, 'mod_speedprobe alone') or diag($output);

done_testing();
