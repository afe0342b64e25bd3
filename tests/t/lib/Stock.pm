# SPDX-License-Identifier: Apache-2.0
# A stock of small pictures under many names, for tests that ask for cold and
# warm ones as fast as they can, and the bodies that are right for each.
#
#     my $stock = Stock->new('faults', 400);       # names
#     $stock->learn($server);
#     my ($path, $headers, $right) = $stock->question($name, $of);
#
# A name N shows picture N modulo the number of pictures: names are links, so a
# cold one costs no copy.  A client is a tier and what it accepts; right for it
# is the original, and whatever any tier sends to one that accepts the same.
package Stock;
use strict;
use warnings;

use Apache::Test ();
use Client ();
use Digest::MD5 'md5_hex';

# Sides of the pictures: their originals are 60 to 200 KB, a render takes a few
# milliseconds.
my @SIDES = (520, 680, 840);

my @TIERS = qw(low medium);
my @ACCEPT = ('image/jpeg', 'image/webp,image/jpeg;q=0.9');

# The tiers as Locations, for a server's configuration.
sub conf {
    my $root = Apache::Test::vars()->{documentroot};
    return <<"EOT";
DynImage On
DynImageColdWait 0
DynImageRenderers 2
DynImageTier low fit=240 quality=45 formats=jpeg,webp ssim=off bytes=off
DynImageTier medium fit=420 quality=60 formats=jpeg,webp ssim=off bytes=off
Alias /low "$root"
Alias /medium "$root"
<Location /low>
    DynImageUnknownBand low
</Location>
<Location /medium>
    DynImageUnknownBand medium
</Location>
EOT
}

sub new {
    my ($class, $folder, $names) = @_;
    my $root = Apache::Test::vars()->{documentroot};
    my ($large) = sort { -s $b <=> -s $a } glob "$root/photos/*.jpg";
    mkdir "$root/$folder";
    my $self = bless { folder => $folder, root => "$root/$folder", names => 0 },
      $class;
    for my $i (0 .. $#SIDES) {
        my $side = $SIDES[$i];
        system('gm', 'convert', $large, '-resize', "${side}x${side}!",
            '-quality', 90, "$root/$folder/of$i.jpg") == 0 or die 'gm convert';
    }
    $self->more($names);
    return $self;
}

# More names; the number of the first one.
sub more {
    my ($self, $count) = @_;
    my $first = $self->{names};
    for my $name ($first .. $first + $count - 1) {
        link "$self->{root}/of" . $name % @SIDES . '.jpg',
          "$self->{root}/n$name.jpg" or die "link: $!";
    }
    $self->{names} += $count;
    return $first;
}

sub clients { return @TIERS * @ACCEPT }

sub path {
    my ($self, $name, $of) = @_;
    return '/' . $TIERS[$of % @TIERS] . "/$self->{folder}/n$name.jpg";
}

sub headers {
    my ($self, $of) = @_;
    return { Accept => $ACCEPT[int($of / @TIERS) % @ACCEPT] };
}

# Ask once for everything, one after the other, with names of its own.
sub learn {
    my ($self, $server) = @_;
    my $first = $self->more(2 * @SIDES);
    $first++ while $first % @SIDES;
    for my $i (0 .. $#SIDES) {
        my $original = md5_hex(Client::slurp("$self->{root}/of$i.jpg"));
        for my $of (0 .. $self->clients - 1) {
            my $res = $server->get($self->path($first + $i, $of),
                %{ $self->headers($of) });
            die "picture $i, client $of: $res->{status} "
              . ($res->{headers}{dynimage} // $res->{content})
              unless $res->{status} == 200
              && (Client::why($res)->{reason} // '') eq 'rendered';
            my $right = $self->{right}[$i]{ $self->headers($of)->{Accept} } //= {};
            $right->{$original} = 'original';
            $right->{ md5_hex($res->{content}) } = $of;
        }
    }
    return;
}

# For Load's clients.
sub question {
    my ($self, $name, $of) = @_;
    my $headers = $self->headers($of);
    return ($self->path($name, $of), $headers,
        $self->{right}[$name % @SIDES]{ $headers->{Accept} });
}

1;
