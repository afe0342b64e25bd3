# SPDX-License-Identifier: Apache-2.0
# The error log as part of every live test.
#
#     use lib 'lib'; use Watch;
#     ...
#     watch_end('DI0304', 'SP0012');   # the tags that this file provokes
#
# watch_end() is one test: since the file began, the error log has gained no
# line of level warn or worse without an announced tag, no crash and no
# sanitizer report.
package Watch;
use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Apache::Test ();

our @EXPORT = qw(watch_end watch_lines watch_wait);

my ($path, $start);

sub _path {
    return $path //= Apache::Test::vars()->{t_logs} . '/error_log';
}

BEGIN { $start = -s _path() // 0 }

# Lines that the log has gained since this file began.
sub watch_lines {
    open my $log, '<', _path() or die "error_log: $!";
    seek $log, $start, 0;
    return <$log>;
}

# Wait up to 10 s for a line that matches; 1 when it came.
sub watch_wait {
    my ($pattern) = @_;
    for (1 .. 100) {
        return 1 if grep { /$pattern/ } watch_lines();
        select undef, undef, undef, 0.1;
    }
    return 0;
}

sub watch_end {
    my $known = join '|', map { quotemeta } @_;
    my @bad = grep {
        /:(?:warn|error|crit|alert|emerg)\]/
          || /exit signal|ERROR: \w*Sanitizer|runtime error:|core dumped/
    }
      # A sanitized build says so; 50 ms are little on a machine at work.
      grep { !/DI0305|DI0403: .*A TIMEOUT OCCURRED/ } watch_lines();
    @bad = grep { !/(?:$known)/ } @bad if $known;
    Test::More::ok(!@bad, 'the error log holds nothing unannounced')
      or Test::More::diag(@bad[0 .. ($#bad < 9 ? $#bad : 9)]);
    return;
}

1;
