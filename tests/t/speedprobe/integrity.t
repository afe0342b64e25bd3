# SPDX-License-Identifier: Apache-2.0
# Pages stay what they are: P24 (doctype first), P25 (charset found), P26 (text
# that looks like markup), P30 (charsets).
use strict;
use warnings;
use lib 'lib';

use Client;
use Page;
use Test::More;
use Watch;

client('cuts');


# P24: what comes before the place for the start script, in this order.
my $charset = '<meta charset=utf-8>';
for my $case (
    ['doctype', '<!DOCTYPE html><html><head>'],
    ['doctype in capitals and lines', "<!DOCTYPE HTML\nPUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n<html><head>"],
    ['byte order mark', "\xef\xbb\xbf<!doctype html><html><head>"],
    ['byte order mark and comment', "\xef\xbb\xbf<!-- c --><!doctype html><html><head>"],
    ['XML prolog', "<?xml version=\"1.0\"?>\n<!DOCTYPE html><html><head>"],
    ['comments ahead of it', "<!-- a --> <!--[if IE]> <![endif]-->\n<!doctype html><head>"],
    ['no doctype (quirks)', '<html><head>'],
    ['quirks by its name', '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 3.2//EN"><html><head>'],
) {
    my ($name, $prolog) = @$case;
    page_file('prolog.html', my $page = "$prolog$charset<link></head><p>x</body></html>");
    my $got = get('/sp/prolog.html')->{content};
    is(index($got, "$prolog$charset<script data-speedprobe"), 0, "P24: $name: stays first");
    is(less_ours($got), $page, "P24: $name: the page is itself");
}

# P25: a declaration that browsers find in the first 1024 bytes stays there.
for my $case (
    ['behind links', 'head', '<head><link><script>1</script>%s%s<link></head><body>x</body>'],
    ['in the body', 'body', '<head></head><body>%s%s<p>x</body>'],
    ['behind the body', 'end', '<head></head><body>x</body>%s%s'],
) {
    my ($name, $file, $form) = @$case;
    for my $where (500, 940, 990, 1007) {
        my $start = '<!doctype html>' . sprintf $form, '', '';
        my $at = index sprintf("<!doctype html>$form", "\1", ''), "\1";
        my $page = '<!doctype html>' . sprintf $form,
          '<!--' . 'x' x ($where - $at - 7) . '-->', $charset;
        is(index($page, $charset), $where, 'the case is right');
        page_file("charset-$file.html", $page);
        my $got = get("/sp/charset-$file.html")->{content};
        is(index($got, $charset), $where, "P25: $name, at $where: is not moved");
        is(less_ours($got), $page, 'and the page is itself');
        is(ends($got), 1, 'and it is measured');
    }
}

# P26, live: each of these only looks like the end.
my @traps = ("<script>'</body>'</script>", '<style></body></style>', '<!-- </body> -->',
    '<textarea></body></textarea>', '<p title="</body>">', '<template></body></template>',
    '<!--[if IE]></body><![endif]-->', '<noscript><p></p></noscript>',
    '<svg><![CDATA[</body>]]></svg>', '<iframe></body></iframe>', '<xmp></body></xmp>');
page_file('traps.html', my $traps = "<!doctype html><head>$charset<title></head></title>"
      . "<link></head>" . join("\n", @traps) . 'end</body></html>');
my $got = get('/sp/traps.html')->{content};
is(less_ours($got), $traps, 'P26: traps stay what they are');
like($got, qr{end<script data-speedprobe="">[^<]*</script></body></html>$},
    'P26: and the end is the end');

# P30: text in which second bytes are ASCII's; our part is ASCII.
my %text = (
    shift_jis => "\x83\x5c\x83\x7c\x95\x5c\x94\x5c\x83\x40\x83\x7e", 'euc-jp' => "\xa4\xa2\x8e\xb1",
    'euc-kr' => "\xb0\xa1\xc8\xfe", gbk => "\x81\x5c\x81\x7c\xfe\x4f", big5 => "\xa4\x5c\xb3\x5c",
    gb18030 => "\x81\x30\x81\x30\x84\x31\xa4\x37", 'iso-8859-1' => "\xe4", 'windows-1252' => "\x80",
    'utf-8' => "\xe2\x82\xac");
for my $name (sort keys %text) {
    my $text = "<!doctype html><html><head><title>$text{$name}</title><link></head>"
      . "<body title='$text{$name}'><!--$text{$name}--><p>$text{$name}</p>$text{$name}</body></html>";
    page_file('charset.html', $text);
    page_file('charset.cgi', "#!/bin/sh\nprintf 'Content-Type: text/html; charset=$name\\r\\n\\r\\n'\n"
          . "cat charset.html\n", 0755);
    my $got = get('/sp/charset.cgi')->{content};
    is(less_ours($got), $text, "P30: $name: the page is itself");
    is(starts($got) + ends($got), 2, "P30: $name: and measured");
    like($got, qr{\Q$text{$name}\E<script data-speedprobe="">[\x20-\x7e]*</script></body>},
        "P30: $name: with ASCII");
}
# The page as a program's answer, with these headers.
my $page = "<!doctype html><html><head>$charset<link></head><body><p>x</p></body></html>";
sub answer {
    my ($headers, @ask) = @_;
    page_file('answer.cgi', "#!/bin/sh\nprintf '%s\\r\\n' "
          . join(' ', map { "\"$_\"" } @$headers) . " ''\nprintf '%s' '$page'\n", 0755);
    return get('/sp/answer.cgi', @ask);
}
for my $name (qw(utf-16 UTF-16LE utf-32 utf-7 iso-2022-jp ISO-2022-KR hz-gb-2312 csISO2022JP)) {
    is(answer(["Content-Type: text/html; charset=$name"])->{content}, $page,
        "P30: $name: left alone");
}

watch_end();
done_testing();
