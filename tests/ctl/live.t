# SPDX-License-Identifier: Apache-2.0
# The commands against httpd with our modules: what the answers of the real
# handler become, and that they are true of what clients then get.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use IO::Socket::INET;
use JSON::PP;
use LWP::UserAgent;
use Test::More;

use Ctl;

my $dir  = folder();
my $top  = abs_path(dirname(__FILE__) . '/../..');
my $ours = "$ENV{DI_BUILD}/.libs";
my $httpd = $ENV{DI_HTTPD} || '/usr/sbin/apache2';
my $modules = '/usr/lib/apache2/modules';
my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
  ->sockport;
my ($code, $out, $err);

chmod 0755, $dir;
mkdir "$dir/$_" for 'www', 'www/photos', 'www/other', 'cache', 'state';
chmod 0777, "$dir/cache", "$dir/state";
copy("$top/site/photos/$_.jpg", "$dir/www/photos/$_.jpg") for 'fig', 'autumn';
copy("$top/site/photos/dogs.jpg", "$dir/www/other/dogs.jpg");
spew("$dir/www/other/broken.jpg", "\xff\xd8\xff broken");
spew("$dir/www/index.html",
    '<img src=photos/fig.jpg><a href=other/dogs.jpg>dogs</a>');
spew("$dir/token", '0123456789abcdef' x 4 . "\n");
chmod 0600, "$dir/token";
my $user = $< == 0 ? "User nobody\nGroup nogroup" : '';
my $preload = join "\n",
  map { -e "$modules/mod_$_.so" ? qq(LoadModule ${_}_module "$modules/mod_$_.so") : () }
  qw(mpm_event authz_core dir mime);
spew("$dir/httpd.conf", <<"EOT");
ServerRoot "$dir"
DefaultRuntimeDir "$dir"
PidFile "$dir/pid"
Mutex file:$dir default
ServerName www.a.example
Listen 127.0.0.1:$port
$user
$preload
StartServers 1
TypesConfig /dev/null
AddType text/html .html
AddType image/jpeg .jpg
LoadModule speedprobe_module "$ours/mod_speedprobe.so"
LoadModule dynimage_module "$ours/mod_dynimage.so"
SpeedProbe On
DynImage On
DynImageColdWait 5s
DynImageCacheRoot "$dir/cache"
DynImageStateDir "$dir/state"
DynImageAdminKeyFile "$dir/token"
DocumentRoot "$dir/www"
DirectoryIndex index.html
<Directory "$dir/www">
    Require all granted
</Directory>
<Location /admin>
    SetHandler dynimage-admin
</Location>
<Location /photos>
    SpeedProbeAssume 100
</Location>
ErrorLog "$dir/error.log"
EOT

my $pid = fork // die;
if (!$pid) {
    # Sanitized modules want the sanitizers' libraries in httpd first.
    if (`ldd $ours/mod_dynimage.so` =~ /libasan/) {
        chomp(my @first =
              map { `gcc -print-file-name=$_.so` } 'libasan', 'libubsan');
        $ENV{LD_PRELOAD}   = join ':', @first;
        $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    }
    exec $httpd, '-f', "$dir/httpd.conf", '-DFOREGROUND' or exit 127;
}
END {
    if ($pid) {
        local $?;
        kill TERM => $pid;
        waitpid $pid, 0;
    }
}
$ENV{DYNIMAGE_ADMIN}    = "http://www.a.example:$port/admin";
$ENV{DYNIMAGE_KEY_FILE} = "$dir/token";
my @to = ('--resolve', "127.0.0.1:$port");
my $ended;
wait_for(sub {
        $ended = waitpid($pid, 1) > 0;
        $ended || IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
});
$pid = 0 if $ended;
ok($pid, 'httpd starts') or BAIL_OUT(slurp("$dir/error.log"));

my $agent = LWP::UserAgent->new(timeout => 20);

sub decision {
    my ($path) = @_;
    my $got = $agent->get("http://127.0.0.1:$port$path",
        Host => 'www.a.example', Accept => 'image/webp,*/*');
    return $got->header('DynImage') // '';
}

