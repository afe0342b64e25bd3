# SPDX-License-Identifier: Apache-2.0
# Graceful restarts that take the module out, load others where it lay, and
# bring it back; and that change what the render pool and the store are given.
use strict;
use warnings;
use lib 'lib';

use Apache::Test ();
use Client ();
use Private;
use Test::More;

my $photo = 'photos/fig.jpg';
my $server = private_server("DynImage On\nDynImageCacheRoot cache\n",
    'speedprobe_module');
my $pid = $server->pid;
my $conf = "$server->{dir}/httpd.conf";
my $all = Client::slurp($conf);
my ($libexec) = $all =~ m{(\S+)/mod_mime\.so};
(my $none = $all) =~ s/^.*dynimage.*\n//gim;
my $crowded = join('', map { "LoadModule ${_}_module $libexec/mod_$_.so\n" }
      qw(lua dbd ldap actions asis speling userdir vhost_alias)) . $all;
(my $other = $all) =~ s/cache$/cache2\nDynImageRenderers 3/m;

# Reload with a text and wait until an answer shows that it is in force.
sub reload {
    my ($text, $shown) = @_;
    open my $file, '>', $conf or die "$conf: $!";
    print $file $text;
    close $file;
    kill 'USR1', $pid;
    my $why;
    for (1 .. 100) {
        select undef, undef, undef, 0.1;
        $why = Client::why($server->get("/$photo"));
        return 1 if $shown->($why);
        return 0 unless kill 0, $pid;
    }
    return 0;
}

sub is_off { return !$_[0]{reason} }
sub is_on { return ($_[0]{reason} // '') eq 'rendered' }

for my $round (1 .. 3) {
    ok(reload($none, \&is_off), "round $round: the module is taken out");
    ok(reload($round % 2 ? $crowded : $all, \&is_on),
        "round $round: it is back and renders");
}
ok(reload($other, sub { is_on(@_) && -e "$server->{dir}/cache2/.leases" }),
    'another store and more renderers are in force');
my @renderers = Client::pool_processes($pid);
is(scalar @renderers, 3, 'as many renderers as the new settings say');
my @listeners = grep { m{/dynimage-\w+/s} }
  map { readlink } glob "/proc/$pid/fd/*";
is(scalar @listeners, 1, 'the render pool has the one listener of the start');
ok(kill(0, $pid), 'the same parent all the time');
ok($server->stop, 'the server stops');
unlike(Client::slurp($server->{log}), qr/exit signal|long lost child/,
    'and nobody died');
undef $server;
done_testing();
