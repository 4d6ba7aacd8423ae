// Hands the answer of a pop-up, which stands behind '#', to the window that opened it. The browser delivers it only if that
// window is of the origin that the provider has checked.
(function () {
  'use strict';
  var about = document.currentScript.dataset;
  if (window.opener) {
    window.opener.postMessage({ call: about.call, answer: location.hash.slice(1) }, about.origin);
    window.close();
  }
})();
