"""A box between entrad and Entra, for mitmproxy: does to answers what the file $FAULT says.

The file holds a word and how many answers it is for, such as `drop_answer 1`; without it everything passes. `drop_answer` lets the
request through and closes the connection instead of answering; all else is answered in Entra's place.
"""

import asyncio
import os
import pathlib

from mitmproxy import http

SLOW = 3  # seconds
PAGE = b"<!doctype html><title>Welcome to Hotel Wi-Fi</title><p>Please accept our terms."
HTML = {"content-type": "text/html"}


class Box:
    """Reads the file anew for each request."""

    def __init__(self):
        self._file = pathlib.Path(os.environ["FAULT"])

    async def request(self, flow):
        fault = self._take("drop_answer")
        if fault == "unavailable":
            flow.response = http.Response.make(503, b"<h1>Service Unavailable</h1>", HTML)
        elif fault == "throttle":
            flow.response = http.Response.make(429, b"{}", {"content-type": "application/json", "retry-after": "6"})
        elif fault == "page":
            flow.response = http.Response.make(200, PAGE, HTML)
        elif fault == "redirect":
            flow.response = http.Response.make(302, PAGE, HTML | {"location": "https://portal.hotel.test/terms"})
        elif fault == "slow":
            await asyncio.sleep(SLOW)

    def response(self, flow):
        if self._take("unavailable", "throttle", "page", "redirect", "slow") == "drop_answer":
            flow.kill()

    def _take(self, *others):
        """The fault, unless it is for another moment; one time of it is used up."""
        try:
            fault, times = self._file.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return None
        if fault in others:
            return None
        if int(times) > 1:
            self._file.write_text(f"{fault} {int(times) - 1}", encoding="ascii")
        else:
            self._file.unlink()
        return fault


addons = [Box()]
