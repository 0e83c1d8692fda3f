"""Judges the simulator with azure-identity: ORIGIN CA.pem"""

import logging
import sys
import time

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AuthenticationRequiredError, DeviceCodeCredential

from simulator import ADA, CLIENT, TENANT, UNKNOWN_CLIENT, VAULT, Simulator, check, finish

ARM = "https://management.azure.com//.default"

# The library warns of every refusal; here they are wanted.
logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
origin, ca = sys.argv[1:3]
sim = Simulator(origin, ca)


def credential(answer, client=CLIENT, **options):
    return DeviceCodeCredential(
        client_id=client,
        tenant_id=TENANT,
        authority=origin,
        disable_instance_discovery=True,
        prompt_callback=lambda uri, code, expires: answer(code),
        connection_verify=ca,
        timeout=30,
        **options,
    )


def refused(credential):
    try:
        credential.get_token(ARM)
        return ""
    except ClientAuthenticationError as error:
        return str(error)


ada = credential(sim.approve_after_a_poll)
first = ada.get_token(ARM)
check("device code sign-in", bool(first.token))
check("life", 3500 < first.expires_on - time.time() < 5400, first.expires_on)
check("cached", ada.get_token(ARM).token == first.token)
vault = ada.get_token(VAULT)
check("another resource without a prompt", vault.token != first.token and len(sim.control("GET", "codes")) == 1)
long = ada.get_token(ARM, enable_cae=True)
check("a long life by enable_cae", long.expires_on - time.time() > 80000, long.expires_on)

record = credential(sim.approve).authenticate(scopes=[ARM])
check("authentication record", (record.username, record.tenant_id) == (ADA, TENANT), record.serialize())

declined = refused(credential(sim.decline))
check("declined", "denied" in declined, declined)
check("unknown client", "AADSTS700016" in refused(credential(sim.approve, UNKNOWN_CLIENT)))

silent = credential(sim.approve, disable_automatic_authentication=True)
silent.authenticate(scopes=[ARM])
sim.control("POST", "revoke", all=True)
try:
    silent.get_token(VAULT)
    check("revoked asks for a new sign-in", False, "a token")
except AuthenticationRequiredError:
    check("revoked asks for a new sign-in", True)

finish()
