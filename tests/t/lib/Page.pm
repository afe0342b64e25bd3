# SPDX-License-Identifier: Apache-2.0
# Pages for the tests of the HTML filter, and what is ours in an answer.
package Page;
use strict;
use warnings;

use Exporter 'import';
use Client 'site_file';

our @EXPORT = qw(page_file less_ours starts ends fillers externals);

my $script = qr{<script data-speedprobe="[a-z]*"(?: nonce="[^"]*")?(?: src="[^"]*" async="")?>[^<]*</script>};

# Write a file under sp/ in the document root.
sub page_file {
    my ($name, $content, $mode) = @_;
    my $path = site_file('');
    my @folders = ('sp', split m{/}, $name);
    pop @folders;
    $path .= "/$_", mkdir $path for @folders;
    $path = site_file("sp/$name");
    open my $file, '>:raw', $path or die "$path: $!";
    print $file $content;
    close $file;
    chmod $mode // 0644, $path;
    my $then = time - 3600; # the ETag of a file just written is weak
    utime $then, $then, $path;
    return;
}

# A body without the nodes that the filter added.
sub less_ours {
    my ($body) = @_;
    $body =~ s/<!--speedprobe [^-]*-->//g;
    $body =~ s/$script//g;
    return $body;
}

sub starts { return scalar(() = $_[0] =~ /__speedprobe=\+new Date/g) }

sub ends { return scalar(() = $_[0] =~ /sendBeacon\?/g) }

sub externals { return scalar(() = $_[0] =~ /<script data-speedprobe="[a-z]*"[^>]* src=/g) }

sub fillers { return scalar(() = $_[0] =~ /<!--speedprobe /g) }

1;
