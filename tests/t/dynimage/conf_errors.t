# SPDX-License-Identifier: Apache-2.0
# What an operator may get wrong, and the sentence that httpd -t answers.
use strict;
use warnings;
use feature 'state';
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
    ['DynImageTier low', qr/DynImageTier: a tier needs a recipe: original, scale=1..100%/],
    ['DynImageTier', qr/DynImageTier: needs a name and a recipe/],
    ['DynImageTier Low original', qr/DynImageTier: "Low" is no tier name/],
    ['DynImageTier low quality=0', qr/quality: "0" is not a whole number from 1 to 100/],
    ['DynImageTier low colors=1', qr/colors: 1 colour shows nothing: 0 or 2 to 256/],
    ['DynImageTier low progressive=1', qr/progressive: "1" is neither on nor off/],
    ['DynImageTier low speed=fast',
        qr/"speed=fast" is none of original, scale=.* fit=PX\|off, .* priority=0\.\.9/],
    ['DynImageTier low scale=0',
        qr{scale: "0" is neither a percentage from 1 to 100 nor 1/8, 1/4, 3/8 or 1/2, or off}],
    ['DynImageTier low scale=1/3', qr/scale: "1\/3" is neither a percentage/],
    ['DynImageTier low fit=0', qr/fit: "0" is not a whole number from 1 to 65500, or off/],
    ['DynImageTier low width=65501', qr/width: "65501" is not .* from 1 to 65500, or off/],
    ['DynImageTier low height=x', qr/height: "x" is not .* from 1 to 65500, or off/],
    ['DynImageTier low quality=off', qr/quality: "off" is not a whole number from 1 to 100$/m],
    ['DynImageTier low ssim=95', qr/ssim: "95" is not a decimal from 0\.50 to 0\.999/],
    ['DynImageTier low ssim=1', qr/ssim: "1" is not a decimal .* or off/],
    ['DynImageTier low bytes=100', qr/bytes: "100" is not a size .* from 256 to 1G, or off/],
    ['DynImageTier low chroma=411', qr/chroma: "411" is none of auto, 420, 422, 444/],
    ['DynImageTier low formats=gif',
        qr/formats: "gif" is neither auto nor keep nor a list of jpeg,png,webp,avif,jxl/],
    ['DynImageTier low formats=', qr/formats: "" is neither auto nor keep/],
    ['DynImageTier low formats=keep,png', qr/formats: "keep,png" is neither/],
    ['DynImageTier low layout=on', qr/layout: "on" is neither keep nor page/],
    ['DynImageTier low priority=10', qr/priority: "10" is not a whole number from 0 to 9/],
    ['DynImageTier low original fit=9', qr/DynImageTier: original stands alone/],
    ['DynImageTier low fit=9 fit=8', qr/DynImageTier: fit is given twice/],
    ['DynImageMaxSide 65501', qr/DynImageMaxSide: .* from 1 to 65500/],
    ['DynImageMaxFrames 0', qr/DynImageMaxFrames: .* from 1 to 100000/],
    ['DynImageMaxScans 0', qr/DynImageMaxScans: .* from 1 to 10000/],
    ['DynImageMaxProfile 1G', qr/DynImageMaxProfile: "1G" is not a size .* from 1K to 64M/],
    ['DynImageBackground white',
        qr/DynImageBackground: "white" is not a colour from #000000 to #FFFFFF/],
    ['DynImageBackground #FFF', qr/DynImageBackground: "#FFF" is not a colour/],
    ['DynImageBackground #12345G', qr/DynImageBackground: "#12345G" is not a colour/],
    ['DynImageCustomer Shop', qr/DynImageCustomer: "Shop" is no customer's name: 1 to 63 of a-z/],
    ['DynImageQuota 100', qr/DynImageQuota: "100" is not a size .* from 1M to 1048576G/],
    ['DynImageQuota 1G 5', qr/DynImageQuota: "5" is not a whole number from 16 to 100000000/],
    ['DynImageReclaim fifo',
        qr/DynImageReclaim: "fifo" is none of idle\|lru\|lfu\|age\|priority\|permanent/],
    ['DynImageReclaim lru 40%', qr/DynImageReclaim: "40%" is not .* from 50 to 100/],
    ['DynImageReclaim lru 80% 90%', qr/DynImageReclaim: the second share, .* is above the first/],
    ["DynImageCustomer a\nDynImageQuota 1G\n<VirtualHost 127.0.0.1:9>\nDynImageCustomer a\n"
          . "DynImageQuota 2G\n</VirtualHost>",
        qr/customer "a" has several VirtualHosts with different DynImageQuota/],
    ['DynImageCopyright drop', qr/DynImageCopyright: "drop" is none of strip\|keep/],
    ['DynImageMode layered', qr/DynImageMode: "layered" is none of hybrid\|single\|static/],
    ['DynImagePurgePull ftp://a.example/', qr/"ftp:.*" is no http or https URL/],
    ['DynImagePurgePull /purges', qr/"\/purges" is no http or https URL/],
    ["<VirtualHost *:80>\nDynImagePurgePull http://a/\n</VirtualHost>",
        qr/DynImagePurgePull (?:cannot occur within|not allowed in) <VirtualHost>/],
    ['DynImagePurgePullInterval 10ms', qr/DynImagePurgePullInterval: .* from 1s to 1d/],
    ['DynImagePurgePullKeyFile /nowhere', qr/DynImagePurgePullKeyFile: .*\/nowhere/],
    ['DynImagePriority 10', qr/DynImagePriority: "10" is none of 0\|1\|.*\|9\|tier/],
    ['DynImageColdWait 2min', qr/DynImageColdWait: "2min" is not a time .* from 0 to 1min/],
    ['DynImageInputFormats', qr/DynImageInputFormats: needs formats: jpeg, png, gif, webp/],
    ['DynImageInputFormats jpeg eps',
        qr/"eps" is none of jpeg, png, gif, webp, tiff, bmp, avif, heic, jxl/],
    ['DynImageRenderRecycle 0', qr/DynImageRenderRecycle: "0" is not .* from 1 to 1000000/],
    ['DynImageRenderRecycle 9 9', qr/DynImageRenderRecycle: "9" is not a size .* from 1M to 16G/],
    ['DynImageRenderRecycle', qr/DynImageRenderRecycle takes 1-2 arguments/],
    ['DynImageRenderAge 1ms', qr/DynImageRenderAge: .* from 100ms to 1min/],
    ['DynImageBackgroundRenders 0', qr/DynImageBackgroundRenders: .* from 1 to 1024/],
    ['DynImageBand slow 10', qr/DynImageBand: /],
    ['DynImageBand slow fast', qr/DynImageBand: /],
    ["DynImageBand a 0 low\nDynImageBand b 0 low", qr/DynImageBand: /],
    ['DynImageBand a 0 Low', qr/"Low" is no tier name/],
    ['DynImageBand slow 0', qr/band "slow" has no tier of its name/],
    ['DynImageUnknownBand fast', qr/DynImageUnknownBand: there is no band "fast"/],
    ['DynImageUnknownBand "a b"', qr/"a b" is no band name/],
    ['DynImageRenderers 0', qr/DynImageRenderers: "0" is not a whole number from 1 to 64, or auto/],
    ['DynImageRenderMemory 1M', qr/DynImageRenderMemory: .* from 64M to 16G/],
    ["<VirtualHost *:80>\nDynImageRenderers 3\n</VirtualHost>",
        qr/DynImageRenderers (?:cannot occur within|not allowed in) <VirtualHost>/],
    ["<VirtualHost *:80>\nDynImageInputFormats gif\n</VirtualHost>",
        qr/DynImageInputFormats (?:cannot occur within|not allowed in) <VirtualHost>/],
    ["<VirtualHost *:80>\nDynImageRenderRecycle 3\n</VirtualHost>",
        qr/DynImageRenderRecycle (?:cannot occur within|not allowed in) <VirtualHost>/],
    ['DynImageStore', qr/DynImageStore: needs the levels in order: memory, disk, memcached/],
    ['DynImageStore tape', qr/DynImageStore: "tape" is none of memory, disk, memcached/],
    ['DynImageStore disk disk', qr/DynImageStore: disk is named twice/],
    ['DynImageStore memory disk memory', qr/DynImageStore: memory is named twice/],
    ['DynImageStoreKeep some', qr/DynImageStoreKeep: "some" is neither all nor first/],
    ['DynImageStoreMemory 10K', qr/DynImageStoreMemory: "10K" is not a size .* from 1M to 16G/],
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

# Files of tokens.
sub tokens {
    my ($mode, $text) = @_;
    state $count = 0;
    my $path = "$ENV{DI_RUN}/t/state/tokens" . $count++;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file;
    chmod $mode, $path;
    return $path;
}
my $token = '0123456789abcdef' x 2;
push @cases, map { ["DynImageAdminKeyFile $_->[0]", $_->[1]] } (
    ['/none/here', qr{DynImageAdminKeyFile: token file /none/here: No such file}],
    ['/tmp', qr/it is not a plain file/],
    [tokens(0600, ''), qr/holds no token: legal are lines of 32 to 256/],
    [tokens(0600, "# $token\n\n"), qr/holds no token/],
    [tokens(0600, "$token\nshort\n"), qr/line 2: the token is too short: legal are 32 to 256/],
    [tokens(0600, 'x' x 40), qr/too easy to guess: legal are .* at least 8 of them different/],
    [tokens(0600, "$token $token"), qr/has a space/],
    [tokens(0644, $token), qr/others than its owner and its group can read or write it: chmod o-rw/],
    [tokens(0602, $token), qr/chmod o-rw/]);
push @cases, ["<Location />\nDynImageAdminKeyFile " . tokens(0600, $token) . "\n</Location>",
    qr/DynImageAdminKeyFile (?:cannot occur within|not allowed in) <Location>/];

for my $case (@cases) {
    my ($text, $message) = @$case;
    my ($status, $output) = check_config("$text\n");
    isnt($status, 0, "refused: $text");
    like($output, $message, 'and says why');
}

for my $text ('', 'DynImage On', 'DynImageTier low quality=30 colors=0',
    'DynImageTier low scale=3/8 width=900 height=off ssim=0.955 bytes=40K chroma=4:4:4',
    'DynImageTier low formats=jpeg,WebP layout=page priority=9 fit=off',
    'DynImageBackground #a0B1c2', 'DynImageCopyright Strip',
    'DynImageColdWait 0', 'DynImageMode Static', 'DynImagePriority 9',
    'DynImagePriority tier', 'DynImageRenderers auto', 'DynImageRenderRecycle 10',
    'DynImageInputFormats JPEG tiff bmp avif heic jxl',
    'DynImageAdminKeyFile ' . tokens(0640, "# a comment\n$token\r\n"),
    "<VirtualHost *:80>\nDynImageAdminKeyFile " . tokens(0400, $token) . "\n</VirtualHost>",
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
