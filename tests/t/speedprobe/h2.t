# SPDX-License-Identifier: Apache-2.0
# P7: pages over HTTP/2, in clear text and over TLS: the same scripts in the
# same places, with many streams of one connection at once.
use strict;
use warnings;
use lib 'lib';

use Client;
use Digest::SHA 'sha256_hex';
use IO::Socket::INET;
use Page;
use Private;
use Test::More;
use Watch;

plan skip_all => 'mod_http2 needs threads' if $ENV{DI_MPM} eq 'prefork';
client('pages');
my $page = "<!doctype html><html><head><meta charset=utf-8><title>T</title><link>"
  . "</head><body><p>Hello</p>" . "<p>more</p>" x 30_000 . "</body></html>";
page_file('h2.html', $page);
page_file('h2short.html', my $short = $page =~ s{(<p>more</p>)+}{}r);

my ($modules) = modules_line() =~ m{ (\S+)/mod_alias\.so};
my $tls = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
my $dir = File::Temp->newdir;
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
      . " -keyout $dir/key -out $dir/cert 2>/dev/null") == 0 or die "openssl\n";
my $server = private_server(<<"EOT");
LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
LoadModule ssl_module $modules/mod_ssl.so
LoadModule http2_module $modules/mod_http2.so
Protocols h2 h2c http/1.1
H2Upgrade On
EnableSendfile On
SpeedProbe On
SpeedProbeMinPage 0
LogLevel speedprobe:trace8
Listen 127.0.0.1:$tls
<VirtualHost *:$tls>
    SSLEngine On
    SSLCertificateFile $dir/cert
    SSLCertificateKeyFile $dir/key
    AddOutputFilterByType DEFLATE text/html
</VirtualHost>
EOT

my %way = (
    'HTTP/1.1' => "--http1.1 $server->{base}",
    'h2c, known before' => "--http2-prior-knowledge $server->{base}",
    'h2c, upgraded' => "--http2 $server->{base}",
    'HTTP/1.1 over TLS' => "--http1.1 -k https://127.0.0.1:$tls",
    'h2 over TLS' => "--http2 -k https://127.0.0.1:$tls",
);
my %want = (h2 => $page, h2short => $short);
for my $name (sort keys %want) {
    my $first = $server->get("/sp/$name.html")->{content};
    is(less_ours($first), $want{$name}, "$name: the page is itself");
    is(starts($first) + ends($first), 2, 'and measured');
    for my $way (sort keys %way) {
        # curl 7.88 has no room for a large first piece behind an upgrade.
        next if $name eq 'h2' && $way =~ /upgraded/;
        ok(`curl -s $way{$way}/sp/$name.html` eq $first, "P7: $name, $way: the same bytes");
        my $protocol = $way =~ /h2/ ? 2 : '1.1';
        like(`curl -s -o /dev/null -w '%{http_version}' $way{$way}/sp/$name.html`,
            qr/^$protocol$/, "P7: $name, $way: that is what was spoken");
    }
    my $url = "$way{'h2 over TLS'}/sp/$name.html";
    like(`curl -s -D - -o /dev/null --compressed $url`, qr/^content-encoding: gzip/mi,
        "P7: $name, h2, compressed");
    ok(`curl -s --compressed $url` eq $first, "P7: $name, h2, and unpacked: the same bytes");
}

# Twenty streams of one connection, short and long ones.  (curl 7.88 fails with
# parallel streams where HTTP/2 is known before, whatever the server.)
for my $way ('h2 over TLS') {
    my ($flags, $base) = $way{$way} =~ /^(.*) (\S+)$/;
    my $urls = '';
    for my $i (1 .. 20) {
        $urls .= " -o $dir/out$i $base/sp/" . ($i % 2 ? 'h2' : 'h2short') . ".html?$i";
    }
    my $connections = `curl -s --no-progress-meter -Z --parallel-max 20 $flags -w '%{num_connects} '$urls`;
    my $sum = 0;
    $sum += $_ for split ' ', $connections;
    cmp_ok($sum, '<', 20, "P7: $way: streams share a connection ($sum for 20)");
    my %hash = map { sha256_hex(slurp("$dir/out$_")) => 1 } 1 .. 20;
    is(keys %hash, 2, "P7: $way: and all get their page");
    is(less_ours(slurp("$dir/out1")), $page, "P7: $way: whole");
}

my $log = slurp($server->{log});
unlike($log, qr/exit signal|ERROR: \w*Sanitizer|:error\]/, 'nothing crashed');
like($log, qr/SP0302/, 'pages were scanned');
ok($server->stop, 'the server stops');

watch_end();
done_testing();
