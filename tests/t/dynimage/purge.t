# SPDX-License-Identifier: Apache-2.0
# Purges: what is asked for again, what stays, and how it reaches other
# processes, machines and mod_cache.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client ();
use File::Path 'make_path';
use File::Temp ();
use HTTP::Tiny ();
use IO::Socket::INET ();
use Private;
use Test::More;
use Time::HiRes qw(sleep time);

my $token = join '', map { sprintf '%02x', 7 * $_ + 3 } 0 .. 31;
my $keys = File::Temp->new;
print $keys "$token\n";
close $keys;
chmod 0600, "$keys";

my ($photo, $second) = map { "photos/$_" } 'fig.jpg',
  map { m{photos/([^/]+\.jpg)$} && $1 ne 'fig.jpg' ? $1 : () }
  glob Client::site_file('photos/*.jpg');

sub free_port {
    return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
      ->sockport;
}

# A machine with two sites (localhost and b.example) and a key for both.
sub machine {
    my ($more) = @_;
    my $port = free_port();
    my $self = private_server(<<"EOT", 'speedprobe_module');
LogLevel dynimage:info
DynImage On
DynImageColdWait 0
DynImageWait 30s
DynImageCacheRoot cache
DynImageStore disk
DynImageAdminKeyFile $keys
<Location /admin>
    SetHandler dynimage-admin
</Location>
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    ServerName b.example
    DocumentRoot @{[Apache::Test::vars()->{documentroot}]}
</VirtualHost>
$more
EOT
    return ($self, "http://127.0.0.1:$port");
}

sub get { my ($url) = @_; return HTTP::Tiny->new(keep_alive => 0)->get($url) }

# Whether a rendition is stored, on whichever level: hit, miss.
sub cache {
    my ($url) = @_;
    my $state = Client::why(get($url))->{cache} // 'none';
    return $state =~ /^(?:memory|disk|memcached)$/ ? 'hit' : $state;
}

sub purge {
    my ($base, %fields) = @_;
    my $http = HTTP::Tiny->new(keep_alive => 0);
    return $http->post_form("$base/admin/purge", \%fields,
        { headers => { Authorization => "Bearer $token" } })->{status};
}

# The purge map of a machine.
sub purges_of {
    my ($machine) = @_;
    my $res = $machine->get('/admin/purges', Authorization => "Bearer $token");
    return unpack 'H*', $res->{content};
}

# Wait until a URL is covered by a newer purge: its rendition is made again.
# @return seconds, undef after ten
sub wait_for_purge {
    my ($url) = @_;
    my $start = time;
    while (time - $start < 10) {
        return time - $start if cache($url) eq 'miss';
        sleep 0.02;
    }
    return;
}

# ---- one machine ----

my ($one, $b) = machine('');
my $a = $one->{base};

cache("$_/$photo"), cache("$_/$second") for $a, $b;
is(cache("$_/$photo"), 'hit', "$_: stored") for $a, $b;

is(purge($a, url => "/$photo"), 200, 'one URL is purged');
is(cache("$a/$photo"), 'miss', 'and made again');
is(cache("$a/$photo"), 'hit', 'once');
is(cache("$a/$second"), 'hit', 'its neighbour stays');
is(cache("$b/$photo"), 'hit', 'the same URL of the other site too');

is(purge($a, url => '/photos/'), 200, 'a folder is purged');
is(cache("$a/$_"), 'miss', "$_ is made again") for $photo, $second;
is(cache("$b/$_"), 'hit', "$_ of the other site stays") for $photo, $second;

is(purge($a, url => '/'), 200, 'a site is purged');
is(cache("$a/$_"), 'miss', "$_ is made again") for $photo, $second;
is(cache("$b/$_"), 'hit', "$_ of the other site stays") for $photo, $second;

is(purge($a, url => 'http://b.example/photos/'), 200,
    'the other site by the main server');
is(cache("$a/$photo"), 'hit', 'this one stays');
is(cache("$b/$_"), 'miss', "$_ is made again") for $photo, $second;

is(purge($a, all => 1), 200, 'all is purged');
is(cache("$_/$photo"), 'miss', "$_: made again") for $a, $b;

# A visitor's spelling is no way around a purge.
my (undef, $name) = split m{/}, $photo;
is(purge($a, url => "/$photo"), 200, 'purged under its plain name');
is(cache("$a//photos/./x/../%66" . substr($name, 1)), 'miss',
    'asked for under an odd one');

# All processes, and the next httpd.
is(purge($a, url => '/photos/'), 200, 'purged');
is(cache("$a/$second"), 'miss', 'made again');
my %states = map { $_ => 1 }
  Client::in_parallel(12, sub { cache("$a/$second") });
is_deeply([keys %states], ['hit'], 'each process has the new key');
is(purge($a, url => "/$photo"), 200, 'purged before a restart');
ok($one->stop, 'httpd stops');
$one->start;
is(cache("$a/$second"), 'hit', 'after it: what was made since is stored');
is(cache("$a/$photo"), 'miss', 'and what was purged is still purged');
like(Client::slurp($one->{log}), qr/DI0640: .*purged localhost \/photos\//,
    'purges are logged');
is(scalar(() = Client::slurp($one->{log}) =~ /DI0640: .* all sites/g), 1,
    'each once');

# ---- two machines that share memcached ----

my $shared = "DynImageStore disk memcached\nDynImageMemcached "
  . "$ENV{DI_MEMCACHED}\nDynImageMemcachedTimeout 5s\n"; # the test is busy
my ($first) = machine($shared);
my ($other, $other_b) = machine($shared);

