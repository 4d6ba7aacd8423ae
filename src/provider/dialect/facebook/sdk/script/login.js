  // --- who is signed in --------------------------------------------------------------------------------------------

  function ask(shown) {
    // In the body, so that the token is part of no address.
    var body = new URLSearchParams(parameters({ client_id: app.id, access_token: shown || undefined }));
    return fetch(www + '/x/oauth/status', { method: 'POST', body: body, credentials: 'include' })
      .then(function (answer) { return answer.json(); })
      .catch(function () { return { status: 'unknown' }; })
      .then(function (said) {
        var isIn = said.status === 'connected';
        become({
          status: said.status || 'unknown',
          response: isIn && !bySession() ? said.authResponse : null,
          session: isIn && bySession() ? said.session : null,
          granted: said.granted || []
        });
      });
  }

  function getLoginStatus(callback, force) {
    callback = callback || function () {};
    if (!app.id) return console.error('FB.getLoginStatus() called before calling FB.init().');
    if (isKnown && !force) return callback(told());
    if (force || !waiting) {
      waiting = ask(token(now) || remembered()).then(function () { waiting = null; });
    }
    waiting.then(function () { callback(told()); });
  }

  // Opens a dialog of the provider, and hears its answer: members of the address behind '#', or null where it was closed.
  function dialog(path, query, callback) {
    var call = 'f' + Math.random().toString(36).slice(2) + (++calls);
    var about = parameters(Object.assign({ client_id: app.id, origin: location.origin, cb: call, display: 'popup', sdk: 'js' }, query));
    var version = app.version ? '/' + app.version : '';
    var popup = window.open(www + version + path + '?' + about, 'f' + call, 'popup,width=600,height=600');
    if (!popup) {
      console.error('The browser opened no pop-up: that takes a person who presses a button.');
      return callback(null);
    }
    // No event tells that a window of another site was closed by hand.
    var watch = setInterval(function () { if (popup.closed) setTimeout(end, 100, null); }, 200);
    var isOver = false;
    function end(answer) {
      if (isOver) return;
      isOver = true;
      clearInterval(watch);
      window.removeEventListener('message', hear);
      callback(answer);
    }
    function hear(event) {
      if (event.origin !== provider || event.source !== popup || !event.data || event.data.call !== call) return;
      var members = {};
      new URLSearchParams(event.data.answer).forEach(function (value, name) { members[name] = value; });
      end(members);
    }
    window.addEventListener('message', hear);
  }

  var LOGIN_OPTIONS = ['scope', 'perms', 'auth_type', 'auth_nonce', 'return_scopes', 'display', 'enable_profile_selector', 'profile_selector_ids'];

  function login(callback, options) {
    if (typeof callback === 'object') { var swapped = callback; callback = options; options = swapped; }
    callback = callback || function () {};
    options = options || {};
    if (!app.id) return console.error('FB.login() called before calling FB.init().');
    Object.keys(options).forEach(function (name) {
      if (LOGIN_OPTIONS.indexOf(name) < 0) unplayed('FB.login: the option ' + name);
    });
    if (options.perms && !options.scope && !bySession()) console.warn('FB.login: perms is of sessions; it is called scope now.');
    var query = { scope: options.scope || options.perms || '', auth_type: options.auth_type, auth_nonce: options.auth_nonce };
    if (options.return_scopes) query.return_scopes = 'true';
    dialog('/dialog/oauth', query, function (answer) {
      var more = options.return_scopes && answer ? { grantedScopes: answer.granted_scopes || '' } : {};
      var given = answer && answer.access_token;
      ask(given || token(now)).then(function () {
        if (given) return callback(told(more));
        // Whoever says no is signed in there, even where the browser lets no other page know.
        if (answer && answer.error === 'access_denied' && now.status === 'unknown') {
          become({ status: 'not_authorized', response: null, session: null, granted: [] });
        }
        // Nothing came of it: whoever was signed in stays so, but this was no login.
        callback(bySession() ? Object.assign(told(), { session: null, perms: null }) : { status: now.status, authResponse: null });
      });
    });
  }

  function logout(callback) {
    callback = callback || function () {};
    var shown = token(now);
    if (!shown) {
      console.error('FB.logout() called without an access token.');
      return callback(told());
    }
    var body = new URLSearchParams({ client_id: app.id, access_token: shown });
    var over = function () {
      become({ status: 'unknown', response: null, session: null, granted: [] });
      callback(told());
    };
    fetch(www + '/x/oauth/logout', { method: 'POST', body: body, credentials: 'include' }).then(over, over);
  }

