# SPDX-License-Identifier: Apache-2.0
# The render pool seen from outside: a full queue, whose turn it is, and what is
# refused from a picture's header; each with a counter of its own.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client ();
use Counters;
use File::Copy 'copy';
use File::Temp ();
use Private;
use Test::More;

my $photo = Client::site_file('photos/fig.jpg');
my $folder = Client::site_file('pool');
mkdir $folder;
my $number = 0;

# Cold images under new names; their paths under one Location.
sub cold {
    my ($where, $count) = @_;
    return map {
        my $name = 'cold' . $number++ . '.jpg';
        copy($photo, "$folder/$name") or die;
        "/$where/pool/$name";
    } 1 .. $count;
}

my $common = <<'EOT';
DynImage On
DynImageCacheRoot cache
DynImageRenderers 1
DynImageRenderTime 60s
DynImageWait 60s
DynImageColdWait 0
DynImageUnknownBand broad
DynImageTier broad fit=700 quality=50
AddType image/bmp .bmp
AddType image/tiff .tif
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<IfModule mpm_prefork_module>
    StartServers 50
    MinSpareServers 10
    MaxSpareServers 60
    MaxRequestWorkers 60
</IfModule>
<Location /server-status>
    SetHandler server-status
</Location>
EOT
my $root = Apache::Test::vars()->{documentroot};
$common .= qq(Alias /$_ "$root"\n)
  for qw(any slow first pixels side frames scans profile bytes);
$common .= <<'EOT';
<Location /slow>
    DynImageUnknownBand low
</Location>
<Location /first>
    DynImageTier broad priority=9
</Location>
<Location /pixels>
    DynImageMaxPixels 100000
</Location>
<Location /side>
    DynImageMaxSide 300
</Location>
<Location /frames>
    DynImageMaxFrames 2
</Location>
<Location /scans>
    DynImageMaxScans 4
</Location>
<Location /profile>
    DynImageMaxProfile 1K
</Location>
<Location /bytes>
    DynImageMaxSize 2K
</Location>
EOT

my $server;

sub count { return counters("$server->{base}/server-status", 'DynImage') }

# A reason as the counters are called.
sub plain { return $_[0] =~ tr{-}{_}r }

sub counts_reach {
    my ($name, $wanted) = @_;
    for (1 .. 300) {
        return 1 if count()->{$name} >= $wanted;
        select undef, undef, undef, 0.1;
    }
    diag("$name: " . count()->{$name});
    return 0;
}

sub renderer {
    for (1 .. 100) {
        my ($pid) = Client::pool_processes($server->pid);
        return $pid if $pid;
        select undef, undef, undef, 0.1;
    }
    die 'no renderer';
}

# "status reason all|less"; the body of a rendition must decode.
sub outcome {
    my ($path, %headers) = @_;
    my $res = $server->get($path, %headers);
    my $reason = Client::why($res)->{reason} // '-';
    my $all = $res->{content} eq Client::slurp("$root/" . ($path =~ s{^/\w+/}{}r));
    my $file = File::Temp->new;
    binmode $file;
    print $file $res->{content};
    close $file;
    my $name = $file->filename;
    my $sound = system("djpeg -fast '$name' >/dev/null 2>&1") == 0;
    return join ' ', $res->{status}, $reason, $all ? 'all' : 'less',
      $sound ? 'sound' : 'broken';
}

# ---- a full queue -----------------------------------------------------------

$server = private_server("${common}DynImageRenderQueue 4\n",
    'speedprobe_module');
my ($first) = cold('any', 1);
is(outcome($first), '200 rendered less sound', 'the pool renders');
my $stuck = renderer();
my $before = count();
is($before->{pool_refused}, 0, 'nothing was refused yet');
my @paths = (cold('any', 12), cold('slow', 4));
kill 'STOP', $stuck;
my @outcomes = Client::in_parallel(17, sub {
    my ($i) = @_;
    if ($i == 17) {
        counts_reach('pool_pushed_out', 1);
        kill 'CONT', $stuck;
        return 'released';
    }
    counts_reach('pool_refused', 4) if $i > 12;
    return outcome($paths[$i - 1], 'X-Client' => "203.0.113.$i");
});
my $after = count();
note("$_") for @outcomes;
is(pop @outcomes, 'released', 'the renderer was stuck for some time');
is_deeply([grep { !/^200 (?:rendered|quick) less sound$|^200 busy all sound$/ }
          @outcomes], [], 'a full queue: each is answered with a picture');
