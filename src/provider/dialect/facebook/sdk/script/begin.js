  // --- beginning ---------------------------------------------------------------------------------------------------

  function init(options) {
    options = options || {};
    var isLogin = settings.style === 'login';
    if (app.id) console.warn('FB.init has already been called - this could indicate a problem');
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
    __answers: answers
  };
  function each(names, place, member) {
    names.split(' ').forEach(function (name) { place[name] = member(name); });
  }
  // Nobody counts anything here.
  window.FB.AppEvents = { EventNames: {}, ParameterNames: {} };
  each('activateApp clearUserID getUserID logEvent logPageView logPurchase setAppVersion setUserID updateUserProperties', window.FB.AppEvents,
    function () { return function () {}; });
  // What pages may call beside that, and what is said then.
  function refusing(path) {
    return function (name) { return function () { unplayed(path + name); }; };
  }
  each('addFriend bookmark publish share', window.FB, refusing('FB.'));
  window.FB.Canvas = {};
  each('getHash getPageInfo scrollTo setAutoGrow setAutoResize setDoneLoading setHash setSize setUrlHandler startTimer stopTimer',
    window.FB.Canvas, refusing('FB.Canvas.'));
  window.FB.Data = {};
  each('process query waitOn', window.FB.Data, refusing('FB.Data.'));

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
