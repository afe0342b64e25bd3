# SPDX-License-Identifier: Apache-2.0
# What fails around a request never fails the request: a killed renderer, a
# stopped or killed memcached, damaged entries, a graceful restart.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client;
use File::Copy 'copy';
use File::Find 'find';
use POSIX ();
use Test::More;
use Watch;

client('tiers');
my $base = base();
my $parent = pids();
my ($photo) = sort { -s $b <=> -s $a } glob site_file('photos/*.jpg');
my $original = slurp($photo);
my $number = 0;

# A cold image under a new name; its path in the document root.
sub cold {
    my $name = 'fault' . $number++ . '.jpg';
    copy($photo, site_file($name)) or die;
    return $name;
}

sub command {
    my ($pid) = @_;
    my $line = eval { slurp("/proc/$pid/cmdline") } // '';
    return $line;
}

sub renderers { return pool_processes($parent) }

my @renderers = renderers();
is(scalar @renderers, 2, 'two renderers');

my @answers = in_parallel(9, sub {
    my ($i) = @_;
    if ($i > 6) {
        select undef, undef, undef, 0.03 * ($i - 6);
        kill 'KILL', renderers();
        return '200 killer';
    }
    my $res = get('/low/' . "fault_kill$i.jpg");
    return join ' ', $res->{status}, why($res)->{reason} // '-';
}) if map { copy($photo, site_file("fault_kill$_.jpg")) } 1 .. 6;
is(scalar(grep { /^200 / } @answers), 9, 'kill -9 of renderers: all answered')
  or diag(@answers);
ok(!(grep { !/rendered|render-failed|nearest|killer|no-pool|timeout|busy|quick/ } @answers),
    'each with a reason');
is(pids(), $parent, 'the same parent');
my $alive = 0;
for (1 .. 100) {
    $alive = renderers() == 2;
    last if $alive;
    select undef, undef, undef, 0.1;
}
ok($alive, 'the renderers are back');
is(why(get('/low/' . cold()))->{reason}, 'rendered', 'and render');

# Renderers that do not answer: the nearest stored tier after the wait, else the
# original; nobody keeps either for long.
my $half = cold();
my $low = get("/low/$half")->{content};
my $bare = cold();
my @stopped = renderers();
kill 'STOP', @stopped;
my $nearest = get("/hurry/$half");
like(why($nearest)->{reason}, qr/^(nearest|smaller-first)$/,
    'hung renderers: the nearest tier');
ok($nearest->{content} eq $low, 'which is low');
is(why($nearest)->{tier}, 'medium', 'for a client of medium');
like($nearest->{headers}{'cache-control'}, qr/max-age=0/, 'for this time only');
my $whole = get("/hurry/$bare");
# busy: no renderer has begun it, so it is no word on this picture.
like(why($whole)->{reason}, qr/^(timeout|busy)$/, 'hung renderers, nothing stored');
ok($whole->{content} eq $original, 'the original');
like($whole->{headers}{'cache-control'}, qr/max-age=0/, 'for this time only');
kill 'CONT', @stopped;
like(why(get('/low/' . cold()))->{reason}, qr/^(rendered|quick)$/,
    'and they render again');

# memcached: stopped, then running again, then away for good.
my $memcached = $ENV{DI_MEMCACHED_PID};
kill 'STOP', $memcached;
for (1 .. 4) {
    my $res = get('/low/' . cold());
    is($res->{status}, 200, 'memcached hangs: answered');
    is(why($res)->{reason}, 'rendered', 'memcached hangs: rendered');
}
kill 'CONT', $memcached;

# An entry on disk that somebody damaged; its name is in the entity tag.
my $damaged = cold();
my $good = get("/low/$damaged");
my ($name) = $good->{headers}{etag} =~ /"di-([0-9a-f]+)"/;
my $path;
find(sub { $path = $File::Find::name if $_ eq "$name.di" },
    Apache::Test::vars()->{t_state} . '/dynimage');
ok($path, 'the entry is on disk');
for my $way ('cut', 'zero', 'flip') {
    open my $file, '+<:raw', $path or die "$path: $!";
    my $size = -s $file;
    truncate $file, $size / 2 if $way eq 'cut';
    seek $file, $size - 10, 0;
    print $file "\xee" if $way eq 'flip';
    seek $file, 0, 0;
    print $file "\0" x $size if $way eq 'zero';
    close $file;
    my $res = get("/low/$damaged");
    is($res->{status}, 200, "$way entry: answered");
    ok($res->{content} eq $good->{content}, "$way entry: the right bytes");
    isnt(why($res)->{cache}, 'disk', "$way entry: not from disk");
    is(why(get("/low/$damaged"))->{cache}, 'disk', "$way entry: healed");
}

# The original changes: no purge is needed.
my $changing = cold();
my $before = get("/low/$changing")->{content};
my ($other) = sort { -s $a <=> -s $b } glob site_file('photos/*.jpg');
copy($other, site_file($changing));
isnt(get("/low/$changing")->{content}, $before, 'a changed original is noticed');

# Graceful restarts while clients ask.
my @cold = map { cold() } 1 .. 8;
my @codes = in_parallel(5, sub {
    my ($i) = @_;
    if ($i == 5) {
        for (1 .. 3) {
            select undef, undef, undef, 0.4;
            kill 'USR1', $parent;
        }
        return 'done';
    }
    my %seen;
    for my $turn (1 .. 40) {
        my $res = get('/low/' . $cold[($turn + $i) % 8]);
        my $bad = $res->{status} != 200 || why($res)->{reason} !~ /^(rendered|quick)$/;
        $seen{ $bad ? "bad: $res->{status} "
              . ($res->{headers}{dynimage} // substr($res->{content}, 0, 80)) : 'ok' }++;
        select undef, undef, undef, 0.03;
    }
    return join ', ', map { "$seen{$_} $_" } sort keys %seen;
});
is_deeply([@codes[0 .. 3]], [('40 ok') x 4], 'graceful restarts lose nothing');
is(pids(), $parent, 'still the same parent');
is(scalar(grep { /exit signal/ } watch_lines()), 0, 'no child died');

watch_end(qw(DI0401 DI0403));
done_testing();