cache("$_/$photo") for $first->{base}, $other->{base}, $other_b;
for my $path ("/$photo", '/photos/', '/') {
    is(cache("$other->{base}/$photo"), 'hit', 'the other machine has it');
    is(purge($first->{base}, url => $path), 200, "$path is purged");
    my $start = time;
    my $map = purges_of($first);
    sleep 0.01 until purges_of($other) eq $map || time - $start > 10;
    diag(sprintf '%s: on the other machine after %.0f ms', $path,
        1000 * (time - $start));
    is(cache("$other->{base}/$photo"), 'miss', 'in force there');
    is(cache("$other->{base}/$photo"), 'hit', 'which keeps the new one');
}
isnt(cache("$other_b/$photo"), 'miss', 'its other site was not purged');

# A memcached that was emptied is told again, and so is who comes late.
my $memcached = IO::Socket::INET->new($ENV{DI_MEMCACHED}) or die;
print $memcached "flush_all\r\n";
readline $memcached;
my ($late) = machine($shared);
my $all = purges_of($first);
for (1 .. 500) {
    last if purges_of($late) eq $all;
    sleep 0.02;
}
is(purges_of($late), $all, 'who comes after memcached was emptied learns all');
is(purges_of($other), $all, 'all have the same map');
undef $late;

# ---- one that does not share it, and pulls ----

my ($far) = machine("DynImagePurgePull $first->{base}/admin/purges\n"
      . "DynImagePurgePullInterval 1s\nDynImagePurgePullKeyFile $keys\n");
wait_for_purge("$far->{base}/$photo");
sleep 1.5; # it has what was purged before
cache("$far->{base}/$_") for $photo, $second;
is(cache("$far->{base}/$photo"), 'hit', 'the far machine has it');
is(purge($first->{base}, url => "/$photo"), 200, 'it is purged elsewhere');
my $took = wait_for_purge("$far->{base}/$photo");
ok(defined $took, 'it is in force there')
  and diag(sprintf 'pulled after %.1f s', $took);
is(cache("$far->{base}/$second"), 'hit', 'its neighbour stays');
like(Client::slurp($far->{log}), qr/DI0430: \d+ purges came from http:/,
    'which says so');
unlike(Client::slurp($_->{log}), qr/exit signal|DI043[1457]/,
    'no trouble on any machine')
  for $first, $other, $far;
undef $_ for $first, $other, $far, $one;

# ---- mod_cache in front of an origin ----

my $dir = File::Temp->newdir;
chmod 0755, "$dir";
make_path("$dir/$_") for qw(origin quick late);
chmod 0777, "$dir/$_" for qw(quick late);

sub write_file {
    my ($file, $text) = @_;
    open my $out, '>', "$dir/origin/$file" or die "$file: $!";
    print $out $text;
    close $out;
    return;
}

my %port = map { $_ => free_port() } qw(origin quick late);
my $front = join '', map { <<"EOT" } qw(quick late);
Listen 127.0.0.1:$port{$_}
<VirtualHost 127.0.0.1:$port{$_}>
    ServerName $_.example
    CacheQuickHandler @{[$_ eq 'quick' ? 'On' : 'Off']}
    CacheRoot $dir/$_
    CacheEnable disk /
    CacheHeader On
    ProxyPass /admin !
    ProxyPass / http://127.0.0.1:$port{origin}/
</VirtualHost>
EOT
my ($cacher) = machine(<<"EOT");
$front
Listen 127.0.0.1:$port{origin}
LogFormat "%U %>s" short
<VirtualHost 127.0.0.1:$port{origin}>
    ServerName origin.example
    DocumentRoot $dir/origin
    Header set Cache-Control "max-age=3600, s-maxage=7200"
    CustomLog $dir/asked short
    <Directory $dir/origin>
        Require all granted
    </Directory>
</VirtualHost>
EOT

# What the origin was asked since the last time; httpd logs a moment after the
# answer, so so many lines are waited for.
my $read = 0;

sub asked {
    my ($expected) = @_;
    my @lines;
    for (1 .. ($expected ? 300 : 20)) {
        @lines = split /\n/, Client::slurp("$dir/asked");
        last if $expected && @lines >= $read + $expected;
        sleep 0.01;
    }
    my @new = @lines[$read .. $#lines];
    $read = @lines;
    return join ', ', @new;
}

for my $kind (qw(quick late)) {
    my $base = "http://127.0.0.1:$port{$kind}";
    write_file($_, "first of $_") for qw(changed same other);
    get("$base/$_") for qw(changed same other);
    asked(3);
    write_file('changed', 'second of changed');
    is(get("$base/changed")->{content}, 'first of changed',
        "$kind: mod_cache has a copy");
    is(asked(), '', 'and the origin is not asked');

    is(purge($base, url => '/changed'), 200, 'what has changed is purged');
    is(purge($base, url => '/same'), 200, 'and what has not');
    is(get("$base/changed")->{content}, 'second of changed',
        'the changed one is fetched at once');
    is(asked(1), '/changed 200', 'from the origin');
    my $res = get("$base/same");
    is($res->{content}, 'first of same', 'the other is what it was');
    is(asked(1), '/same 304', 'as the origin confirms');
    is(get("$base/other")->{content}, 'first of other', 'a third');
    is(asked(), '', 'is not asked for');

    # A Date has whole seconds: a copy may count as almost one second older than
    # it is, and be asked for once more.
    my $again;
    for (1 .. 3) {
        sleep 2.1;
        get("$base/$_") for qw(changed same);
        $again = asked();
        last if $again eq '';
    }
    is($again, '', 'after that both are copies again');
}
unlike(Client::slurp($cacher->{log}), qr/exit signal/, 'nobody died');

done_testing();
