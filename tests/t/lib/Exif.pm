# SPDX-License-Identifier: Apache-2.0
# The size at which browsers lay a JPEG out, by its density block.
package Exif;
use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(laid_out);

# All fields of the first table and of the one behind it.
sub fields {
    my ($bytes) = @_;
    return {} if $bytes !~ /^\xff\xd8\xff\xe1..Exif\0\0((?:MM|II).*)/s;
    my $tiff = $1;
    my ($short, $long) = $tiff =~ /^MM/ ? qw(n N) : qw(v V);
    my %fields;
    my @tables = unpack $long, substr $tiff, 4, 4;
    while (defined(my $at = shift @tables)) {
        for my $i (0 .. unpack($short, substr $tiff, $at, 2) - 1) {
            my ($tag, $type, undef, $value) = unpack "$short$short$long a4",
              substr $tiff, $at + 2 + 12 * $i, 12;
            if ($type == 5) {
                my ($a, $b) = unpack "$long$long",
                  substr $tiff, unpack($long, $value), 8;
                $fields{$tag} = $b ? $a / $b : 0;
                next;
            }
            $fields{$tag} = unpack $type == 3 ? $short : $long, $value;
            push @tables, $fields{$tag} if $tag == 0x8769;
        }
    }
    return \%fields;
}

# "WxH": by the resolution where the pixel dimensions agree with it, else the
# pixels themselves.
sub laid_out {
    my ($bytes, $width, $height) = @_;
    my $exif = fields($bytes);
    return "${width}x$height" unless $exif->{0x011a} && $exif->{0x011b};
    my ($w, $h) = (int($width * 72 / $exif->{0x011a} + 0.5),
        int($height * 72 / $exif->{0x011b} + 0.5));
    return "${w}x$h"
      if $w == ($exif->{0xa002} // 0) && $h == ($exif->{0xa003} // 0);
    return "${width}x$height";
}

1;
