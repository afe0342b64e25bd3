# SPDX-License-Identifier: Apache-2.0
# The store under every fault of its disk and of the clock, while clients ask:
# no request fails, no body is wrong, no child is lost, and the store works
# again without anybody's help.  DI_FAULTS=REGEX tries only the faults of such
# names.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Books;
use Client ();
use File::Find 'find';
use File::Temp ();
use Load;
use Private;
use Stock;
use Test::More;

my $CLIENTS = 4;
my $WARM = 24;        # names asked for again and again
my $COLD = 4000;      # names asked for once
my $STORE_BYTES = 64 << 20;
my $DECADE_S = 10 * 365 * 86_400;

plan(skip_all => 'only root may mount a file system') if $>;
# A mount that only this test and its httpd see, and that ends with them.
if (!$ENV{DI_OWN_MOUNTS}) {
    $ENV{DI_OWN_MOUNTS} = 1;
    plan(skip_all => 'no mounts of its own here')
      if system('unshare -m true 2>/dev/null');
    exec 'unshare', '-m', $^X, (map { "-I$_" } @INC), $0 or die "unshare: $!";
}

my $home = File::Temp->newdir;
chmod 0755, "$home";
my $store = "$home/store";
mkdir $store;
my $clock = "$home/clock";

sub run {
    my (@command) = @_;
    return system(@command) == 0;
}

sub mount_store {
    run('mount', '-t', 'tmpfs', '-o',
        "size=$STORE_BYTES,mode=0700,uid=nobody,gid=nogroup", 'tmpfs', $store)
      or die 'mount';
    return;
}

sub set_clock {
    my ($ahead_s) = @_;
    # Mapped by httpd, so never cut.
    open my $file, -e $clock ? '+<' : '+>', $clock or die "$clock: $!";
    syswrite $file, pack 'q', $ahead_s;
    close $file;
    chmod 0644, $clock;
    return;
}

sub pause_s { select undef, undef, undef, $_[0]; return }

# All files of the store that are entries.
sub entries {
    my @found;
    find({ no_chdir => 1, wanted => sub {
            push @found, $_ if /\.di\z/ && -f $_;
        } }, $store);
    return @found;
}

