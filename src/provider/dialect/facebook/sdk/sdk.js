// The JavaScript SDK that partners' pages load from the provider: our own, small, for the pages of both eras. It has what a
// login needs: who is signed in, the pop-ups, calls of the Graph API, events, cookies, the login button.
//
// Three ways of speaking: 'session' (Connect of 2010), 'oauth' (Connect with oauth: true, from 2011 on), 'login' (today).
// The provider puts its settings behind this expression: the style, and the names of its hosts.
(function (settings) {
  'use strict';
  if (window.FB) return;

  // --- where the provider is ---------------------------------------------------------------------------------------

  var scripts = document.querySelectorAll('script[src*="/all.js"], script[src*="/sdk.js"]');
  var here = new URL((document.currentScript || scripts[scripts.length - 1]).src, location.href);
  // Under its real names each host is its own, and browsers know that these are asked over https alone; else all are paths
  // below the issuer.
  var byName = here.hostname === settings.hosts.script;
  function place(name) {
    if (byName) return 'https://' + settings.hosts[name] + (here.port ? ':' + here.port : '');
    return here.origin + here.pathname.replace(/(\/connect)?\/[a-z]+_[A-Z]+\/(all|sdk)\.js$/, '') + '/' + name;
  }
  var www = place('www');
  var graph = place('graph');
  var provider = new URL(www).origin;

  // --- what is known -----------------------------------------------------------------------------------------------

  var app = { id: '', cookie: false, oauth: settings.style === 'login', storage: false, version: '' };
  // status: 'connected', 'not_authorized' or 'unknown'; response: authResponse; session: that of 2010.
  var now = { status: 'unknown', response: null, session: null, granted: [] };
  var isKnown = false;
  var waiting = null;
  var calls = 0;

  function bySession() { return !app.oauth; }
  function token(state) {
    if (bySession()) return state.session ? state.session.access_token : '';
    return state.response ? state.response.accessToken : '';
  }
  function user(state) {
    if (bySession()) return state.session ? state.session.uid : '';
    return state.response ? state.response.userID : '';
  }

  // What a callback is given.
  function told(more) {
    if (bySession()) {
      var status = now.status === 'not_authorized' ? 'notConnected' : now.status;
      var perms = now.granted.filter(function (name) { return name !== 'basic'; }).join(',');
      return { status: status, session: now.session, perms: now.session ? perms : null };
    }
    var response = now.response && Object.assign({}, now.response, more);
    return { status: now.status, authResponse: response };
  }

  function parameters(all) {
    var query = new URLSearchParams();
    Object.keys(all).forEach(function (name) {
      var value = all[name];
      if (value === undefined || value === null) return;
      query.append(name, typeof value === 'string' ? value : JSON.stringify(value));
    });
    return query.toString();
  }

  // --- events ------------------------------------------------------------------------------------------------------

  var listeners = {};
  var Event = {
    subscribe: function (name, listener) {
      (listeners[name] = listeners[name] || []).push(listener);
    },
    unsubscribe: function (name, listener) {
      listeners[name] = (listeners[name] || []).filter(function (own) { return own !== listener; });
    }
  };
  function fire(name, about) {
    (listeners[name] || []).slice().forEach(function (listener) { listener(about); });
  }

  // Takes what is known from now on, and tells whoever listens what has changed.
  function become(next) {
    var before = now;
    now = next;
    isKnown = true;
    writeCookies();
    if (!bySession()) remember(token(now));
    var response = told();
    var changed = token(before) !== token(now);
    if (before.status !== now.status) fire('auth.statusChange', response);
    if (!user(before) && user(now)) fire('auth.login', response);
    if (user(before) && !user(now)) fire('auth.logout', response);
    if (changed) fire(bySession() ? 'auth.sessionChange' : 'auth.authResponseChange', response);
    drawAll(document);
  }

  // --- cookies of the page's own site ------------------------------------------------------------------------------

  function domain() {
    var isName = location.hostname.indexOf('.') > 0 && !/^[\d.]+$/.test(location.hostname);
    return isName ? '.' + location.hostname : '';
  }
  function setCookie(name, value, expires) {
    var own = domain();
    document.cookie = name + '=' + value + '; path=/' + (own ? '; domain=' + own : '') +
      (expires ? '; expires=' + new Date(expires * 1000).toUTCString() : '');
  }
  function writeCookies() {
    if (!app.cookie) return;
    if (bySession()) {
      if (!now.session) return setCookie('fbs_' + app.id, '', 1);
      var names = Object.keys(now.session).filter(function (name) { return name !== 'sig'; }).sort().concat('sig');
      var pairs = names.map(function (name) { return name + '=' + encodeURIComponent(now.session[name]); });
      return setCookie('fbs_' + app.id, '"' + pairs.join('&') + '"', now.session.expires);
    }
    if (!now.response) return setCookie('fbsr_' + app.id, '', 1);
    setCookie('fbsr_' + app.id, now.response.signedRequest, 0);
    setCookie('fbm_' + app.id, 'base_domain=' + domain(), 0);
  }
  // From one visit to the next the page's own storage keeps the token: browsers hold back the provider's cookie from pages
  // of other sites more and more.
  function remember(shown) {
    if (!app.storage) return;
    try {
      if (shown) localStorage.setItem('fb_sdk_' + app.id, shown);
      else localStorage.removeItem('fb_sdk_' + app.id);
    } catch (refused) { app.storage = false; }
  }
  function remembered() {
    try { return app.storage ? localStorage.getItem('fb_sdk_' + app.id) : null; } catch (refused) { return null; }
  }
  function readSession() {
    var found = document.cookie.match('(?:^|; )fbs_' + app.id + '="?([^;"]*)');
    if (!found || !found[1]) return null;
    var session = {};
    new URLSearchParams(found[1]).forEach(function (value, name) { session[name] = value; });
    session.expires = Number(session.expires);
    var isOver = session.expires !== 0 && session.expires * 1000 < Date.now();
    return session.access_token && !isOver ? session : null;
  }

  // --- who is signed in --------------------------------------------------------------------------------------------

  function ask(shown) {
    var query = parameters({ client_id: app.id, access_token: shown || undefined });
    return fetch(www + '/x/oauth/status?' + query, { credentials: 'include' })
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
    if (!popup) return callback(null);
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

  function login(callback, options) {
    if (typeof callback === 'object') { var swapped = callback; callback = options; options = swapped; }
    callback = callback || function () {};
    options = options || {};
    if (!app.id) return console.error('FB.login() called before calling FB.init().');
    var query = { scope: options.scope || options.perms || '', auth_type: options.auth_type, auth_nonce: options.auth_nonce };
    if (options.return_scopes) query.return_scopes = 'true';
    dialog('/dialog/oauth', query, function (answer) {
      var more = options.return_scopes && answer ? { grantedScopes: answer.granted_scopes || '' } : {};
      var given = answer && answer.access_token;
      ask(given || token(now)).then(function () {
        if (given) return callback(told(more));
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

  // --- the Graph API -----------------------------------------------------------------------------------------------

  var answers = {};
  // A script of another site was the only way in 2010: the answer calls a function of the page.
  function byScript(url, callback) {
    var name = 'c' + (++calls);
    var element = document.createElement('script');
    var end = function (answer) {
      delete answers[name];
      element.remove();
      callback(answer);
    };
    answers[name] = end;
    element.onerror = function () { end(unreachable()); };
    element.src = url + '&callback=FB.__answers.' + name;
    document.head.appendChild(element);
  }
  function unreachable() {
    return { error: { type: 'http', message: 'the provider could not be asked', code: 1 } };
  }

  // api(path, [method], [parameters], callback), whatever is left out.
  function api(path) {
    var method = 'get', query = {}, callback = function () {};
    Array.prototype.slice.call(arguments, 1).forEach(function (argument) {
      if (typeof argument === 'string') method = argument.toLowerCase();
      else if (typeof argument === 'function') callback = argument;
      else if (argument) query = argument;
    });
    if (typeof path !== 'string') {
      return callback({ error_code: 3, error_msg: 'Only the Graph API can be called.' });
    }
    var parts = path.split('?');
    var all = Object.assign({}, Object.fromEntries(new URLSearchParams(parts[1] || '')), query);
    if (!all.access_token && token(now)) all.access_token = token(now);
    var clean = '/' + parts[0].replace(/^\//, '');
    var version = app.version && !/^\/v\d+\.\d+\//.test(clean) ? '/' + app.version : '';
    var url = graph + version + clean;
    if (settings.style === 'connect') {
      return byScript(url + '?' + parameters(Object.assign({ method: method }, all)), callback);
    }
    var isGet = method === 'get';
    var asked = isGet ? fetch(url + '?' + parameters(all)) : fetch(url, {
      method: 'POST', body: new URLSearchParams(parameters(Object.assign({ method: method }, all)))
    });
    asked.then(function (answer) { return answer.json(); }).catch(unreachable).then(callback);
  }

  // --- dialogs -----------------------------------------------------------------------------------------------------

  function ui(about, callback) {
    callback = callback || function () {};
    var query = Object.assign({}, about);
    var method = query.method;
    delete query.method;
    delete query.display;
    if (/^(oauth|permissions\.(request|oauth))$/.test(method)) return login(callback, query);
    if (['share', 'feed', 'stream.publish'].indexOf(method) < 0) {
      console.error('FB.ui: there is no dialog ' + method);
      return callback({ error_code: 3, error_message: 'Unknown method' });
    }
    if (query.attachment) {
      var media = (query.attachment.media || [])[0] || {};
      Object.assign(query, query.attachment, { link: query.attachment.href, picture: media.src, media: undefined, href: undefined });
      delete query.attachment;
    }
    dialog('/dialog/' + method, query, function (answer) {
      var isShared = answer && answer.post_id;
      if (settings.style === 'connect') return callback(isShared ? { post_id: answer.post_id } : null);
      callback(isShared ? [] : { error_code: 4201, error_message: 'User canceled the Dialog flow' });
    });
  }

  // --- the button --------------------------------------------------------------------------------------------------

  function attribute(element, name) {
    return element.getAttribute('data-' + name) || element.getAttribute(name.replace(/-/g, '')) || '';
  }
  function draw(element) {
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
          var onlogin = attribute(element, 'onlogin');
          if (onlogin) new Function('response', onlogin)(response);
        }, { scope: attribute(element, 'scope') || attribute(element, 'perms') });
      });
      element.appendChild(button);
    }
    button.textContent = isOut(element) ? 'Log out' : button.dataset.words;
  }
  function isOut(element) {
    return attribute(element, 'auto-logout-link') === 'true' && Boolean(user(now));
  }
  var isParsed = false;
  function drawAll(node) {
    if (isParsed) Array.prototype.forEach.call(node.querySelectorAll('fb\\:login-button, .fb-login-button'), draw);
  }
  function parse(node, callback) {
    isParsed = true;
    drawAll(node || document);
    fire('xfbml.render');
    if (callback) callback();
  }

  // --- beginning ---------------------------------------------------------------------------------------------------

  function init(options) {
    options = options || {};
    var isLogin = settings.style === 'login';
    if (isLogin && !/^v\d+\.\d+$/.test(options.version || '')) throw new Error('init not called with valid version');
    app.id = String(options.appId || options.apiKey || '');
    app.cookie = Boolean(options.cookie);
    app.oauth = isLogin || Boolean(options.oauth);
    app.storage = !bySession() && options.localStorage !== false;
    app.version = isLogin ? options.version : '';
    if (bySession()) {
      now.session = options.session || (app.cookie && readSession()) || null;
      if (now.session) now.status = 'connected';
    }
    if (options.status === undefined ? !isLogin : options.status) getLoginStatus();
    if (!options.xfbml) return;
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', function () { parse(); });
    else parse();
  }

  window.FB = {
    init: init,
    login: login,
    logout: logout,
    getLoginStatus: getLoginStatus,
    getAuthResponse: function () { return now.response; },
    getSession: function () { return now.session; },
    getAccessToken: function () { return token(now) || null; },
    getUserID: function () { return user(now); },
    api: api,
    ui: ui,
    Event: Event,
    XFBML: { parse: parse },
    // Nobody counts anything here.
    AppEvents: { logPageView: function () {}, logEvent: function () {} },
    __answers: answers
  };

  // The address of the script can say what init would be told: .../sdk.js#xfbml=1&version=v19.0&appId=1.
  var said = new URLSearchParams(here.hash.slice(1));
  setTimeout(function () {
    if (said.get('appId')) init({ appId: said.get('appId'), version: said.get('version'), xfbml: said.get('xfbml') === '1', status: true });
    if (typeof window.fbAsyncInit === 'function' && !window.fbAsyncInit.hasRun) {
      window.fbAsyncInit.hasRun = true;
      window.fbAsyncInit();
    }
  });
})
