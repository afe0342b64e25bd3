# SPDX-License-Identifier: Apache-2.0
# Whatever happens to the render pool while two dozen clients wait for cold
# images: each gets a picture, with its reason, and the pool is back.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client ();
use Counters;
use Digest::MD5 'md5_hex';
use File::Copy 'copy';
use File::Temp ();
use Private;
use Test::More;

my $CLIENTS = 24;
my $TURNS = 8;

my $root = Apache::Test::vars()->{documentroot};
my ($large) = sort { -s $b <=> -s $a } glob "$root/photos/*.jpg";
my $folder = "$root/load";
mkdir $folder;
my $seen = File::Temp->newdir; # bodies, by their digest
my $small = "$folder/small.jpg";
system('gm', 'convert', $large, '-resize', '500x375!', '-quality', 92,
    $small) == 0 or die 'gm convert';
my $number = 0;

# Cold images under new names.
sub cold {
    my ($of, $count) = @_;
    my ($kind) = $of =~ /(\.\w+)$/;
    return map {
        my $name = 'cold' . $number++ . $kind;
        link $of, "$folder/$name" or die;
        "load/$name";
    } 1 .. $count;
}

my $common = <<"EOT";
DynImage On
DynImageCacheRoot cache
DynImageRenderers 2
DynImageTier medium fit=300 quality=50 ssim=0.95
Alias /fast "$root"
Alias /dear "$root"
<Location /fast>
    DynImageUnknownBand broad
    DynImageTier broad fit=300 quality=50 ssim=0.95
    DynImageWait 20s
</Location>
<Location /dear>
    DynImageUnknownBand broad
    DynImageTier broad fit=3000 quality=60 ssim=0.98 formats=jxl,avif
</Location>
<IfModule mpm_prefork_module>
    StartServers 40
    MinSpareServers 10
    MaxSpareServers 60
    MaxRequestWorkers 60
</IfModule>
<Location /server-status>
    SetHandler server-status
</Location>
EOT
my $server;

sub count { return counters("$server->{base}/server-status", 'DynImage') }

sub processes { return Client::pool_processes($server->pid, @_) }

