# SPDX-License-Identifier: Apache-2.0
# prerender --crawl: a site's pictures by its pages, politely.
use strict;
use warnings;

use Test::More;

use Ctl;

my $site = fake_start() =~ s{/dynimage-admin}{}r;
my ($code, $out, $err);

sub crawl {
    my (@argument) = @_;
    unlink folder() . '/fake-seen';
    ($code, $out, $err) =
      ctl('prerender', '--crawl', "$site/", '--dry-run', @argument);
    return join ' ', sort map { s/^\Q$site\E//r } split /\n/, $out;
}

sub pages {
    return join ' ', map { (split)[1] } fake_seen();
}

fake_site(
    ''        => '<img src=/a.jpg><a href=p/1>x</a><a href=/priv/x>y</a>'
      . '<a href=http://b.example/>z</a><img src=http://b.example/b.jpg>'
      . '<img src=/priv/p.jpg><a href="#top">t</a>',
    'p/1'     => '<img srcset="c.jpg 1x, /d.png 2x"><a href=2>x</a><a href=/>y</a>',
    'p/2'     => '<a href=/e.webp>picture</a><a href=3>x</a>',
    'p/3'     => '<meta name=robots content=nofollow><img src=f.jpg><a href=4>',
    'p/4'     => '<img src=g.jpg>',
    'priv/x'  => '<img src=secret.jpg>',
    'robots.txt' => "User-agent: *\nDisallow: /priv/\n",
);
is(crawl(), '/a.jpg /d.png /e.webp /p/c.jpg /p/f.jpg',
    'the pictures of the pages of this site');
is($code, 0, '... without a failure') or diag($err);
is(pages(), '/robots.txt / /p/1 /p/2 /p/3', '... each page once');
is(crawl('--depth', '1'), '/a.jpg /d.png /p/c.jpg', '--depth');
is(crawl('--max-pages', '1'), '/a.jpg', '--max-pages');
is(crawl('--max', '2'), '/a.jpg /p/c.jpg', '--max');
like(crawl('--ignore-robots'), qr{/priv/p.jpg /priv/secret.jpg},
    '--ignore-robots');
unlike(join(' ', fake_seen()), qr/robots\.txt/, '... does not ask for it');
ok(!(grep { /secret$/ } fake_seen()), 'the token stays with the handler');

fake_site('robots.txt' => "User-agent: dynimage\nDisallow: /\n");
is(crawl(), '', 'a site that wants us not is left');
is($code, 2, '... with a word');
like($err, qr/robots.txt forbids/, '... about it');
fake_site('robots.txt' => '', 'p/2' => '<a href=/gone>x</a>');
crawl();
is($code, 1, 'a page that is not there is told');
like($err, qr{/gone: answered 404}, '... by its URL');

($code, $out, $err) = ctl('prerender', '--crawl', "$site/");
like($out, qr/^prerendered 5 of 5 pictures/, 'and they are prerendered')
  or diag($err);
($code, $out, $err) = ctl('prerender', '--crawl', 'ftp://a.example/');
is($code, 2, 'another scheme is 2');

done_testing();
