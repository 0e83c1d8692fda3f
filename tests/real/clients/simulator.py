"""The simulator as the checks see it, and the one way they report.

A check prints PASS or FAIL with its name; after a FAIL the program exits with 1.
"""

import html
import re
import sys
import threading
import time
import urllib.parse

import requests

TENANT = "99999999-8888-7777-6666-555555555555"
CLIENT = "00000000-0000-0000-0000-00000000c11e"
UNKNOWN_CLIENT = "00000000-0000-0000-0000-000000000bad"
ADA = "ada@example.com"
GWEN = "gwen@partner.example"
VAULT = "https://vault.azure.net/.default"
LIMIT = 30  # seconds; the longest any wait in these checks may take

_failures = []


def check(name, passed, note=""):
    """Reports one check."""
    if not passed:
        _failures.append(name)
    print(f"{'PASS' if passed else 'FAIL'} {name}{'' if passed or not note else f': {note}'}", flush=True)


def finish():
    """Ends the program with the outcome of all checks."""
    sys.exit(1 if _failures else 0)


def hidden_fields(page):
    """The hidden fields of the form on a page."""
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return [(html.unescape(name), html.unescape(value)) for name, value in fields]


class Simulator:
    """The control interface."""

    def __init__(self, origin, ca):
        self.origin = origin
        self.authority = f"{origin}/{TENANT}"
        self.ca = ca
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca

    def control(self, method, path, **body):
        """Calls the control interface and returns its answer."""
        answer = self._session.request(method, f"{self.origin}/_sim/{path}", json=body or None, timeout=LIMIT)
        answer.raise_for_status()
        return answer.json()

    def approve(self, user_code, user=ADA):
        self.control("POST", "approve", user_code=user_code, user=user)

    def decline(self, user_code):
        self.control("POST", "decline", user_code=user_code)

    def requests(self, leg):
        return self.control("GET", f"requests?leg={leg}")

    def count(self, leg):
        return len(self.requests(leg))

    def approve_after_a_poll(self, user_code):
        """Approves in the background once the client has polled and been told to wait."""
        polls = self.count("poll")

        def wait_and_approve():
            deadline = time.monotonic() + LIMIT
            while self.count("poll") == polls and time.monotonic() < deadline:
                time.sleep(0.05)
            self.approve(user_code)

        threading.Thread(target=wait_and_approve, daemon=True).start()

    def press(self, url, button=("sim_user", ADA)):
        """Does what a person in a browser does at an authorization URL; returns the answer to the last form."""
        page = self._session.get(url, timeout=LIMIT)
        page.raise_for_status()
        address = urllib.parse.urlsplit(url)._replace(query="").geturl()
        form = hidden_fields(page.text) + [button]
        return self._session.post(address, data=form, allow_redirects=False, timeout=LIMIT)

    def follow(self, url):
        """Presses the button and goes on to the client's own listener, by redirect or by the page's form."""
        answer = self.press(url)
        direct = {"timeout": LIMIT, "proxies": {"http": ""}}
        if answer.is_redirect:
            requests.get(answer.headers["location"], **direct)
        else:
            address = re.search(r'action="([^"]*)"', answer.text).group(1)
            requests.post(html.unescape(address), data=hidden_fields(answer.text), **direct)
