  // --- what stands in the page ---------------------------------------------------------------------------------------

  // An attribute in whichever spelling a page has it: data-auto-logout-link, auto_logout_link, autologoutlink.
  function attribute(element, name) {
    var bare = [name, name.replace(/-/g, '_'), name.replace(/-/g, '')];
    var all = bare.map(function (own) { return 'data-' + own; }).concat(bare);
    var found = all.find(function (own) { return element.hasAttribute(own); });
    return found ? element.getAttribute(found) : '';
  }

  function isOut(element) {
    return attribute(element, 'auto-logout-link') === 'true' && Boolean(user(now));
  }
  function loginButton(element) {
    var button = element.querySelector('button');
    if (!button) {
      var words = element.textContent.trim();
      element.textContent = '';
      button = document.createElement('button');
      button.type = 'button';
      button.dataset.words = words || 'Log in with Facebook';
      button.style.cssText = 'background:#1666d1;color:#fff;border:0;border-radius:4px;padding:.5em 1em;font:inherit;cursor:pointer';
      button.addEventListener('click', function () {
        if (isOut(element)) return logout();
        login(function (response) {
          var onlogin = attribute(element, 'on-login');
          if (onlogin) new Function('response', onlogin)(response);
        }, { scope: attribute(element, 'scope') || attribute(element, 'perms') });
      });
      element.appendChild(button);
    }
    button.textContent = isOut(element) ? 'Log out' : button.dataset.words;
  }

  // Whom fb:name and fb:profile-pic are about.
  function shownUser(element) {
    var uid = attribute(element, 'uid');
    return uid === 'loggedinuser' ? user(now) : uid;
  }
  function userName(element) {
    var uid = shownUser(element);
    if (element.dataset.shown === uid) return;
    element.dataset.shown = uid;
    element.textContent = '';
    if (uid) api('/' + uid, { fields: 'name' }, function (person) {
      if (element.dataset.shown === uid) element.textContent = person.name || '';
    });
  }
  function userPicture(element) {
    var uid = shownUser(element);
    if (element.dataset.shown === uid) return;
    element.dataset.shown = uid;
    element.textContent = '';
    if (!uid) return;
    var image = document.createElement('img');
    // Sizes have other names here: thumb, small, normal, square, or the letter t, s, n, q.
    var size = attribute(element, 'size');
    var type = { thumb: 'small', t: 'small', small: 'normal', s: 'normal', normal: 'large', n: 'large' }[size] || 'square';
    image.alt = '';
    image.src = graph + '/' + encodeURIComponent(uid) + '/picture?type=' + type;
    element.appendChild(image);
  }

  var DRAWN = { 'login-button': loginButton };
  if (settings.style === 'connect') Object.assign(DRAWN, { name: userName, 'profile-pic': userPicture });
  // What the real SDK draws and this one does not, as pages of HTML5 write it. Whatever is written fb:… is of the provider.
  var EMPTY = ('activity add-to-timeline bookmark comments comments-count customerchat facepile follow group like like-box page ' +
    'post quote recommendations save send send-to-messenger share-button subscribe video').split(' ');

  var drawn = [];
  function kind(element) {
    var tag = element.tagName.toLowerCase();
    if (tag.indexOf('fb:') === 0) return tag.slice(3);
    return ['login-button'].concat(EMPTY).find(function (own) { return element.classList.contains('fb-' + own); });
  }
  function parse(node, callback) {
    Array.prototype.forEach.call((node || document).querySelectorAll('*'), function (element) {
      var own = kind(element);
      if (!own) return;
      if (!DRAWN[own]) return unplayed('fb:' + own, '; the element stays as it is');
      if (drawn.indexOf(element) < 0) drawn.push(element);
      DRAWN[own](element);
    });
    fire('xfbml.render');
    if (callback) callback();
  }
  // What was drawn says who is signed in.
  function redraw() {
    drawn.forEach(function (element) { DRAWN[kind(element)](element); });
  }

