"""Judges the simulator with MSAL Python: ORIGIN CA.pem"""

import sys
import threading
import urllib.parse
import warnings
import webbrowser

import msal
import requests

from simulator import ADA, CLIENT, GWEN, TENANT, UNKNOWN_CLIENT, VAULT, Simulator, check, finish, hidden_fields

SCOPES = ["User.Read"]
REDIRECT = "http://localhost:8400"

origin, ca = sys.argv[1:3]
sim = Simulator(origin, ca)
# All three response modes are tried, also those that MSAL advises against.
warnings.filterwarnings("ignore", message=".*response_mode=.*")


def application(client=CLIENT, authority=sim.authority, **options):
    return msal.PublicClientApplication(
        client, authority=authority, instance_discovery=False, verify=ca, timeout=10, **options
    )


def sign_in(app, user=ADA, scopes=SCOPES):
    flow = app.initiate_device_flow(scopes=scopes)
    sim.approve(flow["user_code"], user)
    return app.acquire_token_by_device_flow(flow)


def refresh(app, scopes=SCOPES, **options):
    account = app.get_accounts()[0]
    return app.acquire_token_silent_with_error(scopes, account=account, force_refresh=True, **options) or {}


def device_code():
    cache = msal.SerializableTokenCache()
    app = application(token_cache=cache)
    check("authority discovered", app.authority.tenant == TENANT)
    flow = app.initiate_device_flow(scopes=SCOPES)
    check("device code issued", flow.get("user_code", "") in flow.get("message", ""), flow)
    check("interval told", flow.get("interval") == 1, flow.get("interval"))
    sim.approve_after_a_poll(flow["user_code"])
    result = app.acquire_token_by_device_flow(flow)
    check("device code sign-in after a pending poll", "access_token" in result, result.get("error_description"))
    claims = result.get("id_token_claims", {})
    check("id_token names the account", claims.get("preferred_username") == ADA, claims)
    account = app.get_accounts()[0]
    check("home account", account["home_account_id"] == f"{claims['oid']}.{claims['tid']}", account)

    before = sim.count("refresh")
    cached = app.acquire_token_silent_with_error(SCOPES, account=account)
    check("silent from cache", cached.get("access_token") == result["access_token"])
    check("cache asks nobody", sim.count("refresh") == before)
    first, second = refresh(app), refresh(app)
    check("forced refresh", first.get("access_token") not in (None, result["access_token"]), first)
    check("second refresh", second.get("access_token") not in (None, first.get("access_token")), second)
    sent = [request["form"]["refresh_token"] for request in sim.requests("refresh")[-2:]]
    check("rotated refresh token was stored", sent[0] != sent[1], sent)
    vault = refresh(app, [VAULT])
    check("another resource by the same refresh token", "access_token" in vault, vault)

    sim.control("POST", "options", strict_rotation=True)
    both = refresh(app), refresh(app)
    check("strict rotation", all("access_token" in result for result in both), both)
    sim.control("POST", "options", strict_rotation=False)

    again = application(token_cache=msal.SerializableTokenCache())
    again.token_cache.deserialize(cache.serialize())
    check("a new process with the saved cache", "access_token" in refresh(again))


def refusals():
    app = application()
    flow = app.initiate_device_flow(scopes=SCOPES)
    sim.decline(flow["user_code"])
    result = app.acquire_token_by_device_flow(flow)
    check("declined", result.get("error") == "authorization_declined", result)

    flow = app.initiate_device_flow(scopes=SCOPES)
    sim.control("POST", "clock", advance=901)
    result = app.acquire_token_by_device_flow(flow)
    check("expired", (result.get("error"), result.get("error_codes")) == ("expired_token", [70020]), result)

    flow = application(UNKNOWN_CLIENT).initiate_device_flow(scopes=SCOPES)
    found = (flow.get("error"), flow.get("error_codes"))
    check("unknown client", found == ("unauthorized_client", [700016]), flow)
    flow = app.initiate_device_flow(scopes=["https://a.example/.default", "https://b.example/.default"])
    check("two resources", flow.get("error") == "invalid_scope", flow)
    try:
        application(authority=f"{origin}/00000000-0000-0000-0000-000000000bad")
        check("unknown tenant", False, "accepted")
    except ValueError:
        check("unknown tenant", True)

    sign_in(app)
    challenge = '{"access_token":{"acrs":{"essential":true,"values":["p1"]}}}'
    refusal = {"kind": "refuse", "error": "invalid_grant", "code": 50076, "suberror": "basic_action", "claims": challenge}
    sim.control("POST", "faults", leg="refresh", actions=[refusal])
    result = refresh(app)
    check("claims challenge in a refusal", result.get("claims") == challenge, result)
    check("suberror", result.get("classification", result.get("suberror")) == "basic_action", result)
    # Another scope, because MSAL remembers a refusal of the same request for a while.
    check("the refresh token survives a refusal", "access_token" in refresh(app, [VAULT]))
    sim.control("POST", "revoke", user=ADA)
    result = refresh(app, ["https://storage.azure.com/.default"])
    check("revoked", (result.get("error"), result.get("error_codes")) == ("invalid_grant", [50173]), result)


def accounts():
    app = application()
    result = sign_in(app, GWEN)
    claims, account = result["id_token_claims"], app.get_accounts()[0]
    check("guest is in this tenant", claims["tid"] == TENANT, claims)
    check("guest is at home elsewhere", not account["home_account_id"].endswith(TENANT), account)
    result = sign_in(application(authority=f"{origin}/organizations"))
    check("organizations", result.get("id_token_claims", {}).get("tid") == TENANT, result.get("error_description"))
    result = sign_in(application(client_capabilities=["CP1"]))
    check("long life for cp1", result.get("expires_in") == 86400, result.get("expires_in"))


def browser():
    app = application()
    for mode in ["query", "fragment", "form_post"]:
        flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT, response_mode=mode)
        answer = sim.press(flow["auth_uri"])
        if mode == "form_post":
            back = dict(hidden_fields(answer.text))
        else:
            address = urllib.parse.urlsplit(answer.headers["location"])
            back = dict(urllib.parse.parse_qsl(address.query or address.fragment))
        result = app.acquire_token_by_auth_code_flow(flow, back)
        check(f"authorization code with PKCE, {mode}", "access_token" in result, result)
    check("refresh after authorization code", "access_token" in refresh(app))
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=REDIRECT)
    location = sim.press(flow["auth_uri"], ("sim_decline", "1")).headers["location"]
    back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
    result = app.acquire_token_by_auth_code_flow(flow, back)
    check("declined in the browser", result.get("error") == "access_denied", result)

    class Browser(webbrowser.BaseBrowser):
        def open(self, url, new=0, autoraise=True):
            # MSAL serves its listener only after this returns.
            threading.Thread(target=sim.follow, args=[url], daemon=True).start()
            return True

    webbrowser.register("simulated", None, Browser("simulated"), preferred=True)
    result = application().acquire_token_interactive(SCOPES, timeout=20)
    check("interactive by MSAL's own listener", "access_token" in result, result)


def transport():
    try:
        # Without verify=, and so without the CA.
        msal.PublicClientApplication(CLIENT, authority=sim.authority, instance_discovery=False, timeout=10)
        check("a certificate of nobody is refused", False, "accepted")
    except requests.exceptions.SSLError:
        check("a certificate of nobody is refused", True)


for part in (transport, device_code, refusals, accounts, browser):
    part()
    sim.control("DELETE", "state")
finish()
