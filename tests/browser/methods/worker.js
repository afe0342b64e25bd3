// SPDX-License-Identifier: Apache-2.0
addEventListener('install', () => skipWaiting());
addEventListener('fetch', (e) => e.respondWith(fetch(e.request)));
