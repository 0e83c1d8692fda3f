# A gateway that wants a certificate of ours: nginx in front of the simulator.
#
# To be sourced. It stands behind the cable in the simulator's place.
# shellcheck shell=bash

gateway_port=8443

certificate_wanted() {
    company_begin
    gateway_begin
    clients_begin
    local certificate=ENTRAD_CLIENT_CERTIFICATE=$work/client.pem key=ENTRAD_CLIENT_KEY
    program_environment=("$certificate" "$key=$work/client.key")
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    asks
    check "a token comes" gets_one
    check "with our certificate" was_shown "CN=A workstation"

    asks_with
    check "no certificate: it is said that one is wanted" \
        is_told_that 5 "${authority#https://} wants a client certificate." client_certificate
    explained_by_doctor network.connection "wants a client certificate"
    asks_with ENTRAD_CLIENT_CERTIFICATE="$work/stranger.pem" "$key=$work/stranger.key"
    check "one of a stranger: it is said that it is not taken" \
        is_told_that 5 "${authority#https://} does not take our client certificate." "still valid"
    explained_by_doctor network.connection "does not take our client certificate"
    asks_with ENTRAD_CLIENT_CERTIFICATE="$work/both.pem"
    check "certificate and key in one file" gets_one
    asks_with "$certificate" "$key=$work/sec1.key"
    check "a key in SEC1" gets_one
    asks_with ENTRAD_CLIENT_CERTIFICATE="$work/rsa.pem" "$key=$work/pkcs1.key"
    check "an RSA key in PKCS#1" gets_one
    asks_with "$certificate" "$key=$work/stranger.key"
    check "the key of another: both files are named" is_told_that 5 "does not belong to the first certificate in $work/client.pem." pair
    explained_by_doctor network.connection "does not belong"

    (umask 077 && echo s3cret >"$work/pass" && echo wrong >"$work/wrong")
    local file=ENTRAD_CLIENT_KEY_PASSPHRASE_FILE
    asks_with "$certificate" "$key=$work/sealed.key" "$file=$work/pass"
    check "an encrypted key with its passphrase in a file" gets_one
    asks_with "$certificate" "$key=$work/sealed.key" "$file=$work/wrong"
    check "a wrong passphrase" is_told_that 5 "The passphrase does not open the key in $work/sealed.key." client_key_passphrase_file
    explained_by_doctor network.connection "passphrase does not open"
    daemon_end
    explained_by_doctor network.connection "passphrase does not open"
    chmod 644 "$work/pass"
    asks_with "$certificate" "$key=$work/sealed.key" "$file=$work/pass"
    check "a file that others can read is refused" is_told_that 5 "lets other users read or write it" plain
    chmod 600 "$work/pass"

    asks_with "$certificate" "$key=$work/sealed.key"
    check "no passphrase at all" is_told_that 5 "is encrypted, and its passphrase is not known." "entra config passphrase"
    explained_by_doctor network.connection "passphrase is not known"
    keep wrong
    check "a wrong one may be kept" ended 0
    asks
    check "and is told of" is_told_that 5 "The passphrase does not open the key" "entra config passphrase"
    keep s3cret
    await gets_token api://kept
    check "the right one is taken at once" is_from refresh
    check "and says nothing of itself" count_is "$(grep -c s3cret <<<"$out$err" || true)" 0
    daemon_restart
    asks
    check "it outlives a restart" gets_one
    entra config passphrase --remove
    check "it can be forgotten" ended 0
    asks
    check "and then is" says "its passphrase is not known."
    check "still signed in" is_signed_in
    check "no passphrase is in a log, nor in the state folder" has_no_password
    daemon_end
}

