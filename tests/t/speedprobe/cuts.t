# SPDX-License-Identifier: Apache-2.0
# P27, P4, P32: however a page is cut into pieces, in buckets of any kind,
# whoever made it and whoever changes it behind us: the same bytes come out.
use strict;
use warnings;
use lib 'lib';

use Client;
use IO::Uncompress::Gunzip 'gunzip';
use Page;
use Private;
use Test::More;
use Watch;

client('cuts');
my $page = "<!doctype html>\n<html><head><meta charset=utf-8><title></head>T</title>"
  . "<link rel=x></head><body class='</body>'>\n<!-- </body> --><p>Hello<noscript>"
  . "<img></noscript><svg><path/></svg><script>'</scr'+'ipt></body>'</script>"
  . "\xc3\xa4<textarea></body></textarea></bod></body >\n</html>\n";
page_file('cuts.html', $page);
my $whole = get('/sp/cuts.html')->{content};
is(starts($whole) + ends($whole), 2, 'the page is measured');
is(less_ours($whole), $page, 'and nothing else changed');
like($whole, qr{</script></body >}, 'the end script is where it belongs');

for my $kind (qw(heap pool mmap file pipe mix)) {
    for my $cut (qw(none 1 2 7 tag r1 r2 r3 r4)) {
        my $at = "/cuts/cuts.html?kind=$kind&cut=$cut&pass";
        is(get("$at=1")->{content}, $whole, "P27: $kind, cut $cut, a brigade each");
        next if $kind eq 'pipe' && $cut eq '1';
        is(get("$at=0")->{content}, $whole, "P27: $kind, cut $cut, in one brigade");
    }
}
for my $between (qw(flush meta empty)) {
    for my $cut (qw(1 tag r5)) {
        for my $pass (0, 1) {
            is(get("/cuts/cuts.html?kind=heap&cut=$cut&between=$between&pass=$pass")
                  ->{content}, $whole, "P27: $between after each piece, cut $cut, $pass");
        }
    }
}
is(get('/cuts/cuts.html?cut=r6&end=none')->{content}, $whole,
    'P27: the end of the page comes from httpd (as does the EOR bucket)');

# mod_bucketeer: \x02 ends a bucket, \x10 passes the brigade, \x06 flushes.
my %sign = (bucket => "\x02", brigade => "\x10", flush => "\x06");
for my $what (sort keys %sign) {
    page_file('cut.html', join $sign{$what}, split //, $page);
    is(get('/bucketeer/cut.html')->{content}, $whole, "P27: bucketeer, each byte a $what");
    page_file('cut.html', join $sign{$what}, split /(?=<)/, $page);
    is(get('/bucketeer/cut.html')->{content}, $whole, "P27: bucketeer, a $what at each <");
}

# Half a page and then no more: what came is there, nothing is appended.
for my $end (qw(eoc error)) {
    my (undef, $got) = raw("/cuts/cuts.html?cut=1&pass=1&between=flush&end=$end");
    is(ends($got), 0, "P27: $end in mid-page: no end script");
    is(index($page, less_ours($got)), 0, "P27: $end in mid-page: what there is, is right");
    cmp_ok(length $got, '>', length($page) / 2, "P27: $end in mid-page: and it is all there");
}
is(get('/cuts/cuts.html?cut=r6')->{content}, $whole, 'and the server goes on');

# Compressed behind us.
sub unpacked { gunzip(\$_[0], \my $out); return $out }
for my $cut (qw(1 tag r7)) {
    my $res = get("/gzip/cuts.html?cut=$cut&pass=1", 'Accept-Encoding' => 'gzip');
    is($res->{headers}{'content-encoding'}, 'gzip', "P32: compressed behind us, cut $cut");
    is(unpacked($res->{content}), $whole, "P32: gzip, cut $cut");
    is($res->{headers}{etag}, undef, "P29: gzip, cut $cut: no strong ETag");
}
my $packed = get('/gzip/cuts.html', 'Accept-Encoding' => 'gzip');
is($packed->{headers}{'content-length'}, length $packed->{content},
    'P4: the length that is sent is that of the compressed page');
cmp_ok(length $packed->{content}, '<', length $whole, 'P4: which is shorter');
for my $cut (qw(none 1 tag)) {
    my $url = base() . "/brotli/cuts.html?cut=$cut&pass=1";
    my $got = `curl -s -H 'Accept-Encoding: br' --compressed '$url'`;
    like(`curl -s -D - -o /dev/null -H 'Accept-Encoding: br' '$url'`,
        qr{^content-encoding: br}mi, "P32: brotli behind us, cut $cut");
    is($got, $whole, "P32: brotli, cut $cut");
}

# Through a proxy: the origin sends chunks, the proxy's child measures.
my $proxy = private_server("SpeedProbe On\nSpeedProbeMinPage 0\nProxyPass / "
      . base() . "/\n");
for my $cut (qw(none 1 tag r8)) {
    my $res = $proxy->get("/origin/cuts.html?cut=$cut&pass=1&between=flush");
    is($res->{content}, $whole, "P27: chunks from an origin, cut $cut");
}
$proxy->stop;

# By programs, includes and other filters.
page_file('bytes.cgi', <<'EOT', 0755);
#!/usr/bin/perl
$| = 1;
print "Content-Type: text/html\r\n\r\n";
open my $in, '<:raw', 'cuts.html' or die;
local $/ = \3;
print while <$in>;
EOT
is(get('/sp/bytes.cgi')->{content}, $whole, 'P32: CGI, three bytes at a time');
my ($ahead, $behind) = $page =~ /^(.*Hello)(.*)$/s;
page_file('half.inc', $behind);
page_file('cuts.shtml', "$ahead<!--#include virtual=\"/sp/half.inc\" -->");
is(get('/sp/cuts.shtml')->{content}, $whole, 'P32: mod_include, whose part is not measured twice');
is(get('/substitute/cuts.html')->{content}, $whole =~ s/Hello/Good evening/r,
    'P32: with mod_substitute');

watch_end();
done_testing();
