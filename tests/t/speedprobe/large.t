# SPDX-License-Identifier: Apache-2.0
# P27: pages that come slowly and large pages: memory stays bounded, the first
# bytes do not wait for the last.
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

my $sanitized = `ldd $ENV{DI_RUN}/modules/mod_speedprobe.so` =~ /libasan/;

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
  SKIP: {
        skip 'a sanitizer keeps what is freed', 1 if $sanitized;
        cmp_ok($growth, '<', 20_000, "P27: $what: 100 MB, and memory grew by $growth kB");
    }
    is(starts($got) + ends($got), 2, "P27: $what: it is measured");
    ok(less_ours($got) eq $large, "P27: $what: and nothing else changed");
    return;
}
page_file('large.html', $large);
is_large('/sp/large.cgi', 'from a program');
is_large('/sendfile/large.html', 'from a file, sendfile');
is_large('/mapped/large.html', 'from a file, no sendfile');

unlink site_file('sp/large.html');

watch_end();
done_testing();
