# SPDX-License-Identifier: Apache-2.0
# Which answers are pages (P28), what becomes of their headers (P29), and pages
# behind internal redirects (P32).
use strict;
use warnings;
use lib 'lib';

use Client;
use Page;
use Test::More;
use Watch;

client('cuts');
my $charset = '<meta charset=utf-8>';

# P28: answers of a program; each with a page in it.
my $page = "<!doctype html><html><head>$charset<link></head><body><p>x</p></body></html>";
sub answer {
    my ($headers, @ask) = @_;
    page_file('answer.cgi', "#!/bin/sh\nprintf '%s\\r\\n' "
          . join(' ', map { "\"$_\"" } @$headers) . " ''\nprintf '%s' '$page'\n", 0755);
    return get('/sp/answer.cgi', @ask);
}
my $html = 'Content-Type: text/html';
is(ends(answer([$html])->{content}), 1, 'P28: a program\'s page is measured');
for my $case (
    ['201', 'Status: 201 Created', $html], ['203', 'Status: 203 Other', $html],
    ['206', 'Status: 206 Partial Content', 'Content-Range: bytes 0-9/100', $html],
    ['403', 'Status: 403 Forbidden', $html], ['500', 'Status: 500 Oh', $html],
    ['multipart', 'Content-Type: multipart/x-mixed-replace; boundary=x'],
    ['XHTML', 'Content-Type: application/xhtml+xml'], ['XML', 'Content-Type: text/xml'],
    ['SVG', 'Content-Type: image/svg+xml'], ['JSON', 'Content-Type: application/json'],
    ['a longer type', 'Content-Type: text/html5'], ['plain', 'Content-Type: text/plain'],
    ['encoded', $html, 'Content-Encoding: br'],
    ['no-transform', $html, 'Cache-Control: max-age=9, no-transform'],
    ['no-transform in a second line', $html, 'Cache-Control: max-age=9', 'Cache-Control: no-transform'],
    ['encoded in a second line', $html, 'Content-Encoding: identity', 'Content-Encoding: br'],
    ['attachment', $html, 'Content-Disposition: attachment; filename=x'],
    ['a part', $html, 'Content-Range: bytes 0-9/100'],
) {
    my ($name, @headers) = @$case;
    is(answer(\@headers)->{content}, $page, "P28: $name: left alone");
}
for my $case (['capitals', 'Content-Type: Text/HTML; Charset=UTF-8'],
    ['inline', $html, 'Content-Disposition: inline; filename=x'],
    ['identity', $html, 'Content-Encoding: identity']) {
    my ($name, @headers) = @$case;
    is(ends(answer(\@headers)->{content}), 1, "P28: $name: measured");
}
for my $status (204, 304) {
    page_file('none.cgi', "#!/bin/sh\nprintf 'Status: $status X\\r\\n$html\\r\\n\\r\\n'\n", 0755);
    my $res = get('/sp/none.cgi');
    is($res->{status} . ($res->{content} // ''), $status, "P28: $status has no body");
}
for my $pad (0, 4000, 4200) {
    page_file('late.html', my $late = ' ' x $pad . $page);
    is(ends(get('/sp/late.html')->{content}), $pad < 4096 ? 1 : 0,
        "P28: a first tag behind $pad bytes");
}

# P29: what was true of the bytes as they were is gone, the rest is as it was.
my $res = answer([$html, 'Content-MD5: x', 'Digest: x', 'Content-Digest: x',
    'Repr-Digest: x', 'Accept-Ranges: bytes', 'ETag: \"a\"', 'Content-Length: '
      . length $page, 'Cache-Control: public, max-age=60', 'Vary: Accept-Language',
    'Last-Modified: Mon, 02 Jan 2023 03:04:05 GMT', 'X-Own: yes']);
my $head = $res->{headers};
is($head->{$_}, undef, "P29: no $_")
  for qw(content-md5 digest content-digest repr-digest accept-ranges set-cookie);
like($head->{etag}, qr{^W/"a-sp[0-9a-f]{6}"$}, 'P29: the ETag is weak, and marked');
is($head->{'cache-control'}, 'public, max-age=60', 'P29: Cache-Control is as it was');
is($head->{vary}, 'Accept-Language', 'P29: so is Vary');
is($head->{'last-modified'}, 'Mon, 02 Jan 2023 03:04:05 GMT', 'P29: so is Last-Modified');
is($head->{'x-own'}, 'yes', 'P29: so are others');
is($head->{'content-length'} // length $res->{content}, length $res->{content},
    'P29: a length, if any, is right');
is(less_ours($res->{content}), $page, 'P29: and the page is whole');
is(answer([$html, 'ETag: W/\"a\"'])->{headers}{etag}, $head->{etag}, 'P29: so is a weak ETag');
is(answer([$html, 'ETag: a'])->{headers}{etag}, 'a', 'P29: what is no ETag stays');

# P32: internal redirects, as a handler's own and as an index.
page_file('target.html', $page);
page_file('moved.cgi', "#!/bin/sh\nprintf 'Location: /sp/target.html\\r\\n\\r\\n'\n", 0755);
my $moved = get('/sp/moved.cgi')->{content};
is(ends($moved), 1, 'P32: behind an internal redirect a page is measured once');
is(less_ours($moved), $page, 'P32: and is itself');

watch_end();
done_testing();