is_deeply([grep { /busy/ } @outcomes[12 .. 15]], [],
    'slow clients get something cheap, which goes first');
cmp_ok(scalar(grep { /rendered/ } @outcomes), '>=', 1, 'some are rendered');
cmp_ok($after->{pool_refused} - $before->{pool_refused}, '>', 0,
    'refusals are counted');
cmp_ok($after->{pool_pushed_out} - $before->{pool_pushed_out}, '>', 0,
    'and jobs that were pushed out');
for my $reason (qw(rendered quick busy timeout render-failed no-pool)) {
    is($after->{ plain($reason) } - $before->{ plain($reason) },
        scalar(grep { / $reason / } @outcomes), "each $reason is counted");
}
is($after->{pool_died}, 0, 'no renderer died');
undef $server;

# ---- whose turn it is -------------------------------------------------------

$server = private_server("${common}DynImageRenderQueue 64\n",
    'speedprobe_module');
is(outcome(cold('any', 1)), '200 rendered less sound', 'the pool renders');

# Thirty jobs of one client wait while the renderer stands still; then others
# come.  Returns how many jobs had been taken when each of these was answered.
sub turns {
    my ($paths, @others) = @_;
    my $stopped = renderer();
    my $taken = count()->{pool_taken};
    kill 'STOP', $stopped;
    my @lines = Client::in_parallel(31 + @others, sub {
        my ($i) = @_;
        if ($i == 31 + @others) {
            counts_reach('pool_waiting', 29 + @others);
            kill 'CONT', $stopped;
            return 'released';
        }
        return outcome($paths->[$i - 1], 'X-Client' => '203.0.113.1')
          if $i <= 30;
        counts_reach('pool_waiting', 29);
        my ($path, $client) = @{ $others[$i - 31] };
        my $outcome = outcome($path, 'X-Client' => $client);
        return count()->{pool_taken} - $taken . " $outcome";
    });
    pop @lines;
    is(scalar(grep { $_ eq '200 rendered less sound' } @lines[0 .. 29]), 30,
        'thirty images of one client are rendered');
    return @lines[30 .. $#lines];
}

my ($turn) = turns([cold('any', 30)], [cold('any', 1), '203.0.113.2']);
note("taken when answered: $turn");
like($turn, qr/^\d+ 200 rendered less sound$/, 'one image of another client');
cmp_ok((split ' ', $turn)[0], '<', 15, 'does not wait for the thirty');
($turn) = turns([cold('any', 30)], [cold('first', 1), '203.0.113.1']);
note("taken when answered: $turn");
like($turn, qr/^\d+ 200 rendered less sound$/, 'one of a tier with priority');
cmp_ok((split ' ', $turn)[0], '<', 15, 'does not either');
is(count()->{pool_waiting}, 0, 'nothing waits any more');

# ---- headers ----------------------------------------------------------------

my %made = (
    'plain.jpg' => "convert '$photo' -resize 500x400! -interlace None",
    'scans.jpg' => "convert '$photo' -resize 500x400! -interlace Line",
    'still.png' => "convert '$photo' -resize 500x400!",
    'pages.tif' => "convert '$photo' '$photo' '$photo' -resize 100x80!",
    'moves.gif' => "convert '$photo' '$photo' '$photo' -resize 100x80!",
    'still.bmp' => "convert '$photo' -resize 500x400!",
    'still.tif' => "convert '$photo' -resize 500x400!",
);
for my $name (sort keys %made) {
    system("gm $made{$name} '$folder/$name'") == 0 or die "gm: $name";
}
my $jpeg = Client::slurp("$folder/plain.jpg");
open my $file, '>:raw', "$folder/profile.jpg" or die;
print $file substr($jpeg, 0, 2), "\xff\xe2", pack('n', 2 + 14 + 3000),
  "ICC_PROFILE\0\1\1", "\0" x 3000, substr $jpeg, 2;
close $file;

my @limits = (
    ['pixels',  'plain.jpg',   'too-many-pixels'],
    ['side',    'plain.jpg',   'too-long-side'],
    ['frames',  'moves.gif',   'too-many-frames'],
    ['scans',   'scans.jpg',   'too-many-scans'],
    ['profile', 'profile.jpg', 'too-large-profile'],
    ['bytes',   'plain.jpg',   'too-many-bytes'],
);
for my $case (@limits) {
    my ($where, $name, $reason) = @$case;
    $before = count();
    my $res = $server->get("/$where/pool/$name");
    my $why = Client::why($res);
    is($res->{status}, 200, "$reason: answered");
    is($why->{reason}, $reason, "$reason: its reason");
    ok($res->{content} eq Client::slurp("$folder/$name"),
        "$reason: the original");
    note("$reason: refused after $why->{ms} ms");
    is(Client::why($server->get("/$where/pool/$name"))->{cache}, 'disk',
        "$reason: the verdict is kept");
    is(count()->{ plain($reason) } - $before->{ plain($reason) }, 2,
        "$reason: its counter");
}
isnt(Client::why($server->get('/scans/pool/plain.jpg'))->{reason},
    'too-many-scans', 'a baseline JPEG has one scan');
isnt(Client::why($server->get('/profile/pool/plain.jpg'))->{reason},
    'too-large-profile', 'a picture without a profile is not refused');

# ---- formats of originals ---------------------------------------------------

for my $name (qw(still.bmp still.tif)) {
    $before = count();
    my $res = $server->get("/any/pool/$name");
    is(Client::why($res)->{reason}, 'format-off', "$name: off");
    ok($res->{content} eq Client::slurp("$folder/$name"), "$name: as it is");
    is(count()->{format_off} - $before->{format_off}, 1,
        "$name: its counter");
}
my $conf = "$server->{dir}/httpd.conf";
my $text = Client::slurp($conf);
open $file, '>', $conf or die;
print $file $text, "DynImageInputFormats jpeg png gif webp bmp tiff\n";
close $file;
kill 'USR1', $server->pid;
for my $name (qw(still.bmp still.tif)) {
    my $why = {};
    for (1 .. 100) {
        $why = Client::why($server->get("/any/pool/$name"));
        last if $why->{reason} ne 'format-off';
        select undef, undef, undef, 0.1;
    }
    is($why->{reason}, 'rendered', "$name: rendered when switched on");
}
is(Client::why($server->get('/any/pool/pages.tif'))->{reason}, 'animated',
    'a TIFF of many pages is passed through')
  or diag('pages');

my $log = Client::slurp($server->{log});
unlike($log, qr/exit signal|ERROR: \w*Sanitizer/, 'no child died');
undef $server;

# ---- a pool that cannot start -----------------------------------------------

SKIP: {
    skip 'only root changes the user of its renderers', 6 if $>;
    $server = private_server(<<"EOT", 'speedprobe_module');
${common}DynImageWait 300ms
DynImageRenderUser "#4294967295"
EOT
    for my $path (cold('any', 1), cold('slow', 1)) {
        like(outcome($path), qr/^200 (?:timeout|no-pool|busy) all sound$/,
            'no renderer: the original');
    }
    my $page = $server->get('/server-status');
    is($page->{status}, 200, 'the page of mod_status');
    like($page->{content}, qr/pool_running/, 'has the counters of the pool');
    is(count()->{pool_taken}, 0, 'which took no job');
    like(Client::slurp($server->{log}), qr/DI0302/, 'and the log says why');
    unlike(Client::slurp($server->{log}), qr/exit signal|ERROR: \w*Sanitizer/,
        'no child died');
    undef $server;
}
done_testing();