sub json {
    ($code, $out, $err) = ctl('--json', @to, @_);
    is($code, 0, "@_") or diag($err);
    return $code == 0 ? decode_json($out) : {};
}

my $status = json('status');
like($status->{version} // '', qr/\d/, 'status has a version');
($code, $out) = ctl(@to, 'status');
like($out, qr/^version /m, '... for people too');

# ---- prerender, then a hit

my $summary = json('prerender', '--root', "$dir/www/photos", '--url', '/photos/');
is($summary->{failed}, 0, 'pictures are prerendered');
cmp_ok($summary->{made}, '>=', 2, '... more renditions than pictures');
cmp_ok($summary->{cpu_us}, '>', 0, '... which took CPU time');
my $again = json('prerender', '--root', "$dir/www/photos", '--url', '/photos/');
is($again->{made}, 0, '... once');
is($again->{stored}, $summary->{made} + $summary->{stored},
    '... all of them are stored');
like(decision('/photos/fig.jpg'), qr/cache=(?:disk|memory)/, '... clients get them from store');
($code, $out, $err) = ctl(@to, 'prerender', '--root', "$dir/www");
is($code, 0, 'a whole site') or diag($err);
like($out, qr/^prerendered 4 of 4 pictures/, '... with a broken picture');
$summary = json('prerender', '--crawl', "http://www.a.example:$port/");
is($summary->{urls}, 2, 'a crawl finds them too');
is($summary->{made}, 0, '... and they are stored');

my @crawl = ('prerender', '--crawl', "http://www.a.example:$port/",
    '--resume', "$dir/crawl.state");
json(@crawl);
is(json(@crawl)->{skipped}, 2, '... and known by their validators');
copy("$top/site/photos/stream.jpg", "$dir/www/other/dogs.jpg");
is(json(@crawl)->{skipped}, 1, '... until one changes');

# ---- explain and check

my $explained =
  json('explain', '/photos/fig.jpg', '--kbps', '100', '--accept', 'image/webp,*/*');
is($explained->{customer}, 'www.a.example', 'explain names the customer');
my ($tier) = decision('/photos/fig.jpg') =~ /tier=(\w+)/;
is($explained->{tier}, $tier, '... and the tier that a client gets');
($code, $out) = ctl(@to, 'explain', '/photos/fig.jpg', '--kbps', '100');
like($out, qr/^>  $tier .* (?:disk|memory) /m, '... and shows where it is') or diag($out);
my $checked = json('check', '/photos/fig.jpg');
ok($checked->{settings}{DynImageMode}, 'check has the settings');
($code, $out) = ctl(@to, 'check', '/photos/fig.jpg');
like($out, qr/^  DynImageMode +\w+$/m, '... for people too') or diag($out);
like($out, qr/^  TIER +RECIPE$/m, '... and the recipes');
($code, $out, $err) = ctl(@to, 'explain', '/no/such.jpg');
is($code, 0, 'explain of nothing') or diag($err);
unlike($out, qr/^  file/m, '... names no file');
like($out, qr/^  gets +not ours: /m, '... and says so');

# ---- purge

my $purged = json('purge', '/photos/');
is($purged->{purged}[0]{path}, '/photos/', 'a folder is purged');
$again = json('prerender', '--root', "$dir/www/photos", '--url', '/photos/');
cmp_ok($again->{made}, '>=', 2, '... and made again');
$again = json('prerender', '--root', "$dir/www/other", '--url', '/other/');
is($again->{made}, 0, '... another one is as it was');

# ---- report

my $report = json('report');
my ($mine) = grep { $_->{customer} eq 'www.a.example' } @{$report->{customers}};
cmp_ok($mine->{renders} // 0, '>=', 4, 'the ledger has the renders');
cmp_ok($mine->{stored_bytes} // 0, '>', 0, '... and what is stored');
($code, $out) = ctl(@to, 'report', '--tariff', 'flat=10 currency=EUR');
is($code, 0, 'a bill');
like($out, qr/^  total .* EUR /m, '... has a total') or diag($out);

# ---- credentials

spew("$dir/wrong", "wrong\n");
($code) = ctl(@to, 'status', '--key-file', "$dir/wrong");
is($code, 4, 'a wrong token is 4');

done_testing();
