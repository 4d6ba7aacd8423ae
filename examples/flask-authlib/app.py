"""A small site with "Log in with …": Flask, its own session and Authlib, used as their documentation says."""

import os
import secrets
import sys

from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, redirect, render_template_string, request, session, url_for
from waitress import serve

NEEDED = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "BASE_URL", "PORT")
for name in NEEDED:
    if not os.environ.get(name):
        sys.exit(f"{name} is not set")
ISSUER, CLIENT_ID, CLIENT_SECRET, BASE_URL, PORT = (os.environ[name] for name in NEEDED)

app = Flask(__name__)
app.config.update(SECRET_KEY=secrets.token_hex(32), SESSION_COOKIE_NAME="session", SESSION_COOKIE_SAMESITE="Lax")

oauth = OAuth(app)
# Discovered at the first login and kept until the process ends.
provider = oauth.register(
    name="provider",
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "default_timeout": 5},
)

# Flask escapes what it fills into a template that is given as text.
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{{ title }}</title><h1>{{ title }}</h1>
{% if text %}<p>{{ text }}</p>{% endif %}
{% if user %}
<dl>{% for field in ("name", "email", "picture") if user[field] %}<dt>{{ field }}</dt><dd>{{ user[field] }}</dd>{% endfor %}</dl>
<form method="post" action="/logout"><button>Log out</button></form>
{% else %}<p><a href="/login">Log in</a></p>{% endif %}
</html>"""


def page(title, text="", status=200):
    """A page of this site for whoever is signed in."""
    return render_template_string(PAGE, title=title, text=text, user=session.get("user")), status


def own_path(target):
    """Only paths of this site: a browser reads //host, /\\host and both with a tab in between as another site."""
    outside = target[1:2] in ("/", "\\") or any(ord(character) < 0x20 for character in target)
    return target if target.startswith("/") and not outside else "/"


@app.after_request
def not_stored(response):
    """Pages show who is signed in, so nobody keeps them."""
    response.headers["Cache-Control"] = "no-store"
    return response


@app.get("/healthz")
def healthz():
    return jsonify(ready=True)


@app.get("/")
def home():
    return page("Your account" if "user" in session else "Welcome")


@app.get("/me")
def me():
    if "user" not in session:
        return jsonify(error="nobody is signed in"), 401
    return jsonify({**session["user"], "account": session["user"]["sub"]})


@app.get("/login")
def login():
    answer = provider.authorize_redirect(BASE_URL + url_for("callback"))
    session["return_to"] = own_path(request.args.get("return_to", "/"))
    return answer


@app.get("/callback")
def callback():
    try:
        token = provider.authorize_access_token()
        info = provider.userinfo(token=token)
        user = {"sub": token["userinfo"]["sub"], **{field: info.get(field) for field in ("name", "email", "picture")}}
    except Exception as error:  # Whatever the library raised: nobody is signed in.
        app.logger.error("login failed: %s", type(error).__name__)
        return page("That did not work", "This login was not finished.", 400)
    session["user"] = user
    return redirect(session.pop("return_to", "/"))


@app.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("home"))


@app.errorhandler(Exception)
def failed(error):
    """Whatever a view raised, the provider being away among it."""
    status = getattr(error, "code", None)
    if isinstance(status, int):
        return page("That did not work", "There is no such page.", status)
    app.logger.error("failed: %s", type(error).__name__)
    return page("That did not work", "The provider cannot be used at the moment.", 502)


if __name__ == "__main__":
    serve(app, host="127.0.0.1", port=int(PORT), threads=16)
