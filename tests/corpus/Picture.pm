# SPDX-License-Identifier: Apache-2.0
# What the programs of tests/corpus share: running commands, parallel work,
# and the containers of picture files as far as no common program writes what
# the corpus needs.
package Picture;
use strict;
use warnings;

use Compress::Zlib qw(compress crc32);
use Exporter 'import';
use Fcntl qw(:flock SEEK_SET);
use File::Temp qw(tempdir);

our @EXPORT = qw(run capture slurp spill share_out processors
  png_chunk png_write png_insert png_animate jpeg_insert exif_block exif_app1
  icc_app2 tiff_orient read_manifest);

# ---- Running ----------------------------------------------------------------

sub run {
    my ($command) = @_;
    system('/bin/sh', '-c', $command) == 0 or die "failed: $command\n";
}

sub capture {
    my ($command) = @_;
    my $out = `$command`;
    die "failed: $command\n" if $?;
    return $out;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

sub spill {
    my ($path, @bytes) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file @bytes;
    close $file or die "$path: $!\n";
}

sub processors {
    # Not nproc, which reads OMP_NUM_THREADS.
    my $count = `getconf _NPROCESSORS_ONLN`;
    return $count && $count > 1 ? 0 + $count : 1;
}

# share_out(WORK, ITEM...): WORK->(ITEM, N) for all, beside each other; the
# lines that WORK returns, in the items' order.  A WORK that dies yields its
# last words as a line.
sub share_out {
    my ($work, @items) = @_;
    my $workers = processors();
    my $folder = tempdir('corpusXXXXXX', TMPDIR => 1, CLEANUP => 1);
    spill("$folder/next", '0');
    my @pids;
    for my $worker (1 .. $workers) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            # POSIX::_exit: the temporary folder is the parent's to remove.
            require POSIX;
            _take_turns($folder, $work, \@items);
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    waitpid $_, 0 for @pids;
    return map { -e "$folder/$_" ? slurp("$folder/$_") : "died\n" }
      0 .. $#items;
}

sub _take_turns {
    my ($folder, $work, $items) = @_;
    open my $next, '+<', "$folder/next" or die "next: $!\n";
    while (1) {
        flock $next, LOCK_EX;
        seek $next, 0, SEEK_SET;
        my $i = <$next>;
        seek $next, 0, SEEK_SET;
        print $next $i + 1;
        $next->flush;
        flock $next, LOCK_UN;
        last if $i > $#$items;
        my $lines = eval { $work->($items->[$i], $i) };
        spill("$folder/$i", defined $lines ? $lines : "died: $@");
    }
}

# ---- PNG --------------------------------------------------------------------

sub png_chunk {
    my ($name, $data) = @_;
    return pack('N', length $data) . $name . $data
      . pack('N', crc32($name . $data));
}

# Rows are strings of filter byte 0 and samples.
sub png_write {
    my ($path, $width, $height, $depth, $color, $chunks, @rows) = @_;
    spill($path, "\x89PNG\r\n\x1a\n",
        png_chunk('IHDR', pack 'NNCCCCC', $width, $height, $depth, $color,
            0, 0, 0),
        $chunks, png_chunk('IDAT', compress(join '', @rows)),
        png_chunk('IEND', ''));
}

sub _png_chunks {
    my ($bytes) = @_;
    my ($at, @chunks) = (8);
    while ($at + 8 <= length $bytes) {
        my ($len, $name) = unpack 'Na4', substr $bytes, $at, 8;
        push @chunks, [$name, substr $bytes, $at + 8, $len];
        $at += $len + 12;
    }
    return @chunks;
}

# A copy with chunks added behind IHDR, and without those of the names.
sub png_insert {
    my ($from, $to, $added, @without) = @_;
    my %gone = map { $_ => 1 } @without;
    my $out = "\x89PNG\r\n\x1a\n";
    for my $chunk (_png_chunks(slurp($from))) {
        next if $gone{$chunk->[0]};
        $out .= png_chunk(@$chunk);
        $out .= $added if $chunk->[0] eq 'IHDR';
    }
    spill($to, $out);
}

# APNG of PNG files that share a header.
sub png_animate {
    my ($to, @frames) = @_;
    my $sequence = 0;
    my $out = "\x89PNG\r\n\x1a\n";
    for my $i (0 .. $#frames) {
        my @chunks = _png_chunks(slurp($frames[$i]));
        my $header = $chunks[0][1];
        my $size = substr $header, 0, 8;
        my $control = png_chunk('fcTL', pack('N', $sequence++) . $size
              . pack 'NNnnCC', 0, 0, 1, 10, 0, 0);
        if (!$i) {
            $out .= png_chunk('IHDR', $header)
              . png_chunk('acTL', pack 'NN', scalar @frames, 0);
            $out .= png_chunk(@$_)
              for grep { $_->[0] =~ /^(?:PLTE|tRNS)$/ } @chunks;
        }
        $out .= $control;
        for my $data (grep { $_->[0] eq 'IDAT' } @chunks) {
            $out .= $i
              ? png_chunk('fdAT', pack('N', $sequence++) . $data->[1])
              : png_chunk(@$data);
        }
    }
    spill($to, $out . png_chunk('IEND', ''));
}

# ---- EXIF -------------------------------------------------------------------

# exif_block(orientation => N, copyright => TEXT, artist => TEXT,
#     density => [DPI, WIDTH, HEIGHT]): from the byte order mark on.
sub exif_block {
    my (%wish) = @_;
    my (@fields, $inner);
    push @fields, [0x0112, 3, 1, pack 'nn', $wish{orientation}, 0]
      if $wish{orientation};
    push @fields, [0x013b, 2, 1 + length $wish{artist}, "$wish{artist}\0"]
      if $wish{artist};
    push @fields, [0x8298, 2, 1 + length $wish{copyright},
        "$wish{copyright}\0"]
      if $wish{copyright};
    if ($wish{density}) {
        my ($dpi, $width, $height) = @{$wish{density}};
        push @fields, [0x011a, 5, 1, pack 'NN', $dpi, 1],
          [0x011b, 5, 1, pack 'NN', $dpi, 1], [0x0128, 3, 1, pack 'nn', 2, 0];
        $inner = pack('n', 2) . pack('nnNN', 0xa002, 4, 1, $width)
          . pack('nnNN', 0xa003, 4, 1, $height) . pack('N', 0);
        push @fields, [0x8769, 4, 1, undef];
    }
    @fields = sort { $a->[0] <=> $b->[0] } @fields;
    my $at = 8 + 2 + 12 * @fields + 4;
    my ($table, $data) = (pack('n', scalar @fields), '');
    for my $field (@fields) {
        my ($tag, $type, $count, $value) = @$field;
        $value = pack 'N', $at + length $data if !defined $value;
        if ($tag == 0x8769) {
            $data .= $inner;
        }
        elsif (length $value > 4) {
            my $where = pack 'N', $at + length $data;
            $data .= $value . (length($value) % 2 ? "\0" : '');
            $value = $where;
        }
        $table .= pack('nnN', $tag, $type, $count)
          . substr "$value\0\0\0\0", 0, 4;
    }
    return "MM\0*" . pack('N', 8) . $table . pack('N', 0) . $data;
}

# ---- JPEG, TIFF -------------------------------------------------------------

sub exif_app1 {
    my $block = "Exif\0\0" . exif_block(@_);
    return "\xff\xe1" . pack('n', 2 + length $block) . $block;
}

sub icc_app2 {
    my ($profile) = @_;
    my @parts = unpack '(a65000)*', $profile;
    my $out = '';
    for my $i (0 .. $#parts) {
        my $part = "ICC_PROFILE\0" . pack('CC', $i + 1, scalar @parts)
          . $parts[$i];
        $out .= "\xff\xe2" . pack('n', 2 + length $part) . $part;
    }
    return $out;
}

sub jpeg_insert {
    my ($from, $to, $added) = @_;
    my $bytes = slurp($from);
    spill($to, substr($bytes, 0, 2), $added, substr $bytes, 2);
}

# A new table of fields at the end of the file, with Orientation in it.
sub tiff_orient {
    my ($path, $orientation) = @_;
    my $bytes = slurp($path);
    my ($short, $long) = $bytes =~ /^II/ ? qw(v V) : qw(n N);
    my $at = unpack $long, substr $bytes, 4, 4;
    my $count = unpack $short, substr $bytes, $at, 2;
    my @fields = grep { unpack($short, $_) != 0x0112 }
      map { substr $bytes, $at + 2 + 12 * $_, 12 } 0 .. $count - 1;
    push @fields,
      pack "$short$short$long$short$short", 0x0112, 3, 1, $orientation, 0;
    @fields = sort { unpack($short, $a) <=> unpack($short, $b) } @fields;
    $bytes .= "\0" if length($bytes) % 2;
    substr $bytes, 4, 4, pack $long, length $bytes;
    spill($path, $bytes, pack($short, scalar @fields), @fields,
        pack $long, 0);
}

# ---- The manifest -----------------------------------------------------------

# Each picture is a hash of its keys; see tests/corpus/make.
sub read_manifest {
    my ($folder) = @_;
    my @all;
    for my $line (split /\n/, slurp("$folder/manifest")) {
        my ($file, $class, @keys) = split ' ', $line;
        push @all, {file => $file, class => $class,
            map { split /=/, $_, 2 } @keys};
    }
    return @all;
}

1;