# New files in the place of the old ones, while entrad runs.
certificate_changes() {
    company_begin
    gateway_begin
    clients_begin
    mkdir "$work/pair"
    pair client
    program_environment=(ENTRAD_CLIENT_CERTIFICATE="$work/pair/certificate.pem" ENTRAD_CLIENT_KEY="$work/pair/key.pem")
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    asks
    check "a token comes" gets_one
    pair second
    asks
    check "after a renewal the next token comes" gets_one
    check "with the new certificate" was_shown "CN=A renewed workstation"
    check "the log has it" logs "certificates have changed and are read again"
    pair stranger
    asks
    check "one that the gateway does not know" is_told_that 5 "does not take our client certificate." "still valid"
    : >"$work/pair/key.pem"
    asks
    check "a file that is being written" is_told_that 5 "holds no private key." "openssl pkcs8"
    pair client
    await gets_token api://mended
    check "once it is whole again a token comes" is_from refresh
    check "all without a restart" count_is "$(grep -c serving "$work/entrad.log")" 1
    gateway_tls TLSv1.1
    daemon_restart
    asks
    check "no TLS 1.2: nothing is agreed on" is_told_that 6 "what answers there does not agree on TLS." "TLS 1.2"
    explained_by_doctor network.connection "does not agree on TLS"
    check "still signed in" is_signed_in
    daemon_end
}

keep() { # PASSPHRASE
    status=0
    out=$(program timeout -k 5 "$client_limit" "${entra_program[@]}" config passphrase <<<"$1" 2>"$work/keep.err") || status=$?
    err=$(<"$work/keep.err")
    printf '%s\n%s\n' "$out" "$err" >>"$work/entra.said"
}

pair() { # NAME
    cp "$work/$1.pem" "$work/pair/new.pem"
    mv "$work/pair/new.pem" "$work/pair/certificate.pem"
    cp "$work/$1.key" "$work/pair/new.pem"
    mv "$work/pair/new.pem" "$work/pair/key.pem"
}

was_shown() { tail -n 1 "$work/gateway/access.log" | grep -qF "\"$1\""; }

# --- the gateway

gateway_begin() {
    mkdir -p "$work/gateway"
    gateway_run TLSv1.2 TLSv1.3
    at_gateway nft flush table ip site
    at_gateway nft add rule ip site arriving ip daddr "$entra_address" tcp dport 443 dnat to "127.0.0.1:$gateway_port"
}

gateway_run() { # VERSIONS OF TLS...
    gateway_configure "$@"
    serve nginx.log "${behind[@]}" nginx -c "$work/gateway/nginx.conf"
    nginx=$server
    await at_gateway_listens "$gateway_port" || fatal "nginx did not start: $(tail -n 5 "$work/nginx.log")"
}

gateway_configure() { # VERSIONS OF TLS...
    local folder=$work/gateway
    cat >"$folder/nginx.conf" <<CONFIGURATION
daemon off; master_process off; pid $folder/pid; error_log $folder/error.log; events { }
http {
    log_format shown '\$status "\$ssl_client_s_dn" \$request_uri';
    access_log $folder/access.log shown;
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
    server {
        listen 127.0.0.1:$gateway_port ssl;
        ssl_certificate $work/server.pem; ssl_certificate_key $work/server.key; ssl_protocols $*;
        ssl_ciphers ALL:@SECLEVEL=0;
        ssl_client_certificate $work/ca.pem; ssl_verify_client on;
        location / {
            proxy_pass $origin; proxy_set_header Host \$host;
            proxy_ssl_trusted_certificate $work/ca.pem; proxy_ssl_verify on; proxy_ssl_name localhost;
        }
    }
}
CONFIGURATION
}

gateway_tls() { # VERSIONS OF TLS...
    kill -KILL "$nginx"
    await is_gone "$nginx" || fatal "nginx did not end"
    gateway_run "$@"
}

# Certificates of the simulator's CA, and one that signed itself.
clients_begin() {
    (
        cd "$work"
        echo extendedKeyUsage=clientAuth >client.ext
        client client "A workstation" ec -pkeyopt ec_paramgen_curve:P-256
        client second "A renewed workstation" ec -pkeyopt ec_paramgen_curve:P-256
        client rsa "A workstation" rsa:2048
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=A stranger" -keyout stranger.key \
            -out stranger.pem
        openssl ec -in client.key -out sec1.key
        openssl rsa -in rsa.key -traditional -out pkcs1.key
        openssl pkcs8 -topk8 -v2 aes-256-cbc -in client.key -out sealed.key -passout pass:s3cret
        cat client.key client.pem >both.pem
    ) 2>"$work/openssl.log" || fatal "no certificate could be made: $(<"$work/openssl.log")"
}

client() { # NAME SUBJECT KIND OF KEY...
    openssl req -newkey "${@:3}" -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile client.ext -out "$1.pem"
}
