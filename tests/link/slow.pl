#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# An origin that thinks: before the first byte, or within the body.
#
#   /slow/first?MS&BYTES      /slow/middle?MS&BYTES&PAUSES
use strict;
use warnings;

my ($ms, $bytes, $pauses) = split /&/, $ENV{QUERY_STRING};
my $middle = $ENV{PATH_INFO} eq '/middle';
my $parts = $middle ? $pauses + 1 : 1;
my $wait = sub { select undef, undef, undef, $ms / 1000 };

$| = 1;
srand 1;
$wait->() unless $middle;
print "Content-Type: application/octet-stream\r\n",
  "Content-Length: ", int($bytes / $parts) * $parts, "\r\n\r\n";
for my $part (1 .. $parts) {
    $wait->() if $part > 1;
    print join '', map { chr rand 256 } 1 .. $bytes / $parts;
}
