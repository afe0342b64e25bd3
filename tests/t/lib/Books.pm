# SPDX-License-Identifier: Apache-2.0
# What the accounts say, and what the disk says.
#
#     my $accounts = accounts($state);      # { name => { bytes, files, ... } }
#     my $disk = disk($store);              # the same, with left: no entries
#     is_true_soon($what, $state, $store);  # a test: they agree
package Books;
use strict;
use warnings;

use Exporter 'import';
use File::Find 'find';
use Test::More ();

our @EXPORT = qw(accounts disk is_true_soon);

my $BLOCK_BYTES = 4096;

sub accounts {
    my ($state) = @_;
    my %account;
    for (`$ENV{DI_BUILD}/tests/unit/look_accounts $state/books`) {
        my ($name, @numbers) = split;
        @{ $account{$name} }{qw(bytes files quota known reclaimed refused)} = @numbers;
    }
    return \%account;
}

sub disk {
    my ($store) = @_;
    my %customer;
    for my $folder (grep { -d } glob "$store/*") {
        my ($name) = $folder =~ m{([^/]+)\z};
        my $its = $customer{$name} = { bytes => 0, files => 0, left => [] };
        find({ no_chdir => 1, wanted => sub {
                my @stat = lstat;
                if (m{/[0-9a-f]{2}/[0-9a-f]{32}\.di\z} && -f _) {
                    $its->{files}++;
                    $its->{bytes} += $BLOCK_BYTES
                      * int(($stat[7] + $BLOCK_BYTES - 1) / $BLOCK_BYTES);
                }
                elsif (@stat && !-d _ && !m{/lock\z}) {
                    push @{ $its->{left} }, $File::Find::name;
                }
            } }, $folder);
    }
    return \%customer;
}

# Where accounts and disk do not agree, one line each; nothing left over.
sub differences {
    my ($state, $store) = @_;
    my ($accounts, $disk) = (accounts($state), disk($store));
    my @lines = %$accounts ? () : 'no accounts';
    for my $name (sort keys %{ { %$accounts, %$disk } }) {
        my $account = $accounts->{$name};
        my $its = $disk->{$name} // { bytes => 0, files => 0, left => [] };
        if (!$account) {
            push @lines, "$name: no account";
            next;
        }
        push @lines, map { "$name: $_ account $account->{$_}, disk $its->{$_}" }
          grep { $account->{$_} != $its->{$_} } qw(bytes files);
        push @lines, "$name: not known" unless $account->{known};
        push @lines, "$name: above its quota"
          if $account->{bytes} > $account->{quota};
        push @lines, map { "$name: left over: $_" } @{ $its->{left} };
    }
    return @lines;
}

# Nobody may be putting for long meanwhile.  @return the differences
sub settled {
    my ($state, $store, $tries) = @_;
    my @lines;
    for (1 .. $tries) {
        @lines = differences($state, $store) or return;
        select undef, undef, undef, 0.05;
    }
    return @lines;
}

sub is_true_soon {
    my ($what, $state, $store) = @_;
    my @lines = settled($state, $store, 200);
    Test::More::is_deeply(\@lines, [],
        "$what: the accounts are what the disk has, and nothing is left over");
    return;
}

1;
