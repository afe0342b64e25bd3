# SPDX-License-Identifier: Apache-2.0
# Images that are none, or are meant to hurt: passed through with a reason,
# nothing run, no child lost.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use Compress::Zlib ();
use Test::More;
use Watch;

client('limits');
my ($photo) = map { m{(photos/[^/]+)$} } glob site_file('photos/*.jpg');
my $jpeg = slurp(site_file($photo));
mkdir site_file('bad');

sub chunk {
    my ($type, $data) = @_;
    return pack('N', length $data) . "$type$data"
      . pack('N', Compress::Zlib::crc32("$type$data"));
}

# A 1-bit PNG of that size, all zero.
sub png_bomb {
    my ($w, $h) = @_;
    my $z = Compress::Zlib::deflateInit(-Level => 9);
    my $row = "\0" x (1 + int(($w + 7) / 8));
    my $data = join '', map { my ($out) = $z->deflate($row); $out } 1 .. $h;
    my ($rest) = $z->flush;
    return "\x89PNG\r\n\x1a\n"
      . chunk('IHDR', pack('NNCCCCC', $w, $h, 1, 0, 0, 0, 0))
      . chunk('IDAT', $data . $rest)
      . chunk('IEND', '');
}

my $gif = pack('A6vvCCC', 'GIF89a', 2, 2, 0x80, 0, 0) . "\0\0\0\xff\xff\xff";
my $frame = pack('CvvvvC', 0x2c, 0, 0, 2, 2, 0) . "\x02\x03\x44\x34\x05\0";
my $canary = site_file('bad/canary');
my %file = (
    'bomb.png' => [png_bomb(30000, 30000), 'too-many-pixels'],
    'cut.jpg'  => [substr($jpeg, 0, length($jpeg) / 2), 'broken'],
    'head.jpg' => [substr($jpeg, 0, 200), qr/broken|unsupported/],
    'svg.jpg'  => ["<svg xmlns='http://www.w3.org/2000/svg'><image "
          . "href='file:///etc/passwd'/></svg>", 'unsupported'],
    'ps.jpg' => ["%!PS-Adobe-3.0\n($canary) (w) file closefile\nshowpage\n",
        'unsupported'],
    'mvg.png'   => ["push graphic-context\nfill 'url(http://127.0.0.1/)'\n",
        'unsupported'],
    'text.gif'  => ["GIF is a format\n", 'unsupported'],
    'empty.jpg' => ['', 'unsupported'],
    'short.jpg' => ["\xff\xd8\xff", qr/broken|unsupported/],
    'flat.png'  => ["\x89PNG\r\n\x1a\n" . "\0" x 500, qr/broken|unsupported/],
    'html.webp' => ['<script>alert(1)</script>', 'unsupported'],
    'riff.webp' => ['RIFF' . pack('V', 99) . 'WEBPVP8 ' . "\xff" x 90,
        qr/broken|unsupported/],
    'moving.gif' => ["$gif$frame$frame;", 'animated'],
    'jpeg.png'   => [$jpeg, 'rendered'],
);

my $parent = pids();
my @before = children($parent);
for my $name (sort keys %file) {
    my ($bytes, $reason) = @{ $file{$name} };
    open my $out, '>:raw', site_file("bad/$name") or die;
    print $out $bytes;
    close $out;
    for my $turn ('cold', 'warm') {
        my $res = get("/bad/$name");
        is($res->{status}, 200, "$name, $turn: answered");
        like(why($res)->{reason}, ref $reason ? $reason : qr/^$reason$/,
            "$name, $turn: its reason");
        next if $reason eq 'rendered';
        ok($res->{content} eq $bytes, "$name, $turn: passed through");
    }
}
for my $case (['pixels', 'too-many-pixels'], ['bytes', 'too-many-bytes']) {
    is(why(get("/$case->[0]/$photo"))->{reason}, $case->[1],
        "limit of $case->[0]");
}
ok(!-e $canary, 'nothing was run');
is(pids(), $parent, 'the same parent');
my %now = map { $_ => 1 } children($parent);
is_deeply([grep { !$now{$_} } @before], [], 'no child died');

watch_end();
done_testing();