sub manager {
    return grep { (eval { Client::slurp("/proc/$_/comm") } // '')
          eq "di-manager\n" } Client::children($server->pid);
}

sub pause_s { select undef, undef, undef, $_[0]; return }

# "status reason", and the body kept for a look at it.
sub outcome {
    my ($path) = @_;
    my $res = $server->get($path, Accept => 'image/avif,image/jxl,*/*;q=0.8');
    my $name = md5_hex($res->{content});
    if (!-e "$seen/$name") {
        open my $file, '>:raw', "$seen/$name.$$" or die;
        print $file $res->{content};
        close $file;
        rename "$seen/$name.$$", "$seen/$name";
    }
    return "$res->{status} " . (Client::why($res)->{reason} // '-');
}

# All clients at once, each its paths one after another, and one more process
# that does the harm.  Returns how often each outcome was there.
sub crowd {
    my ($harm, @paths) = @_;
    my @lines = Client::in_parallel($CLIENTS + 1, sub {
        my ($i) = @_;
        if ($i > $CLIENTS) {
            pause_s(0.3);
            $harm->() if $harm;
            return '';
        }
        return join ',', map { outcome($paths[$_]) }
          grep { $_ % $CLIENTS == $i - 1 } 0 .. $#paths;
    });
    my %outcomes;
    $outcomes{$_}++ for map { split /,/ } @lines;
    return \%outcomes;
}

# What must be so after any harm.
sub is_unharmed {
    my ($what, $before, $outcomes, $total, $allowed) = @_;
    note("$what: " . join ', ', map { "$_ $outcomes->{$_}" }
          sort keys %$outcomes);
    my ($answers, @bad) = (0);
    for my $outcome (keys %$outcomes) {
        $answers += $outcomes->{$outcome};
        push @bad, $outcome unless $outcome =~ /^200 (?:$allowed)$/;
    }
    is($answers, $total, "$what: all are answered");
    is_deeply(\@bad, [], "$what: with a picture, for a reason that fits");
    my $after = count();
    my @miscounted = grep { ($outcomes->{"200 $_"} // 0)
          != $after->{ tr{-}{_}r } - $before->{ tr{-}{_}r } }
      qw(rendered quick smaller-first nearest busy timeout render-failed
      no-pool no-memory);
    is_deeply(\@miscounted, [], "$what: each reason is counted");
    return $after;
}

# Wait until both renderers and the dispatcher run, and render.
sub is_back {
    my ($what) = @_;
    my $outcome = '';
    for (1 .. 150) {
        if (processes() == 2 && processes('di-dispatcher') == 1) {
            $outcome = outcome('/fast/' . (cold($small, 1))[0]);
            last if $outcome eq '200 rendered';
        }
        pause_s(0.1);
    }
    is($outcome, '200 rendered', "$what: the pool is back");
    return;
}

# ---- processes that end -----------------------------------------------------

$server = private_server("${common}DynImageRenderTime 5s\n",
    'speedprobe_module');
is_back('at first');
my $parent = $server->pid;
my $usual = 'rendered|quick|smaller-first|nearest';
my @harms = (
    ['a renderer is killed', sub { kill 'KILL', (processes())[0] },
        "$usual|render-failed", 'pool_died'],
    ['both renderers crash', sub { kill 'SEGV', processes() },
        "$usual|render-failed", 'pool_died'],
    ['a renderer hangs', sub {
            my ($pid) = processes();
            kill 'STOP', $pid;
            pause_s(5.5);
            kill 'CONT', $pid;
        }, "$usual|render-failed|timeout"],
    ['the dispatcher is killed', sub { kill 'KILL', processes('di-dispatcher') },
        "$usual|render-failed|busy", 'pool_dispatchers_died'],
    ['the manager is killed', sub { kill 'KILL', manager() },
        "$usual|render-failed|busy|timeout"],
    ['a graceful restart', sub { kill 'USR1', $parent }, $usual],
);
for my $harm (@harms) {
    my ($what, $code, $allowed, $counter) = @$harm;
    my $before = count();
    my $total = $CLIENTS * $TURNS;
    my $outcomes = crowd($code, map { "/fast/$_" } cold($small, $total));
    my $after = is_unharmed($what, $before, $outcomes, $total, $allowed);
    is_back($what);
    cmp_ok(count()->{$counter}, '>', $before->{$counter},
        "$what: $counter tells") if $counter;
}
is($server->pid, $parent, 'the same parent all the time');
my $log = Client::slurp($server->{log});
unlike($log, qr/exit signal|ERROR: \w*Sanitizer/, 'no child of httpd died');
like($log, qr/$_/, "the log has $_")
  for qw(DI0308.*signal.9 DI0308.*signal.11 DI0312);
undef $server;

# ---- renders that do not end in time ----------------------------------------

my $vast = "$folder/vast.jpg";
system('gm', 'convert', $large, '-resize', '4000x3000!', '-quality', 75,
    $vast) == 0 or die 'gm convert';
$server = private_server(<<"EOT", 'speedprobe_module');
${common}DynImageRenderTime 500ms
EOT
is_back('short time');
my $before = count();
my @paths = ((map { "/dear/$_" } cold($vast, 6)),
    map { "/fast/$_" } cold($small, $CLIENTS - 6));
my $outcomes = crowd(undef, @paths);
my $after = is_unharmed('renders that take too long', $before, $outcomes,
    scalar @paths, 'rendered|timeout|busy');
cmp_ok($outcomes->{'200 timeout'} // 0, '>=', 1,
    'long ones are given up for their time');
cmp_ok(($outcomes->{'200 timeout'} // 0) + ($outcomes->{'200 busy'} // 0), '>=', 6,
    'what waited for them, too, or has no place');
is_back('renders that take too long');
# Their end is told a little later than their callers'.
my $ended = 0;
for (1 .. 50) {
    $ended = count()->{pool_timed_out} - $before->{pool_timed_out};
    last if $ended;
    pause_s(0.1);
}
cmp_ok($ended, '>=', 1, 'renderers were ended for it');
like(Client::slurp($server->{log}), qr/DI0307/, 'the log says so');
undef $server;

# ---- renders that want too much memory --------------------------------------

my $wide = "$folder/wide.png";
system('gm', 'convert', $large, '-resize', '6000x4500!', '-depth', 8, $wide)
  == 0 or die 'gm convert';
$server = private_server(<<"EOT", 'speedprobe_module');
${common}DynImageRenderMemory 64M
DynImageMaxSize 200M
EOT
is_back('little memory');
$before = count();
@paths = ((map { "/fast/$_" } cold($wide, 4)),
    map { "/fast/$_" } cold($small, 2 * $CLIENTS - 4));
$outcomes = crowd(undef, @paths);
$after = is_unharmed('renders that want too much memory', $before, $outcomes,
    scalar @paths, 'rendered|no-memory');
SKIP: {
    skip 'a sanitized build has no memory limit', 1
      if `ldd ../modules/mod_dynimage.so` =~ /libasan/;
    is($outcomes->{'200 no-memory'}, 4, 'those are refused');
}
is($after->{pool_died}, $before->{pool_died}, 'no renderer died of it');
undef $server;

# ---- what was sent ----------------------------------------------------------

my %reader = (
    "\xff\xd8" => 'djpeg -fast',
    "\x89P"    => 'pngtopnm',
    'RI'       => 'webpinfo -quiet',
);
my ($sound, @unsound) = (0);
opendir my $dir, "$seen" or die;
for my $name (grep { /^\w+$/ } readdir $dir) {
    my $reader = $reader{ substr Client::slurp("$seen/$name"), 0, 2 };
    $reader = 'gm identify' if !$reader || $reader eq 'pngtopnm';
    if (system("$reader '$seen/$name' >/dev/null 2>&1") == 0) {
        $sound++;
    }
    else {
        push @unsound, $name;
    }
}
cmp_ok($sound, '>=', 3, 'renditions and originals were sent');
is_deeply(\@unsound, [], 'each decodes');
done_testing();
