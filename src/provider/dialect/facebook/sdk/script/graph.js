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

  // The REST API of before the Graph: api({ method: 'users.getInfo', … }, callback). Its numbers come as texts, since people's
  // are longer than a number of a script.
  function oldApi(query, callback) {
    var all = Object.assign({ api_key: app.id, format: 'json-strings', v: '1.0' }, query);
    if (!all.access_token && token(now)) all.access_token = token(now);
    byScript(rest + '/restserver.php?' + parameters(all), callback);
  }

  // api(path, [method], [parameters], callback), whatever is left out.
  function api(path) {
    var method = 'get', query = {}, callback = function () {};
    Array.prototype.slice.call(arguments, 1).forEach(function (argument) {
      if (typeof argument === 'string') method = argument.toLowerCase();
      else if (typeof argument === 'function') callback = argument;
      else if (argument) query = argument;
    });
    if (typeof path !== 'string' && settings.style === 'connect') return oldApi(path || {}, callback);
    if (typeof path !== 'string') {
      unplayed('FB.api: the method ' + (path && path.method) + ' of the old REST API');
      return callback({ error_code: 3, error_msg: 'Unknown method' });
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
    // In the body, so that the token is part of no address; `method` says what is meant.
    var body = new URLSearchParams(parameters(Object.assign({ method: method }, all)));
    fetch(url, { method: 'POST', body: body })
      .then(function (answer) { return answer.json(); })
      .catch(unreachable)
      .then(callback);
  }

  // --- dialogs -----------------------------------------------------------------------------------------------------

  function ui(about, callback) {
    callback = callback || function () {};
    if (!app.id) return console.error('FB.ui() called before calling FB.init().');
    var query = Object.assign({}, about);
    var method = query.method;
    delete query.method;
    delete query.display;
    if (/^(oauth|permissions\.(request|oauth))$/.test(method)) return login(callback, query);
    if (['share', 'feed', 'stream.publish'].indexOf(method) < 0) {
      unplayed('FB.ui: the dialog ' + method);
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

