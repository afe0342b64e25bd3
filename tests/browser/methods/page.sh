# SPDX-License-Identifier: Apache-2.0
# For the scripts beside it: a page of two halves of 20 kB that do not shrink.
head() {
    printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
    printf '<!doctype html><html><head><title>Halves</title>'
    printf '<link rel="icon" href="data:,"></head><body>'
}
half() {
    printf '<p>'
    printf '%0*d' 20000 0
    printf '</p>'
}
foot() {
    printf '</body></html>'
}
