# The doctor where no packet comes back: names hang, connections hang, and it ends all the same.
#
# To be sourced after network.sh.
# shellcheck shell=bash

black_hole() {
    cuts_begin
    # What leaves is never answered, which takes longer than a refusal.
    nft add chain inet cut arriving '{ type filter hook input priority 0; }'
    nft add rule inet cut arriving drop
    # What a session's variables are to the daemon that is run for the doctor.
    program_environment+=(ENTRAD_STORE=passphrase ENTRAD_PASSPHRASE_FILE="$work/passphrase")
    look "with the daemon" 6
    check "with the daemon: names are the cause" failed_first network.dns
    daemon_end
    look "without the daemon" 7
    check "without the daemon: names are the cause" failed_first client.daemon network.dns
    # The resolver knows the names by heart, so that it is the connections that hang.
    printf '%s %s\n' "$entra_address" "${authority#https://}" "$entra_address" acme.services.ai.azure.com >>/etc/hosts
    daemon_begin
    look "with the daemon, names known" 6
    check "with the daemon, names known: connections are the cause" failed_first network.connection
    daemon_end
    look "without the daemon, names known" 7
    check "without the daemon, names known: connections are the cause" failed_first client.daemon network.connection
}

look() { # NAME STATUS
    local tries=$slack
    # What other programs held up is told as not known in time. Where nothing else runs there is one try.
    until
        entra doctor --json --foundry acme
        knows_account || ((--tries <= 0))
    do :; done
    told "$1: the doctor took $took ms."
    check "$1: the exit status says the first that failed" ended "$2"
    check "$1: within 10 s" took_less_than 10000
    check "$1: no check took longer than its limit" holds '[.checks[] | select(.took_ms > .limit_ms + $second)] == []'
    check "$1: no limit is above 8 s" holds '[.checks[] | select(.limit_ms > 8000)] == []'
    check "$1: the account is known" knows_account
}

knows_account() { holds 'any(.checks[]; .name == "account.health" and .result == "good")'; }

failed_first() { # NAMES..., each once
    local names
    names=$(printf '%s\n' "$@" | jq --raw-input --slurp 'split("\n")[:-1]')
    holds --argjson names "$names" \
        '[.checks[] | select(.result == "failed") | .name] | reduce .[] as $name ([]; if index($name) then . else . + [$name] end) == $names'
}
