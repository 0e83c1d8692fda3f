"""Asks Microsoft's and Anthropic's libraries for Python, as a program does: one line of standard input a question.

A line is `KIND SCOPE`; each answer is one JSON line with the milliseconds that the library took. KIND `model` asks a model of
Foundry at ANTHROPIC_FOUNDRY_BASE_URL three times, and every other a credential.
"""

import json
import os
import sys
import time

from azure.identity import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    get_bearer_token_provider,
)

CREDENTIALS = {
    "mi": ManagedIdentityCredential,
    "dac": DefaultAzureCredential,
    "az": AzureCliCredential,
    "azd": AzureDeveloperCliCredential,
}


def ask(kind, scope):
    if kind == "model":
        return {"text": model(scope)}
    token = CREDENTIALS[kind]().get_token(scope)
    return {"token": token.token, "left": token.expires_on - int(time.time())}


def model(scope):
    from anthropic import AnthropicFoundry

    client = AnthropicFoundry(
        base_url=os.environ["ANTHROPIC_FOUNDRY_BASE_URL"],
        azure_ad_token_provider=get_bearer_token_provider(DefaultAzureCredential(), scope),
        max_retries=0,
    )
    question = {"model": "a-model", "max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}
    return [client.messages.create(**question).content[0].text for _ in range(3)][-1]


for line in sys.stdin:
    kind, scope = line.split()
    begun = time.perf_counter()
    try:
        answer = {"ok": True} | ask(kind, scope)
    except Exception as error:  # noqa: BLE001 - whatever a library throws is its answer
        answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
    answer["ms"] = round((time.perf_counter() - begun) * 1000, 2)
    print(json.dumps({"sdk": "python", "kind": kind, "scope": scope} | answer), flush=True)
