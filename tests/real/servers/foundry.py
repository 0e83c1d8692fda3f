"""A stand-in for a Foundry resource: a model that says one sentence to whoever brings a token for it.

usage: foundry.py LOG
POST …/v1/messages as JSON or as a stream. Two audiences are good: the SDKs' READMEs name one, Claude Code asks for the other.
"""

import json

import loopback

AUDIENCES = ("https://ai.azure.com", "https://cognitiveservices.azure.com")
TEXT = "The stand-in for Foundry says hello."


class Foundry(loopback.Exchange):
    """A request to the model."""

    def do_POST(self):
        asked = json.loads(self.body() or b"{}")
        token = loopback.bearer(self.headers.get("Authorization"))
        faults = [loopback.fault_of(token or "", audience) for audience in AUDIENCES]
        fault = None if None in faults else faults[0]
        self.note(fault=fault, agent=self.headers.get("User-Agent"), key=self.headers.get("x-api-key"))
        if fault:
            return self.refuse(401, "authentication_error", f"The token is not good: {fault}.")
        if not self.path.partition("?")[0].endswith("/v1/messages"):
            return self.refuse(404, "not_found_error", "There is no such path.")
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked.get("model", "a-model"),
            "content": [{"type": "text", "text": TEXT}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 8},
        }
        if asked.get("stream"):
            return self.reply(200, streamed(message), form="text/event-stream")
        return self.reply(200, message)

    do_GET = do_HEAD = do_POST

    def refuse(self, status, kind, message):
        self.reply(status, {"type": "error", "error": {"type": kind, "message": message}})


def streamed(message):
    """The same message in the pieces of a stream of events."""
    usage = {"output_tokens": message["usage"]["output_tokens"]}
    events = [
        {"type": "message_start", "message": message | {"content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


loopback.serve(Foundry)
