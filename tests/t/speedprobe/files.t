# SPDX-License-Identifier: Apache-2.0
# P27: pages that are files: of any size, scanned or remembered, changed or
# cut short while they are sent.
use strict;
use warnings;
use lib 'lib';

use Client;
use Page;
use Test::More;
use Watch;

client('cuts');
my $ahead = "<!doctype html><html><head><meta charset=utf-8><link></head><body><p>first</p>";
my $end = "<p>last</p></body></html>\n";

# Sizes around the limits between the ways of delivering a file, first scanned
# and then remembered: the same bytes.
my @sizes = map { ($_ - 1, $_, $_ + 1) } 4096, 32768, 65536, 262144;
sub page_of {
    my ($size, $where) = @_;
    my $pad = 'x' x ($size - length "$ahead$end");
    return $where ? "$ahead$end$pad" : "$ahead$pad$end";
}
for my $size (@sizes) {
    page_file("size$size-$_.html", page_of($size, $_)) for 0, 1;
}
page_file('fragment.html', '<p>' . 'x' x 50_000);
page_file('open.html', "$ahead" . 'x' x 50_000);
sub known { return scalar grep { /SP0303/ } watch_lines() }
my %first;
for my $round ('scanned', 'again', 'again') {
    for my $size (@sizes) {
        for my $where (0, 1) {
            my $name = "size$size-$where.html";
            my $want = page_of($size, $where);
            for my $path (qw(sendfile mapped)) {
                my $got = get("/$path/$name")->{content};
                $first{$name} //= $got;
                ok(less_ours($got) eq $want && starts($got) + ends($got) == 2
                      && $got eq $first{$name}, "P27: $path, $size bytes, $where, $round");
            }
        }
    }
    for my $name (qw(fragment open)) {
        my $got = get("/sendfile/$name.html")->{content};
        ok(less_ours($got) eq slurp(site_file("sp/$name.html")), "P27: $name, $round");
        is(ends($got), $name eq 'open' ? 1 : 0, "P27: $name: end script, $round");
    }
    sleep 3 if $round eq 'scanned'; # files that were just written are not remembered
}
# Each process remembers for itself.
my $asked = 0;
get("/sendfile/size65536-0.html") while !known() && $asked++ < 200;
ok(known(), 'places were remembered');

# Where a charset is declared outside, the places are others.
page_file('nocharset.html', my $nocharset = "<!doctype html><head></head><p>x</body>");
my ($inside, $outside);
for my $round (1 .. 9) {
    ($inside, $outside) = map { get("/$_/nocharset.html")->{content} } qw(sendfile utf8);
    is(starts($inside), 0, "P25: no charset, no start script, $round");
    is(starts($outside), 1, "P25: charset in the header, $round");
    sleep 3 if $round == 1;
}

# A page that is changed keeps its size and is given its old date again.
my $path = site_file('sp/changed.html');
my @one = ("$ahead<p>aaaaaaaaaa</p></body></html>", "$ahead</body><!-- aaaaaaaa --></html>");
is(length $one[0], length $one[1], 'two pages of one size');
for my $i (0, 1) {
    open my $file, '>:raw', $path or die "$path: $!";
    print $file $one[$i];
    close $file;
    utime 1.6e9, 1.6e9, $path;
    for my $round (1 .. 9) {
        my $got = get('/sendfile/changed.html')->{content};
        is(less_ours($got), $one[$i], "changed in place, $round");
        like($got, qr{</script></body>}, "the end script has moved along, $round");
        sleep 3 if $round == 1;
    }
}

# A file that shrinks while it is sent: the answer ends early, httpd goes on.
for my $way (qw(sendfile mapped)) {
    page_file('shrinks.html', $ahead . 'x' x 20_000_000 . $end);
    my $cut = 0;
    my ($head, $got) = raw("/$way/shrinks.html", sub {
        truncate site_file('sp/shrinks.html'), 1000 if !$cut++;
    });
    ok(length $got < 20_000_000, "$way: a file that shrinks ends the answer");
    is(index(less_ours($got), $ahead), 0, "$way: with what there was");
    is(get("/$way/shrinks.html")->{status}, 200, "$way: and the server goes on");
}
unlink site_file('sp/shrinks.html');

watch_end();
done_testing();
