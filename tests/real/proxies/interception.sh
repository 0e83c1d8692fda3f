# Boxes that look into TLS, with a certificate of their own: squid and mitmproxy.
#
# To be sourced. The system trusts the simulator's CA and not the box's.
# shellcheck shell=bash

squid_looks_in() {
    company_begin
    box_certificate
    local folder=/var/spool/squid helpers at=127.0.0.1:$squid_port
    helpers=$(dirname "$(dpkg -L squid-openssl | grep 'security_file_certgen$')")
    local before=("http_port 127.0.0.1:$squid_port ssl-bump tls-cert=$folder/box.pem generate-host-certificates=on"
        "sslcrtd_program $helpers/security_file_certgen -s $folder/certificates -M 4MB"
        'sslcrtd_children 2 startup=1 idle=1' 'acl first at_step SslBump1' 'ssl_bump peek first' 'ssl_bump bump all'
        "tls_outgoing_options cafile=$folder/ca.pem")
    squid_prepare="box_files $helpers"
    squid_begin "${before[@]}"
    program_environment=(HTTPS_PROXY="http://ada:s3cret@$at")
    daemon_begin
    login_begin
    login_end
    check "not trusted: a sign-in says that the certificate is not" says_not_trusted
    explained_by_doctor network.tls "A box for one test"
    asks_with HTTPS_PROXY="http://ada:s3cret@$at" ENTRAD_CA_CERTIFICATES="$work/box.pem"
    sign_in
    check "ca_certificates, a file: a person signs in" ended 0
    asks
    check "and a token comes" gets_one
    check "the box has read it" has_read_post
    mkdir "$work/folder"
    openssl x509 -in "$work/box.pem" -outform DER -out "$work/folder/box.der"
    asks_with HTTPS_PROXY="http://ada:s3cret@$at" ENTRAD_CA_CERTIFICATES="$work/folder"
    check "ca_certificates, a folder with DER" gets_one
    local name
    for name in NODE_EXTRA_CA_CERTS SSL_CERT_FILE; do
        asks_with HTTPS_PROXY="http://ada:s3cret@$at" "$name=$work/box.pem"
        check "$name is trusted" gets_one
        asks_with "$name=$work/box.pem"
        check "$name is beside the system's, not in its place" gets_one
    done
    asks_with SSL_CERT_DIR="$work/folder" SSL_CERT_FILE="$work/nowhere.pem" ENTRAD_CA_CERTIFICATES="$work/nowhere"
    check "what cannot be read stops nothing" gets_one
    check "and is told of in the log" logs "$work/nowhere, named by \`ca_certificates\`, is not used: no such file or directory."
    asks_with HTTPS_PROXY="http://ada:s3cret@$at" ENTRAD_CA_CERTIFICATES="$work/later"
    check "not trusted yet: it is named" is_told_that 6 "its certificate is not trusted here." ca_certificates
    explained_by_doctor network.tls "A box for one test"
    mkdir "$work/later"
    cp "$work/box.pem" "$work/later"
    await gets_token api://later
    check "a CA that is put there while entrad runs is trusted" is_from refresh
    check "no password is in a log" has_no_password
    daemon_end
}

mitmproxy_looks_in() {
    company_begin
    mitm_begin --set proxyauth=ada:s3cret
    local at=127.0.0.1:$mitm_port
    program_environment=(HTTPS_PROXY="http://ada:s3cret@$at" NODE_EXTRA_CA_CERTS="$work/mitm/mitmproxy-ca-cert.pem")
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    asks
    check "a token comes" gets_one
    asks_with HTTPS_PROXY="http://ada:s3cret@$at"
    check "not trusted: the certificate is named" \
        is_told_that 6 "its certificate is not trusted here." "A network that inspects traffic"
    explained_by_doctor network.tls "mitmproxy"
    asks_with HTTPS_PROXY="http://$at"
    check "no password" is_told_that 5 "The proxy http://$at asks for a user name and password." HTTPS_PROXY
    asks_with HTTPS_PROXY="http://ada:wrong@$at"
    check "a wrong one" is_told_that 5 "does not take the user name and password that HTTPS_PROXY has." https_proxy
    check "still signed in" is_signed_in
    check "no password is in a log" has_no_password
    daemon_end
}

says_not_trusted() { [[ $out$err == *"its certificate is not trusted here."* ]]; }
logs() { grep -qF "$1" "$work/entrad.log"; }
has_read_post() { grep -q "POST $authority/.*/token" /var/spool/squid/access.log; }

# What the box signs with.
box_certificate() {
    (
        cd "$work"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=A box for one test" \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout box.key -out box.pem
    ) 2>"$work/openssl.log" || fatal "no certificate could be made: $(<"$work/openssl.log")"
}

# In squid's own folder, since it sees nothing of ours.
box_files() { # HELPERS
    local folder=/var/spool/squid
    cat "$work/box.key" "$work/box.pem" >"$folder/box.pem"
    cp "$work/ca.pem" "$folder/ca.pem"
    "$1/security_file_certgen" -c -s "$folder/certificates" -M 4MB >>"$work/squid.log" 2>&1
    chown -R proxy:proxy "$folder"
}