mount_store();
set_clock(0);
my $stock = Stock->new('storefaults', $WARM);
my $server;
{
    # A sanitized httpd wants its own library first.
    my $is_plain = `ldd ../modules/mod_dynimage.so` !~ /libasan/;
    local $ENV{LD_PRELOAD} = "$ENV{DI_RUN}/modules/testclock.so" if $is_plain;
    local $ENV{DI_TESTCLOCK} = $clock;
    $server = private_server(Stock::conf() . <<"EOT", 'speedprobe_module');
DynImageCacheRoot $store
LogLevel dynimage:info
KeepAliveTimeout 30
MaxKeepAliveRequests 0
<IfModule mpm_event_module>
    StartServers 2
    ServerLimit 2
    ThreadsPerChild 16
    MaxRequestWorkers 32
    MinSpareThreads 1
    MaxSpareThreads 32
</IfModule>
<IfModule mpm_prefork_module>
    StartServers 10
    MinSpareServers 1
    MaxSpareServers 20
    MaxRequestWorkers 20
</IfModule>
EOT
}
my $state = "$server->{dir}/state";
$stock->learn($server);
my $parent = $server->pid;
# httpd's processes with their names.
sub processes {
    return map { "$_ " . (eval { Client::slurp("/proc/$_/comm") } // 'none') =~ s/\n//r }
      $server->pid, Client::children($parent);
}
my @processes = processes();

my %log_at = (end => -s $server->{log});

# Mostly warm names, one in ten cold, in the order of a client's own dice.
sub questions {
    my $first = $stock->more($COLD / 10);
    my $each = $COLD / 10 / $CLIENTS;
    return sub {
        my ($client, $turn) = @_;
        my $of = int rand $stock->clients;
        my $name = $turn % 10 || $turn / 10 >= $each ? int rand $WARM
          : $first + ($client - 1) * $each + $turn / 10;
        return $stock->question($name, $of);
    };
}

# All warm names are answered, and from the disk the second time.
sub is_warm {
    my ($what) = @_;
    my @misses;
    for (1 .. 100) {
        @misses = ();
        for my $name (0 .. $WARM - 1) {
            for my $of (0 .. $stock->clients - 1) {
                my ($path, $headers) = $stock->question($name, $of);
                my $cache = Client::why($server->get($path, %$headers))->{cache};
                push @misses, "$path $cache" if $cache ne 'disk';
            }
        }
        last unless @misses;
        pause_s(0.1);
    }
    is_deeply(\@misses, [], "$what: healed, every answer is a hit on the disk");
    return;
}

# Lines of level warn or worse since the last look, less those expected.
sub log_is_quiet {
    my ($what, @expected) = @_;
    my $known = join '|', @expected, 'no expected line';
    open my $file, '<', $server->{log} or die;
    seek $file, $log_at{end}, 0;
    my @bad = grep { /:(?:warn|error|crit|alert|emerg)\]|exit signal|ERROR: \w*Sanitizer/ }
      <$file>;
    $log_at{end} = tell $file;
    @bad = grep { !/$known/ } @bad;
    is_deeply([@bad[0 .. ($#bad < 4 ? $#bad : 4)]], [],
        "$what: the log holds nothing unannounced");
    return;
}

# Accounts are compared with their folders once an hour, which is how changes by
# others' hands are found.
my $hours_ahead_s = 0;
sub let_an_hour_pass {
    set_clock($hours_ahead_s += 3700);
    return;
}

# One fault.
# @param code   does the harm while clients ask, with their load, and undoes it
# @param tags   that the log may hold
sub fault {
    my ($what, $code, @tags) = @_;
    return if $ENV{DI_FAULTS} && $what !~ /$ENV{DI_FAULTS}/;
    is_warm("before $what");
    my $load = Load->start($server->{base}, $CLIENTS, questions(), 0.002);
    pause_s(0.2);
    $code->($load);
    pause_s(0.3);
    my $seen = $load->stop;
    note("$what: " . Load::summary($seen));
    is_deeply($seen->{failed}, [], "$what: no request fails");
    is_deeply([keys %{ $seen->{answers} }], [200], "$what: all are answered");
    is_deeply([processes()], \@processes, "$what: the same processes");
    is_warm($what);
    let_an_hour_pass();
    is_true_soon($what, $state, $store);
    log_is_quiet($what, @tags);
    return $seen;
}

sub fill_up {
    open my $file, '>', "$store/ballast" or return;
    my $block = 'x' x 65_536;
    1 while syswrite $file, $block;
    return;
}

# ---- the file system ----------------------------------------------------------

my $seen = fault('disk full', sub {
    fill_up();
    pause_s(0.7);
    unlink "$store/ballast";
}, 'DI0402');
cmp_ok($seen->{reasons}{'rendered/miss'}, '>=', 1,
    'disk full: what is not stored is rendered') if $seen;

# A quota that the disk has not.
fault('disk smaller than the quota', sub {
    my $used = 0;
    $used += $_->{bytes} for values %{ disk($store) };
    my $size = $used + 200_000;
    run("mount -o remount,size=$size $store") or die 'remount';
    pause_s(1);
    my ($first, @misses) = $stock->more(12);
    for my $name ($first .. $first + 11) {
        my ($path, $headers) = $stock->question($name, 0);
        my @cache = map { Client::why($server->get($path, %$headers))->{cache} }
          1 .. 2;
        push @misses, "$path @cache" if $cache[1] ne 'disk';
    }
    is_deeply(\@misses, [], 'disk smaller than the quota: what is new is kept');
    run("mount -o remount,size=$STORE_BYTES $store") or die 'remount';
}, 'DI0402', 'DI0414');

fault('read-only', sub {
    # Busy while anything is open for writing.
    my $is_done = 0;
    for (1 .. 2000) {
        last if $is_done = run("mount -o remount,ro $store 2>/dev/null");
        pause_s(0.002);
    }
    ok($is_done, 'read-only: mounted so');
    pause_s(0.7);
    run("mount -o remount,rw $store") or die 'remount';
}, 'DI0402', 'DI0406');

fault('emptied', sub {
    for (1 .. 5) {
        run("find $store -mindepth 1 -delete 2>/dev/null");
        pause_s(0.15);
    }
}, 'DI0402');

fault('another file system in its place', sub {
    my ($load) = @_;
    mount_store();
    pause_s(0.5);
    run('umount', '-l', $store) or die 'umount';
    pause_s(0.5);
    # What the other one held is not taken for this one's, not for an hour.
    $load->hush(sub {
        is_true_soon('the first file system again', $state, $store);
    });
}, 'DI0402', 'DI0406');

# ---- files ----------------------------------------------------------------------

my %harm = (
    'cut'           => sub { truncate $_[0], int rand $_[1] },
    'cut to nothing' => sub { truncate $_[0], 0 },
    'longer'        => sub { seek $_[0], 0, 2; syswrite $_[0], 'more' },
    'zeroed'        => sub { syswrite $_[0], "\0" x $_[1] },
    'half zeroed'   => sub {
        sysseek $_[0], $_[1] / 2, 0;
        syswrite $_[0], "\0" x ($_[1] / 2);
    },
    'one bit of it flipped' => sub {
        my ($file, $size) = @_;
        my $at = int rand $size;
        sysseek $file, $at, 0;
        sysread $file, my $byte, 1;
        sysseek $file, $at, 0;
        syswrite $file, $byte ^ chr 1 << int rand 8;
    },
);

sub harm_some {
    my ($how, $share) = @_;
    for my $path (entries()) {
        next if rand > $share;
        open my $file, '+<:raw', $path or next;
        $harm{$how}->($file, -s $file);
        close $file;
    }
    return;
}

srand 5;
# Nothing may alter a file between its check and its way to the client, so the
# clients keep quiet for that moment.
for my $how (sort keys %harm) {
    fault("files $how", sub {
        my ($load) = @_;
        for (1 .. 4) {
            $load->hush(sub { harm_some($how, 0.5) });
            pause_s(0.1);
        }
    }, 'DI0401');
}

fault('files exchanged', sub {
    my ($load) = @_;
    for (1 .. 4) {
        $load->hush(sub {
            my @files = entries();
            while (@files > 1) {
                my ($one, $other) = splice @files, 0, 2;
                rename $one, "$home/store/swap";
                rename $other, $one;
                rename "$home/store/swap", $other;
            }
        });
        pause_s(0.1);
    }
}, 'DI0401');

# A folder or a pipe in the place of a file, a file in that of a folder.
fault('other things in the place of files', sub {
    my ($load) = @_;
    my @files = entries();
    for my $path (@files[grep { $_ % 3 == 0 } 0 .. $#files]) {
        unlink $path;
        require POSIX;
        POSIX::mkfifo($path, 0600);
    }
    pause_s(0.2);
    for my $path (grep { !-e } @files) {
        mkdir $path;
    }
    pause_s(0.2);
    run("find $store -type p -delete; find $store -name '*.di' -type d -delete");
}, 'DI0401', 'DI0402');

# ---- clocks -----------------------------------------------------------------------

for my $years (-10, 10) {
    fault("files' times moved $years years", sub {
        for (1 .. 4) {
            my $at = time + $years / 10 * $DECADE_S;
            utime $at, $at, $_ for entries();
            pause_s(0.15);
        }
    });
}

SKIP: {
    skip 'a sanitized httpd keeps its clock', 1
      if `ldd ../modules/mod_dynimage.so` =~ /libasan/;
    my $date = sub {
        my $head = HTTP::Tiny->new->get("$server->{base}/")->{headers}{date};
        return ($head =~ /(\d{4})/)[0];
    };
    my $this_year = $date->();
    for my $jump ([10, 0], [-10, 0], [10, -10, 0]) {
        my $what = 'the clock jumped by ' . join ', ', map { "$_ years" } @$jump;
        fault($what, sub {
            for my $years (@$jump) {
                set_clock($hours_ahead_s + $years / 10 * $DECADE_S);
                pause_s(1.2);
                cmp_ok(abs($date->() - $this_year - $years), '<=', 1,
                    "$what: httpd has it") if $years;
            }
        });
    }
}

is($server->pid, $parent, 'the same parent all the time');
ok($server->stop, 'the server stops');
undef $server;
run("umount -l $store");
done_testing();
