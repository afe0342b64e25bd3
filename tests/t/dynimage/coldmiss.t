# SPDX-License-Identifier: Apache-2.0
# A slow client is never answered with the full original because a cache was
# cold: it gets something small at once, and the tier's own rendition is made
# behind the answer.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use Counters;
use Exif;
use File::Copy 'copy';
use File::Find 'find';
use File::Temp ();
use Test::More;
use Watch;

client('coldmiss');
my $status = base() . '/server-status';
my ($photo) = sort { -s $b <=> -s $a } glob site_file('photos/*.jpg');

# Dear by its pixels and by its scans; few bytes, so that it is soon made.
my $dear = site_file('dear.jpg');
system('gm', 'convert', $photo, '-resize', '4000x3000!', '-interlace', 'Line',
    '-quality', 75, $dear) == 0 or die 'gm convert';
my $bytes = -s $dear;
my $number = 0;

# A cold image under a new name.
sub cold {
    my $name = 'dear' . $number++ . '.jpg';
    copy($dear, site_file($name)) or die;
    return $name;
}

# (format, width, height) of an answer's body.
sub decoded {
    my ($res) = @_;
    my $file = File::Temp->new;
    binmode $file;
    print $file $res->{content};
    close $file;
    my $name = $file->filename;
    return split ' ', `gm identify -format '%m %w %h' '$name' 2>&1`;
}

# How many entries the disk store has.
sub entries {
    my $count = 0;
    find(sub { $count++ if /\.di$/ },
        Apache::Test::vars()->{t_state} . '/dynimage');
    return $count;
}

# Wait, without asking for anything, until the store has so many.
sub entries_come {
    my ($wanted) = @_;
    for (1 .. 600) {
        return 1 if entries() >= $wanted;
        select undef, undef, undef, 0.1;
    }
    return 0;
}

# Nothing is stored: a cheap picture, and the tier's own behind it.
my $before = counters($status, 'DynImage');
my $stored = entries();
my $name = cold();
my $quick = get("/low/$name");
my $why = why($quick);
is($quick->{status}, 200, 'cold and dear: answered');
is($why->{reason}, 'quick', 'with a quick rendition');
is($why->{tier}, 'low', 'in place of the tier low');
is($why->{in}, $bytes, 'of the original');
my ($format, $width, $height) = decoded($quick);
is($format, 'JPEG', 'a JPEG');
is($quick->{headers}{'content-type'}, 'image/jpeg', 'that says so');
cmp_ok($width, '<=', 640, 'of few pixels');
cmp_ok(length $quick->{content}, '<', $bytes / 10, 'and few bytes');
is(laid_out($quick->{content}, $width, $height), '4000x3000',
    'laid out as the original');
like($quick->{headers}{'cache-control'}, qr/^private, max-age=0\b/,
    'nobody keeps it for long');
ok(entries_come($stored + 2), 'the full tier is stored with no other request');
my $full = get("/low/$name");
$why = why($full);
is($why->{reason}, 'rendered', 'the next request gets the full tier');
is($why->{cache}, 'disk', 'from disk');
($format, $width, $height) = decoded($full);
is($width, 1000, 'with all its pixels');
is(laid_out($full->{content}, $width, $height), '4000x3000',
    'laid out as the original');
like($full->{headers}{'cache-control'}, qr/^private, max-age=600$/,
    'the client may keep it');
isnt($full->{headers}{etag}, $quick->{headers}{etag},
    'the two have different tags');
my $after = counters($status, 'DynImage');
is($after->{quick} - $before->{quick}, 1, 'counted as quick');
is($after->{renders_later} - $before->{renders_later}, 1,
    'and as made later');
is($after->{renders_later_dropped}, $before->{renders_later_dropped},
    'none was dropped');

# A smaller tier is stored: that one.
my $smaller = get("/medium/$name");
$why = why($smaller);
is($why->{reason}, 'smaller-first', 'a smaller tier is stored: that first');
is($why->{tier}, 'medium', 'for a client of medium');
is($why->{cache}, 'disk', 'from disk');
ok($smaller->{content} eq $full->{content}, 'it is the tier low');
like($smaller->{headers}{'cache-control'}, qr/^private, max-age=0\b/,
    'nobody keeps it for long');
ok(entries_come($stored + 3), 'the tier medium is stored behind it');
$why = why(get("/medium/$name"));
is($why->{reason}, 'rendered', 'and is what the next request gets');
is($why->{cache}, 'disk', 'from disk');
is(counters($status, 'DynImage')->{smaller_first}
      - $before->{smaller_first}, 1, 'counted as smaller-first');

# Who is not put off.
$name = cold();
my $fast = get("/fast/$name");
is(why($fast)->{reason}, 'rendered', 'a fast client waits for its own tier');
cmp_ok((decoded($fast))[1], '>', 640, 'with all its pixels');
is(why(get('/patient/' . cold()))->{reason}, 'rendered',
    'DynImageColdWait 0: a slow one does too');
copy($photo, site_file('cheap.jpg')) or die;
system('gm', 'convert', $photo, '-resize', '800x600!', '-quality', 80,
    site_file('cheap.jpg')) == 0 or die 'gm convert';
is(why(get('/low/cheap.jpg'))->{reason}, 'rendered',
    'nor does a cheap render put it off');

# Renders that take long are made behind answers, more than there is time for;
# who comes then has the other renderer.
my @cold = map { cold() } 1 .. 18;
my @answers = in_parallel(18, sub {
    my ($i) = @_;
    select undef, undef, undef, 2 if $i > 6;
    my $path = ($i > 6 ? '/low/' : '/long/') . $cold[$i - 1];
    my $res = get($path, Accept => 'image/avif,image/jxl,*/*;q=0.8',
        'X-Client' => "203.0.113.$i");
    my $why = why($res);
    return join ' ', $i > 6 ? 'late' : 'early', $res->{status},
      $why->{reason} // '-', length($res->{content}) < $bytes ? 'less' : 'all',
      "$why->{ms} ms";
});
note("$_") for @answers;
is(counters($status, 'DynImage')->{pool_running} > 0, 1,
    'a renderer is at a long render');
is_deeply([grep { !/200 (?:quick|rendered|smaller-first|nearest) less/ }
          @answers], [], 'no slow client gets the original meanwhile');

watch_end(qw(DI0307 DI0403));
done_testing();
