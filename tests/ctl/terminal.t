# SPDX-License-Identifier: Apache-2.0
# The progress of a prerender on a terminal of several widths, and elsewhere.
use strict;
use warnings;

use Test::More;

use Ctl;

fake_start();
my $dir = folder();
mkdir "$dir/root";
spew("$dir/root/$_.jpg", $_) for 100 .. 139;
spew("$dir/root/120bad.jpg", 'x');
fake_set(delay => 0.03);
$ENV{TERM} = 'xterm';

# On a terminal made by script(1), which is as wide as stty says.
sub on_terminal {
    my ($columns, @argument) = @_;
    my $command = join ' ', "stty cols $columns rows 24;", $ENV{DI_CTL},
      map { "'$_'" } @argument;
    system('script', '-qec', $command, "$dir/typed") if open STDIN, '<',
      '/dev/null';
    return slurp("$dir/typed");
}

for my $columns (20, 40, 80, 132) {
    my $typed = do {
        open my $was, '>&', \*STDOUT or die;
        open STDOUT, '>', '/dev/null' or die;
        my $all = on_terminal($columns, 'prerender', '--root', "$dir/root",
            '--batch', '3');
        open STDOUT, '>&', $was or die;
        $all;
    };
    my @drawn = $typed =~ /\r([^\r\n]*?)\e\[K/g;
    cmp_ok(scalar(grep { /\d%/ } @drawn), '>', 2,
        "$columns columns: one line is drawn again and again");
    is(scalar(grep { length >= $columns } @drawn), 0, '... and fits');
    is(scalar(grep { /^\[#*>\.*\]/ } @drawn) > 0,
        $columns >= 80, '... with a bar where there is room for one');
    like($typed, qr/\r\e\[Kdynimagectl: failed: \/120bad\.jpg: source_broken\r\n/,
        '... gives way to what failed');
    like($typed, qr/\r\e\[Kprerendered 40 of 41 pictures/,
        '... and to the summary');
}

fake_set(delay => 0.2);
my ($code, $out, $err) = ctl('prerender', '--root', "$dir/root");
unlike($err, qr/[\r\e]/, 'elsewhere there are plain lines');
like($err, qr/^\d+ of 41 \(\d+ %\), \d+\.\d\/s, \S+ left, made \d+, failed \d$/m,
    '... every few seconds');
fake_set(delay => 0);
spew("$dir/root/120bad.jpg", 'x');
unlink "$dir/root/120bad.jpg";
($code, $out, $err) = ctl('--quiet', 'prerender', '--root', "$dir/root");
is($out . $err, '', '--quiet says nothing');

done_testing();
