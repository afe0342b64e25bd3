# SPDX-License-Identifier: Apache-2.0
# P27: pages that come slowly, large pages, pages whose file changes.  Memory
# stays bounded, the first bytes do not wait for the last.
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

# The program goes on only when the client has what it wrote first.
my $go = site_file('sp/go');
page_file('waits.cgi', <<"EOT", 0755);
#!/usr/bin/perl
\$| = 1;
print "Content-Type: text/html\\r\\n\\r\\n$ahead";
for (1 .. 100) {
    last if -e '$go';
    select undef, undef, undef, 0.1;
}
print -e '$go' ? "$end" : 'nobody came';
EOT
chmod 0777, site_file('sp');
my ($early, $head, $body) = (0);
unlink $go;
($head, $body) = raw('/sp/waits.cgi', sub {
    my (undef, $got) = @_;
    if (!$early && $$got =~ /first/) {
        $early = $$got !~ /last|nobody/;
        open my $file, '>', $go or die "$go: $!";
    }
});
ok($early, 'P27: the first part is there before the second one exists');
is(less_ours($body), "$ahead$end", 'P27: then the second one comes');
is(starts($body) + ends($body), 2, 'P27: and the page is measured');
unlink $go;

# How much memory have httpd's children ever had, in all?  kB.
sub peaks {
    my %peak;
    for my $pid (children(pids())) {
        my ($peak) = eval { slurp("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/ };
        $peak{$pid} = $peak if $peak;
    }
    return \%peak;
}

sub growth {
    my ($before) = @_;
    my ($after, $most) = (peaks(), 0);
    for my $pid (keys %$after) {
        my $more = $after->{$pid} - ($before->{$pid} // $after->{$pid});
        $most = $more if $more > $most;
    }
    return $most;
}

# 100 MB out of a program, and in a file by every way of reading it.
my $line = '<p class="c">Paragraph of <b>plain</b> text, <i>again</i>.</p>' . "\n";
my $times = int(100_000_000 / length $line);
page_file('large.cgi', <<"EOT", 0755);
#!/usr/bin/perl
print "Content-Type: text/html\\r\\n\\r\\n", '$ahead';
print '$line' for 1 .. $times;
print '$end';
EOT
my $large = $ahead . $line x $times . $end;
sub is_large {
    my ($path, $what) = @_;
    my $before = peaks();
    my (undef, $got) = raw($path);
    my $growth = growth($before);
    cmp_ok($growth, '<', 20_000, "P27: $what: 100 MB, and memory grew by $growth kB");
    is(starts($got) + ends($got), 2, "P27: $what: it is measured");
    ok(less_ours($got) eq $large, "P27: $what: and nothing else changed");
    return;
}
page_file('large.html', $large);
is_large('/sp/large.cgi', 'from a program');
is_large('/sendfile/large.html', 'from a file, sendfile');
is_large('/mapped/large.html', 'from a file, no sendfile');

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
cmp_ok(known(), '>', 0, 'places were remembered');

# Where a charset is declared outside, the places are others.
page_file('nocharset.html', my $nocharset = "<!doctype html><head></head><p>x</body>");
my ($inside, $outside);
for my $round (1 .. 3) {
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
    for my $round (1, 2) {
        my $got = get('/sendfile/changed.html')->{content};
        is(less_ours($got), $one[$i], "changed in place, $round");
        like($got, qr{</script></body>}, "the end script has moved along, $round");
        sleep 3 if $round == 1;
    }
}

# A file that shrinks while it is sent: the answer ends early, httpd goes on.
for my $way (qw(sendfile mapped)) {
    page_file('shrinks.html', $large);
    my $cut = 0;
    my ($head, $got) = raw("/$way/shrinks.html", sub {
        truncate site_file('sp/shrinks.html'), 1000 if !$cut++;
    });
    ok(length $got < length $large, "$way: a file that shrinks ends the answer");
    is(index($large, substr less_ours($got), 0, 900), 0, "$way: with what there was");
    is(get("/$way/shrinks.html")->{status}, 200, "$way: and the server goes on");
}
unlink map { site_file("sp/$_") } qw(large.html shrinks.html);

watch_end();
done_testing();
