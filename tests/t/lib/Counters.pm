# SPDX-License-Identifier: Apache-2.0
# The counters of mod_speedprobe, as mod_status prints them; those of
# mod_dynimage with its name as second argument.
#
#     my $before = counters();                 # a hash
#     ...
#     is_deeply(counted($before), { beacons_taken => 1 });
package Counters;
use strict;
use warnings;

use Exporter 'import';
use Apache::TestRequest ();
use HTTP::Tiny ();

our @EXPORT = qw(counters counted);

# @param url     of a page of mod_status; the suite's when not given
# @param module  SpeedProbe when not given
sub counters {
    my ($url, $module) = @_;
    $module //= 'SpeedProbe';
    if (!$url) {
        my $was = Apache::TestRequest::module();
        Apache::TestRequest::module('guard');
        $url = 'http://' . Apache::TestRequest::hostport() . '/server-status';
        $url =~ s/localhost/127.0.0.1/;
        Apache::TestRequest::module($was) if $was;
    }
    my $text = HTTP::Tiny->new(timeout => 30)->get("$url?auto")->{content};
    return { $text =~ /^${module}_(\w+): (\d+)$/mg };
}

# What has grown since, but for the pages of mod_status themselves.
sub counted {
    my ($before, $url) = @_;
    my $now = counters($url);
    my %more = map { $_ => $now->{$_} - $before->{$_} } keys %$now;
    $more{pages_left_type}-- if exists $more{pages_left_type};
    delete $more{$_} for grep { /^table_/ } keys %more; # gauges
    return { map { $_ => $more{$_} } grep { $more{$_} != 0 } keys %more };
}

1;
