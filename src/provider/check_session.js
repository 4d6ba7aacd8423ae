// The frame of the provider that a page of a site asks whether the person's session is still the one it knows (OpenID
// Connect Session Management 1.0, section 3.2). It asks nobody: it compares a hash with what this browser's cookie says.
// Only that it was asked something senseless it tells the provider, once, so that people see it.
(function () {
  'use strict';
  var about = JSON.parse(document.getElementById('about').textContent);

  // SHA-256 (FIPS 180-4) of a text, in hexadecimal digits. The browser's own is there in secure contexts alone, and a frame
  // below a page of plain http is none.
  function primes(count) {
    var found = [];
    for (var n = 2; found.length < count; n += 1) {
      if (found.every(function (prime) { return n % prime !== 0; })) found.push(n);
    }
    return found;
  }
  function fraction(root) { return ((root - Math.floor(root)) * 0x100000000) | 0; }
  var CONSTANTS = primes(64).map(function (prime) { return fraction(Math.cbrt(prime)); });
  var START = primes(8).map(function (prime) { return fraction(Math.sqrt(prime)); });
  function turned(word, by) { return (word >>> by) | (word << (32 - by)); }

  function sha256(text) {
    var bytes = Array.from(new TextEncoder().encode(text));
    var bits = bytes.length * 8;
    bytes.push(0x80);
    while (bytes.length % 64 !== 56) bytes.push(0);
    for (var shift = 56; shift >= 0; shift -= 8) bytes.push(Math.floor(bits / Math.pow(2, shift)) & 0xff);
    var hash = START.slice();
    for (var block = 0; block < bytes.length; block += 64) {
      var w = [];
      for (var i = 0; i < 64; i += 1) {
        if (i < 16) {
          var at = block + 4 * i;
          w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
        } else {
          var low = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ (w[i - 15] >>> 3);
          var high = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ (w[i - 2] >>> 10);
          w[i] = (w[i - 16] + low + w[i - 7] + high) | 0;
        }
      }
      var v = hash.slice();
      for (var round = 0; round < 64; round += 1) {
        var big = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25);
        var chosen = (v[4] & v[5]) ^ (~v[4] & v[6]);
        var first = (v[7] + big + chosen + CONSTANTS[round] + w[round]) | 0;
        var small = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22);
        var most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        v = [(first + small + most) | 0, v[0], v[1], v[2], (v[3] + first) | 0, v[4], v[5], v[6]];
      }
      hash = hash.map(function (word, index) { return (word + v[index]) | 0; });
    }
    return hash.map(function (word) { return (word >>> 0).toString(16).padStart(8, '0'); }).join('');
  }

  // What the cookie says; the first of that name is the one of this path.
  function state() {
    var own = document.cookie.split('; ').find(function (pair) { return pair.indexOf(about.cookie + '=') === 0; });
    return own ? own.slice(about.cookie.length + 1) : about.nobody;
  }

  function answer(message, origin) {
    var parts = typeof message === 'string' ? /^(.+) ([0-9a-f]{64})\.([0-9a-f]+)$/.exec(message) : null;
    if (!parts) return 'error';
    var known = Object.prototype.hasOwnProperty.call(about.clients, parts[1]) ? about.clients[parts[1]] : [];
    if (known.indexOf(origin) < 0) return 'error';
    var now = sha256([parts[1], origin, state(), parts[3]].join(' '));
    return now === parts[2] ? 'unchanged' : 'changed';
  }

  var told = false;
  window.addEventListener('message', function (event) {
    // Nothing can be told to a page without an origin, and this frame tells itself nothing.
    if (!event.source || event.source === window || event.origin === 'null') return;
    var said = answer(event.data, event.origin);
    event.source.postMessage(said, event.origin);
    if (said === 'error' && !told) {
      told = true;
      var about = new URLSearchParams({ said: said, message: String(event.data).slice(0, 200), origin: event.origin });
      fetch(window.location.pathname, { method: 'POST', body: about });
    }
  });
})();
