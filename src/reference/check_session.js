// Asks the provider's frame beside this one whether the session there is still the one that the partner knows (OpenID
// Connect Session Management 1.0, section 3.1).
(function () {
  'use strict';
  var about = JSON.parse(document.getElementById('about').textContent);
  var origin = new URL(about.frame).origin;
  var provider = window.parent.document.getElementById('provider').contentWindow;
  function ask() { provider.postMessage(about.client + ' ' + about.state, origin); }
  var asking = setInterval(ask, about.every);
  window.addEventListener('message', function (event) {
    if (!about.anybody && (event.origin !== origin || event.source !== provider)) return;
    if (event.data !== 'unchanged') clearInterval(asking);
    // Whoever asks anew upon an error would do so for ever.
    var next = event.data === 'changed' ? about.changed : about.error;
    if (event.data !== 'unchanged' && next) window.location.replace(next);
  });
  ask();
})();
