# SPDX-License-Identifier: Apache-2.0
# mod_dynimage with the least configuration: without mod_speedprobe, without
# memcached; and with a store that cannot be used.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client ();
use File::Temp ();
use Private;
use Test::More;

my ($photo) = map { m{/(photos/[^/]+)$} }
  sort { -s $b <=> -s $a } glob(Client::site_file('photos/*.jpg'));

my $alone = private_server(<<'EOT', 'speedprobe_module');
DynImage On
DynImageCacheRoot cache
EOT
my $res = $alone->get("/$photo");
is($res->{status}, 200, 'without mod_speedprobe: answered');
my $why = Client::why($res);
is($why->{tier}, 'medium', 'everybody gets the unknown band');
is($why->{src}, 'none', 'the speed comes from nowhere');
is($why->{reason}, 'rendered', 'rendered');
unlike($res->{headers}{'cache-control'} // '', qr/private/,
    'the same for all, so shared caches may keep it');
is(Client::why($alone->get("/$photo"))->{cache}, 'disk', 'then a hit');
my $pid = $alone->pid;
my @kids = Client::children($pid);
my @theirs = map { Client::children($_) } @kids;
ok($alone->stop, 'the server stops');
for (1 .. 50) {
    last unless grep { kill 0, $_ } @kids, @theirs;
    select undef, undef, undef, 0.1;
}
is(scalar(grep { kill 0, $_ } @kids, @theirs), 0, 'and leaves no process');

my $nowhere = private_server(<<'EOT', 'speedprobe_module');
DynImage On
DynImageCacheRoot /proc/nowhere
DynImageStore disk
EOT
$res = $nowhere->get("/$photo");
is($res->{status}, 200, 'no usable store: answered');
is(Client::why($res)->{reason}, 'rendered', 'rendered');
is(Client::why($nowhere->get("/$photo"))->{cache}, 'miss', 'each time');
like(Client::slurp($nowhere->{log}), qr/DI0604/, 'and the log says so');

# The folder of the store: what the log says, and whose it is afterwards.
my $root = File::Temp->newdir;
chmod 0755, "$root";
mkdir "$root/$_" or die for qw(used empty);
for my $name (qw(file used/of-others)) {
    open my $file, '>', "$root/$name" or die;
}
my $nobody = getpwnam 'nobody';
my $httpd = $> ? $> : $nobody;
my @folders = (
    ['made/with/parents' => 'disk', $httpd],
    ['empty'             => 'disk', $httpd],
    ['file'              => 'miss', $>, qr/DI0604.*is not a folder/],
    $>
    ? ['/proc' => 'miss', 0, qr/DI0604.*cannot be written to/]
    : ['used' => 'miss', 0, qr/DI0604.*another user.*not empty/],
);
for my $case (@folders) {
    my ($name, $cache, $owner, $message) = @$case;
    my $path = $name =~ m{^/} ? $name : "$root/$name";
    my $server = private_server(<<"EOT", 'speedprobe_module');
DynImage On
DynImageStore disk
DynImageCacheRoot $path
EOT
    $server->get("/$photo");
    is(Client::why($server->get("/$photo"))->{cache}, $cache,
        "store in $name: the second answer");
    is((stat $path)[4], $owner, "store in $name: its owner");
    $message //= qr/^(?!.*DI0604)/s;
    like(Client::slurp($server->{log}), $message, "store in $name: the log");
}

my $dead = private_server(<<'EOT', 'speedprobe_module');
DynImage On
DynImageCacheRoot cache
DynImageMemcached 127.0.0.1:1
EOT
for (1 .. 3) {
    $res = $dead->get("/$photo");
    is($res->{status}, 200, 'memcached absent: answered');
    is(Client::why($res)->{reason}, 'rendered', 'memcached absent: rendered');
}

done_testing();
