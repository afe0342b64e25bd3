# SPDX-License-Identifier: Apache-2.0
# The three modes: what a request gets, what is stored afterwards, and how
# often it was rendered.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use Counters;
use Digest::MD5 'md5_hex';
use File::Copy 'copy';
use File::Find 'find';
use Test::More;
use Watch;

client('modes');
my $status = base() . '/server-status';
my ($photo) = sort { -s $a <=> -s $b } glob site_file('photos/*.jpg');
my @browsers = ('*/*', 'image/webp,*/*;q=0.8',
    'image/avif,image/webp,*/*;q=0.8',
    'image/avif,image/webp,image/jxl,*/*;q=0.8');

# An original of its own, so that nobody has rendered it.
sub cold {
    my ($name) = @_;
    copy($photo, site_file($name)) or die;
    return $name;
}

# Entries of the disk store that hold a rendition of an original.
sub stored {
    my ($name) = @_;
    my $count = 0;
    find(sub {
            return if !/\.di$/ || !-f;
            my $text = eval { slurp($_) } // '';
            $count++ if $text =~ m{/\Q$name\E};
        }, Apache::Test::vars()->{t_state} . '/dynimage');
    return $count;
}

sub wait_until {
    my ($code) = @_;
    for (1 .. 600) {
        return 1 if $code->();
        select undef, undef, undef, 0.1;
    }
    return 0;
}

sub renders { return counters($status, 'DynImage')->{pool_taken} }

# So that no render behind an answer to another test is counted.
sub quiet {
    return wait_until(sub {
        my $count = counters($status, 'DynImage');
        return !$count->{pool_running} && !$count->{pool_waiting};
    });
}

# single: the herd has one render, and nothing stays.
ok(quiet(), 'no render is on');
my $name = cold('single.jpg');
my $before = counters($status, 'DynImage');
my @answers = in_parallel(50, sub {
    my $res = get("/single/$name");
    my $why = why($res);
    return join ' ', $res->{status}, $why->{reason} // '-', $why->{cache} // '-',
      md5_hex($res->{content});
});
my $after = counters($status, 'DynImage');
is(scalar(grep { /^200 rendered / } @answers), 50, 'single: all get it');
my %body = map { (split ' ')[3] => 1 } @answers;
is(scalar(keys %body), 1, 'the same bytes');
# Who comes when the first render is over, and its life too, has another.
my $made = $after->{pool_taken} - $before->{pool_taken};
note('caches: ', join ' ', sort map { (split ' ')[2] } @answers);
is($made, scalar(grep { / miss / } @answers), 'as often rendered as it says');
cmp_ok($made, '<=', 2, '50 requests have one render, or two');
is($after->{flights_joined} - $before->{flights_joined},
    scalar(grep { / joined / } @answers), 'those who went together are counted');
ok(wait_until(sub { !stored($name) }), 'nothing of it stays on disk');
# Past the life of what was kept for those who waited.
sleep 3;
my $again = get("/single/$name");
is(why($again)->{cache}, 'miss', 'a later request renders anew');
unlike($again->{headers}{'cache-status'}, qr/stored/, 'and says it is not kept');
like($again->{headers}{'cache-control'}, qr/^private, max-age=600$/,
    'the client may keep it');
is(renders() - $after->{pool_taken}, 1, 'by one render');
is(md5_hex($again->{content}), (keys %body)[0], 'with the same bytes');
is(stored($name), 0, 'and leaves nothing on disk');

# static: nobody waits, everything is made behind the first answer.
for my $change ('new', 'changed') {
    $name = cold('static.jpg');
    system('touch', '-d', '2 minutes ago', site_file($name)) if $change eq 'new';
    my $bytes = -s site_file($name);
    my $first = get("/static-fast/$name");
    my $why = why($first);
    is($why->{reason}, 'not-made', "static, $change: nothing is made yet");
    is(length $first->{content}, $bytes, 'a fast client gets the original');
    is($why->{ms}, 0, 'without a wait');
    like($first->{headers}{'cache-control'}, qr/^private, max-age=0\b/,
        'nobody keeps it for long');
    # jpeg of three tiers, and of the topmost one with WebP as well.
    my $want = $change eq 'new' ? 4 : 8;
    ok(wait_until(sub { stored($name) >= $want && quiet() }),
        'all its tiers and formats are made behind it');
    is(stored($name), $want, 'and nothing else');
    my $count = renders();
    for my $accept (@browsers[0, 1]) {
        $why = why(get("/static-fast/$name", Accept => $accept));
        is("$why->{reason} $why->{cache}", 'rendered disk', "stored for $accept");
    }
    is(renders(), $count, 'and nothing is rendered any more');
}

# A slow client never gets the original: a cheap one, then its own.
$name = cold('static-slow.jpg');
my $quick = get("/static/$name");
is(why($quick)->{reason}, 'quick', 'a slow client gets a cheap one');
cmp_ok(length $quick->{content}, '<', -s site_file($name), 'that is smaller');
# Two tiers x four sets of formats, and the cheap one.
ok(wait_until(sub { stored($name) >= 9 && quiet() }), 'all is made behind it');
is(stored($name), 9, 'and nothing else');
my $count = renders();
for my $accept (@browsers) {
    my $why = why(get("/static/$name", Accept => $accept));
    is($why->{cache}, 'disk', "stored for $accept");
}
is(renders(), $count, 'nothing is rendered any more');
$after = counters($status, 'DynImage');
is($after->{not_made} - $before->{not_made}, 2, 'counted by its reason');

# hybrid: the first request renders and keeps.
$name = cold('hybrid.jpg');
my $why = why(get("/hybrid/$name"));
is("$why->{reason} $why->{cache}", 'rendered miss', 'hybrid: rendered');
is(stored($name), 1, 'and kept');
$why = why(get("/hybrid/$name"));
is("$why->{reason} $why->{cache}", 'rendered disk', 'for the next one');

watch_end();
done_testing();
