// The JavaScript SDK that partners' pages load from the provider: our own, small, for the pages of both eras. It has what a
// login needs: who is signed in, the pop-ups, calls of the Graph API, events, cookies, the login button. What it does not
// play is named on the console, and never silently left out.
//
// It is one function in five files: this one (where the provider is, what is known, events, cookies), login.js, graph.js,
// markup.js and, last, begin.js.
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
  var rest = place('rest');
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

  // What this script does not play is said once, by its name.
  var named = {};
  function unplayed(what, more) {
    if (named[what]) return;
    named[what] = true;
    console.error(what + ' is not played by this SDK, a small one for testing logins' + (more || '') + '.');
  }

  // --- events ------------------------------------------------------------------------------------------------------

  var listeners = {};
  var Event = {
    subscribe: function (name, listener) {
      (listeners[name] = listeners[name] || []).push(listener);
    },
    unsubscribe: function (name, listener) {
      listeners[name] = (listeners[name] || []).filter(function (own) { return own !== listener; });
    },
    clear: function (name) { delete listeners[name]; }
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
    redraw();
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

