"""What facebook-sdk (PyPI), whose code is not ours, makes of a running facebook-connect: its answers as JSON on stdout.

argv: base address, app id, secret, redirect URI, user name, password, fbsr cookie, signed_request.
"""

import json
import re
import sys
from urllib.parse import parse_qs, urlparse

import facebook
import requests

base, app, secret, redirect_uri, login, password, fbsr, sealed = sys.argv[1:]
facebook.FACEBOOK_GRAPH_URL = base + "/graph/"
facebook.FACEBOOK_WWW_URL = base + "/www/"


def code(perms):
    """The person's side, as a browser would: she signs in and allows everything."""
    browser = requests.Session()
    url = facebook.GraphAPI().get_auth_url(app, redirect_uri, perms=perms)

    def transaction(page):
        return re.search(r'name="transaction" value="([^"]*)"', page.text).group(1)

    page = browser.get(url)
    here = base + "/graph/oauth/authorize"
    form = {"transaction": transaction(page), "username": login, "password": password}
    page = browser.post(here + "/login", data=form)
    form = {"transaction": transaction(page), "decision": "allow"}
    back = browser.post(here + "/consent", data=form, allow_redirects=False)
    return parse_qs(urlparse(back.headers["location"]).query)["code"][0]


def error(call):
    try:
        call()
    except facebook.GraphAPIError as wrong:
        return {"type": wrong.type, "message": wrong.message}


token = facebook.GraphAPI().get_access_token_from_code(
    code(["publish_stream", "read_stream", "user_work_history", "user_likes"]), redirect_uri, app, secret
)
graph = facebook.GraphAPI(token["access_token"])
post = graph.put_object("me", "feed", message="From the oracle", link="http://portal.example/1")
print(
    json.dumps(
        {
            "expires": token["expires"],
            "app_token": facebook.GraphAPI().get_app_access_token(app, secret),
            "me": graph.get_object("me"),
            "some": graph.get_object("me", fields="id,name"),
            "friends": graph.get_connections("me", "friends")["data"],
            "likes": [like["name"] for like in graph.get_all_connections("me", "likes", limit=2)],
            "permissions": graph.request("me/permissions")["data"],
            "post": post["id"],
            "read": graph.get_object(post["id"])["message"],
            "deleted": graph.delete_object(post["id"]),
            "duplicate": error(lambda: [graph.put_object("me", "feed", message="Twice") for _ in range(2)]),
            "forged": error(lambda: facebook.GraphAPI("forged").get_object("me")),
            "cookie": facebook.get_user_from_cookie({"fbsr_" + app: fbsr}, app, secret),
            "foreign_cookie": facebook.get_user_from_cookie({"fbsr_" + app: fbsr}, app, "another secret"),
            "sealed": facebook.parse_signed_request(sealed, secret),
            "foreign": facebook.parse_signed_request(sealed, "another secret"),
        }
    )
)
