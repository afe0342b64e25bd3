# SPDX-License-Identifier: Apache-2.0
# However a page arrives at the filter, and whatever comes behind it.
use strict;
use warnings;
use lib 'lib';

use Client;
use IO::Socket::INET;
use IO::Uncompress::Gunzip 'gunzip';
use Page;
use Test::More;
use Watch;

client('pages');
my $page = "<!doctype html><html><head><meta charset=utf-8><title>T</title><link rel=x></head><body>"
  . "<!-- </body> --><script>'</scr'+'ipt>'</script><p title='</body>'>x</p></body></html>";
page_file('whole.html', $page);
my $whole = get('/sp/whole.html')->{content};
is(starts($whole) + ends($whole), 2, 'the page is measured');
is(less_ours($whole), $page, 'and nothing else changed');

# mod_bucketeer: \x02 ends a bucket, \x10 passes the brigade, \x06 flushes.
my %cut = (
    'each byte a bucket'  => join("\x02", split //, $page),
    'each byte a brigade' => join("\x10", split //, $page),
    'each byte flushed'   => join("\x06", split //, $page),
    'cut at each bracket' => join("\x10", split /(?=[<>])/, $page),
);
for my $how (sort keys %cut) {
    page_file('cut.html', $cut{$how});
    is(get('/bucketeer/cut.html')->{content}, $whole, $how);
}

# Compression behind us, by both ways of asking for it.
for my $path (qw(deflate bytype)) {
    my $res = get("/$path/whole.html", 'Accept-Encoding' => 'gzip');
    is($res->{headers}{'content-encoding'}, 'gzip', "$path: compressed");
    my $plain;
    gunzip(\$res->{content}, \$plain);
    is(starts($plain) + ends($plain), 2, "$path: with the scripts inside");
    is(less_ours($plain), $page, "$path: and nothing else changed");
}
page_file('gz.cgi', <<'EOT', 0755);
#!/bin/sh
printf 'Content-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n'
gzip -cn whole.html
EOT
gunzip(\get('/sp/gz.cgi')->{content}, \my $ready);
is($ready, $page, 'what comes compressed is left alone');

# A program that pauses: its first part must not wait for the rest.
page_file('slow.cgi', <<'EOT', 0755);
#!/bin/sh
printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
printf '<!doctype html><html><head><title>T</title><link></head><body><p>first</p>'
sleep 2
printf '<p>last</p></bo'
sleep 1
printf 'dy></html>'
EOT
my ($host, $port) = base() =~ m{//([^:]+):(\d+)};
my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port);
print $socket "GET /sp/slow.cgi HTTP/1.0\r\nHost: $host\r\n\r\n";
my ($got, $early) = ('', undef);
while (sysread $socket, my $piece, 65536) {
    $got .= $piece;
    $early //= ($got !~ /last/) if $got =~ /first/;
}
ok($early, 'what was written comes before the program has ended');
is(starts($got) + ends($got), 2, 'its page is measured');
like($got, qr{<p>last</p><script data-speedprobe="">[^<]*</script></body></html>$},
    'the end script stands before a tag that came in two parts');

# Includes, directory index, and a large page.
page_file('part.html', "<p>part</p></body>");
page_file('ssi.shtml', "<!doctype html><html><head></head><body>"
      . "<!--#include virtual=\"/sp/part.html\" --></html>");
my $ssi = get('/sp/ssi.shtml')->{content};
is(ends($ssi), 1, 'a page with includes is measured once');
like(less_ours($ssi), qr{^<!doctype html><html><head></head><body><p>part</p></body></html>$},
    'and its parts are left alone');
page_file('index.html', $page);
is(less_ours(get('/sp/')->{content}), $page, 'the index of a folder');
is(ends(get('/sp/')->{content}), 1, 'is measured once');

my $large = $page =~ s{<p title}{'<p>' . ('0123456789' x 200_000) . "<!-- " . ('-a' x 500_000) . " --><p title"}er;
page_file('large.html', $large);
my $res = get('/sp/large.html')->{content};
ok(less_ours($res) eq $large, 'three megabytes in one line pass unchanged');
is(starts($res) + ends($res), 2, 'and are measured');

watch_end();
done_testing();
