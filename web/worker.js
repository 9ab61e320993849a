// Keeps the shell of the panel, and nothing else, so that it opens at once and without a connection says so. The build writes its number
// below; another number is another cache.
const BUILD = "@BUILD@", CACHE = `va-panel-${BUILD}`;
const SHELL = ["/panel/", ..."@FILES@".split(" ")];

self.addEventListener("install", event => {
  event.waitUntil(caches.open(CACHE).then(cache => cache.addAll(SHELL.map(path => new Request(path, {cache: "reload"})))).then(() => self.skipWaiting()));
});

self.addEventListener("activate", event => {
  event.waitUntil(caches.keys().then(names => Promise.all(names.filter(name => name !== CACHE && name.startsWith("va-panel-")).map(name => caches.delete(name))))
    .then(() => self.clients.claim()));
});

// The network first for the page, so that a new build is there at the first look; the API is never touched.
self.addEventListener("fetch", event => {
  const {request} = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !SHELL.includes(url.pathname))
    return;
  event.respondWith(request.mode === "navigate"
    ? fetch(request).catch(() => caches.open(CACHE).then(cache => cache.match(url.pathname)))
    : caches.open(CACHE).then(cache => cache.match(url.pathname)).then(kept => kept || fetch(request)));
});
