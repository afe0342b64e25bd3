# SPDX-License-Identifier: Apache-2.0
# What an operator may get wrong, and the sentence that httpd -t answers.
use strict;
use warnings;
use lib 'lib';

use File::Temp ();
use Private;
use Test::More;

my $dir = File::Temp->newdir;

sub key_file {
    my ($name, $content) = @_;
    open my $file, '>', "$dir/$name" or die;
    print $file $content;
    close $file;
    return "SpeedProbeKeyFile $dir/$name";
}

my $key = join '', map { sprintf '%02x', $_ * 7 % 256 } 1 .. 32;
my @cases = (
    ['SpeedProbe maybe', qr/SpeedProbe: "maybe" is neither On nor Off/],
    ['SpeedProbeMethod noise', qr/SpeedProbeMethod: "noise" is none of timing\|probe\|padding\|off/],
    ['SpeedProbeScript file', qr/SpeedProbeScript: "file" is none of inline\|external/],
    ['SpeedProbePadding 65K', qr/SpeedProbePadding: "65K" is not a size .* from 0 to 64K/],
    ['SpeedProbeBudgetBytes 2M', qr/SpeedProbeBudgetBytes: "2M" is not a size .* from 0 to 1M/],
    ['SpeedProbeBudgetTime 4s', qr/SpeedProbeBudgetTime: "4s" is not a time .* from 0 to 3s/],
    ['SpeedProbeMinPage 65K', qr/SpeedProbeMinPage: "65K" is not a size .* from 0 to 64K/],
    ['SpeedProbeMinPage -1', qr/SpeedProbeMinPage: "-1" is not a size/],
    ['SpeedProbeRemeasure 31d', qr/SpeedProbeRemeasure: "31d" is not a time .* from 0 to 30d/],
    ['SpeedProbeRemeasure often', qr/SpeedProbeRemeasure: "often" is not a time/],
    ['SpeedProbeCookieMaxAge 31d', qr/SpeedProbeCookieMaxAge: .* from 0 to 30d/],
    ['SpeedProbeAssume fast', qr/SpeedProbeAssume: "fast" is not a rate .*; or none/],
    ['SpeedProbeAssume 0', qr/SpeedProbeAssume: "0" is not a rate .* from 1 to 100G/],
    ['SpeedProbeAssume 100 0', qr/SpeedProbeAssume: "0" is not a whole number from 1 to 60000/],
    ['SpeedProbeAssume none 5', qr/SpeedProbeAssume: "none" is not a rate/],
    ['SpeedProbeBand slow 10', qr/SpeedProbeBand: the first band of a scope must begin at 0/],
    ['SpeedProbeBand Slow 0', qr/SpeedProbeBand: "Slow" is not a band name/],
    ['SpeedProbeBand slow', qr/SpeedProbeBand takes two arguments/],
    ["SpeedProbeBand a 0\nSpeedProbeBand a 5", qr/SpeedProbeBand: band "a" is there already/],
    ["SpeedProbeBand a 0\nSpeedProbeBand b 0", qr/SpeedProbeBand: bands "a" and "b" begin at the same rate/],
    ['SpeedProbeBeaconLimit 0', qr/SpeedProbeBeaconLimit: "0" is not a whole number from 1 to 1000000; or none/],
    ['SpeedProbeBeaconLimit 5 0', qr/SpeedProbeBeaconLimit: "0" is not a time .* from 1s to 1d/],
    ['SpeedProbeBeaconLimit none 5', qr/SpeedProbeBeaconLimit: "none" is not a whole number/],
    ['SpeedProbeCookie maybe', qr/SpeedProbeCookie: "maybe" is neither On nor Off/],
    ['SpeedProbeConsent "a b"', qr/SpeedProbeConsent: "a b" is not COOKIE or COOKIE=VALUE.*; or none/],
    ['SpeedProbeConsent ok=', qr/SpeedProbeConsent: "" is not the value of a cookie/],
    ['SpeedProbeConsent ' . 'x' x 257, qr/SpeedProbeConsent: .* up to 256 characters/],
    ['SpeedProbeHonor me', qr/SpeedProbeHonor: "me" is neither gpc nor dnt; or none/],
    ['SpeedProbeHonor none gpc', qr/SpeedProbeHonor: "none" is neither gpc nor dnt; or none/],
    ['SpeedProbeHints 1', qr/SpeedProbeHints: "1" is neither On nor Off/],
    ['SpeedProbeUnknownBand Fast', qr/SpeedProbeUnknownBand: "Fast" is not a band name/],
    ['SpeedProbeBeacon beacon', qr/SpeedProbeBeacon: "beacon" is not an absolute path/],
    ['SpeedProbeBeacon "/a\'b"', qr/SpeedProbeBeacon: .* is not an absolute path/],
    ["<Location /a>\nSpeedProbeBeacon /b\n</Location>", qr/SpeedProbeBeacon .*<Location>/],
    ['SpeedProbeKeyFile /nonexistent', qr{SpeedProbeKeyFile: key file /nonexistent: }],
    ["<VirtualHost *:80>\nSpeedProbeKeyFile /x\n</VirtualHost>", qr/SpeedProbeKeyFile .*<VirtualHost>/],
    ['SpeedProbeMemcached 127.0.0.1', qr/SpeedProbeMemcached: "127.0.0.1" is not a memcached server/],
    ["<VirtualHost *:80>\nSpeedProbeMemcached a:1\n</VirtualHost>", qr/SpeedProbeMemcached .*<VirtualHost>/],
    ['SpeedProbeMemcachedTimeout 0', qr/SpeedProbeMemcachedTimeout: "0" is not .* from 1ms to 5s/],
    ['SpeedProbeTable 63', qr/SpeedProbeTable: "63" is not a whole number from 64 to 16777216; or none/],
    ['SpeedProbeTable few', qr/SpeedProbeTable: "few" is not .*; or none/],
    ["<VirtualHost *:80>\nSpeedProbeTable none\n</VirtualHost>", qr/SpeedProbeTable .*<VirtualHost> section$/m],
    ["<VirtualHost *:80>\nSpeedProbeTable few\n</VirtualHost>", qr/SpeedProbeTable .*<VirtualHost> section$/m],
    ["<VirtualHost *:80>\nSpeedProbeStateFile /x\n</VirtualHost>", qr/SpeedProbeStateFile .*<VirtualHost>/],
    [key_file('empty', ''), qr/no key in it: one or two lines/],
    [key_file('short', "abcd\n"), qr/line 1 is not 64 to 128 hex digits/],
    [key_file('text', ('x' x 64) . "\n"), qr/line 1 holds something else than hex digits/],
    [key_file('weak', ('ab' x 32) . "\n"), qr/line 1 is too regular/],
    [key_file('three', "$key\n$key\n$key\n"), qr/more than two lines/],
);
for my $case (@cases) {
    my ($text, $sentence) = @$case;
    my ($status, $output) = check_config("$text\n");
    my $name = $text =~ tr/\n/ /r;
    ok($status != 0, "refused: $name");
    like($output, $sentence, 'with a sentence that says what is legal');
}
my ($status, $output) = check_config(key_file('good', "$key\n$key\n") . "\n");
is($status, 0, 'a good key file is fine') or diag $output;
open my $file, '<', "$ENV{DI_TOP}/conf/speedprobe.conf" or die;
($status, $output) = check_config(join '', <$file>);
is($status, 0, 'the annotated reference is fine') or diag $output;
is(grep({ /SpeedProbe/ } split /\n/, $output), 0, 'and draws no remark');

done_testing();
