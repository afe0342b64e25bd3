# SPDX-License-Identifier: Apache-2.0
# kill -9 of the whole httpd, and of its children one by one, at random moments
# while clients ask for cold and warm pictures: no part of a file is ever sent,
# nothing is left over, no lock is stuck, and the accounts are true.  DI_CRASHES
# and DI_KILLS say how often, DI_SEED when.
use strict;
use warnings;
use lib 'lib';

use Books;
use Client ();
use File::Temp ();
use Load;
use Private;
use Stock;
use Test::More;
use Time::HiRes 'time';

my $CRASHES = $ENV{DI_CRASHES} // 50;
my $KILLS = $ENV{DI_KILLS} // 200;
my $CLIENTS = 4;
my $WARM = 12;
my $COLD_EACH = 24;  # names a crash

# Of the customers c0, c1, c2: room for everything, and for some of it.
my @QUOTAS = qw(1G 2M 1M);

srand(my $seed = $ENV{DI_SEED} // time);
note("DI_SEED=$seed");
sub pause_s { select undef, undef, undef, $_[0]; return }

sub customer {
    my ($n) = @_;
    return <<"EOT";
<VirtualHost *:*>
    ServerName c$n
    DynImageQuota $QUOTAS[$n]
</VirtualHost>
EOT
}

my $home = File::Temp->newdir;
chmod 0755, "$home";
my $store = "$home/store";
my $stock = Stock->new('killed', $WARM);

# A process that is killed is often found between two steps of a put.  A
# sanitized httpd wants its own library first.
if (`ldd ../modules/mod_dynimage.so` !~ /libasan/) {
    $ENV{DI_TESTSLOW_US} = 3000;
    $ENV{LD_PRELOAD} = "$ENV{DI_RUN}/modules/testslow.so";
}
my $server = private_server(Stock::conf() . <<"EOT", 'speedprobe_module');
DynImageCacheRoot $store
KeepAliveTimeout 30
MaxKeepAliveRequests 0
<IfModule mpm_event_module>
    StartServers 4
    ServerLimit 16
    ThreadsPerChild 4
    MinSpareThreads 16
    MaxSpareThreads 64
    MaxRequestWorkers 64
</IfModule>
<IfModule mpm_prefork_module>
    StartServers 8
    MinSpareServers 6
    MaxSpareServers 16
    MaxRequestWorkers 16
</IfModule>
@{[map { customer($_) } 0 .. $#QUOTAS]}
EOT
my $state = "$server->{dir}/state";
$stock->learn($server);

# A question of a customer's site.
sub of_customer {
    my ($name, $of) = @_;
    my ($path, $headers, $right) = $stock->question($name, $of);
    return ($path, { %$headers, Host => 'c' . $name / 3 % @QUOTAS }, $right);
}

# Two in three cold, in the order of a client's own dice.
sub questions {
    my $first = $stock->more($COLD_EACH);
    return sub {
        my ($client, $turn) = @_;
        my $name = $turn % 3 ? $first + int rand $COLD_EACH : int rand $WARM;
        return of_customer($name, int rand $stock->clients);
    };
}

# Ask each customer's site for something new, so that whoever comes next has put
# right what the dead ones left; what is wrong all the same.
sub put_right {
    my $first = $stock->more(3 * @QUOTAS);
    my $seen = Load->start($server->{base}, 1, sub {
        my ($client, $turn) = @_;
        return if $turn >= @QUOTAS;
        return of_customer($first + 3 * $turn, 0);
    })->wait;
    return (@{ $seen->{failed} }, Books::settled($state, $store, 40));
}

# Everything that is stored, and what is asked for anew, is right; no client
# waits for a dead one.
sub is_sound {
    my ($what) = @_;
    my $load = Load->start($server->{base}, $CLIENTS, do {
        my $last = $stock->{names} - 1;
        sub {
            my ($client, $turn) = @_;
            return if $turn >= 4 * $COLD_EACH;
            # The last names, each as every client has it.
            my $name = $last - ($turn * $CLIENTS + $client - 1) % (4 * $COLD_EACH);
            return of_customer($name, $turn * $CLIENTS / (4 * $COLD_EACH));
        };
    });
    my $seen = $load->wait;
    note("$what: " . Load::summary($seen));
    is_deeply($seen->{failed}, [], "$what: every answer is right");
    return;
}

# ---- the whole httpd ------------------------------------------------------------

my (@wrong, @untrue);
my ($hung, $killed, $answers, $left) = (0, 0, 0, 0);
for my $crash (1 .. $CRASHES) {
    my $load = Load->start($server->{base}, $CLIENTS, questions());
    pause_s(0.1 + rand 0.25);
    $killed += $server->crash;
    $left += @{ $_->{left} } for values %{ disk($store) };
    my $seen = $load->stop;
    $answers += $_ for values %{ $seen->{answers} };
    $hung += $seen->{hung};
    push @wrong, grep { /wrong|longer|status/ } @{ $seen->{failed} };
    $server->start;
    push @untrue, map { "crash $crash: $_" } put_right();
}
note("$killed processes killed in $CRASHES crashes, $answers answers, "
      . "$left temporary files left behind");
is_deeply(\@wrong, [], 'httpd killed: no part of a file, no wrong answer');
is_deeply(\@untrue, [], 'httpd killed: after each start the accounts are what '
      . 'the disk has, and nothing is left over');
is($hung, 0, 'httpd killed: no client waits for ever');
cmp_ok($answers, '>', 10 * $CRASHES, 'httpd killed: many answers came');
is_sound('httpd killed');

# ---- its children -----------------------------------------------------------------

sub children {
    my $parent = $server->pid;
    return grep { (eval { Client::slurp("/proc/$_/comm") } // '') =~ /^(?:apache2|httpd)$/ }
      Client::children($parent);
}

my $parent = $server->pid;
my $load = Load->start($server->{base}, $CLIENTS, do {
    my $first = $stock->more(300);
    sub {
        my ($client, $turn) = @_;
        my $name = $turn % 3 ? $first + int rand 300 : int rand $WARM;
        return of_customer($name, int rand $stock->clients);
    };
}, 0.005);
my ($done, %above) = (0);
for (1 .. 4 * $KILLS) {
    pause_s(0.02 + rand 0.1);
    my @children = children();
    next if @children < 2;
    $done += kill 'KILL', $children[rand @children];
    if ($done % 10 == 0) {
        my $accounts = accounts($state);
        my $disk = disk($store);
        $above{$_}++ for grep { $accounts->{$_}{bytes} > $accounts->{$_}{quota}
              || ($disk->{$_}{bytes} // 0) > $accounts->{$_}{quota} } keys %$accounts;
    }
    last if $done >= $KILLS;
}
my $seen = $load->stop;
note('children killed: ' . Load::summary($seen));
is($done, $KILLS, 'children killed: as many as wanted');
is_deeply([grep { /wrong|longer|status/ } @{ $seen->{failed} }], [],
    'children killed: no wrong answer');
is($seen->{hung}, 0, 'children killed: no lock is stuck');
is($server->pid, $parent, 'children killed: the same parent');
is_deeply(\%above, {}, 'children killed: no customer was above its quota');
is_deeply([put_right()], [], 'children killed: the accounts are what the disk '
      . 'has, and nothing is left over');
is_sound('children killed');

cmp_ok(accounts($state)->{c2}{reclaimed}, '>=', 1,
    'a customer with little room was reclaimed all the time');
ok($server->stop, 'the server stops');
undef $server;
done_testing();
