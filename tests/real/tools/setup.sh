# A home with settings of its own, in which `entra setup` writes and `--undo` takes back.
#
# To be sourced.
# shellcheck shell=bash

# What is set up, and for what.
setups=(
    git
    'kubectl --context ours'
    "docker --registry $registry"
    'cargo --registry feed'
    pip
    uv
    "npm --registry $feed/npm/registry/"
    "pnpm --registry $feed-of-pnpm/npm/registry/"
    az-shim
    azd-shim
    'claude-code --foundry contoso'
    'claude-desktop --foundry contoso --model a-model'
)

# Files as people have them: with words of their own, with comments, and one without an end of line.
furnish() {
    local home=$work/home tenant=99999999-8888-7777-6666-555555555555
    mkdir -p "$home"/{.kube,.docker,.cargo,.config/pip,.config/uv,.claude}
    printf '# mine\n[user]\n\tname = Ada\n[credential]\n\thelper = cache --timeout 1\n' >"$home/.gitconfig"
    printf '# mine\n[registries.feed]\nindex = "sparse+%s/Cargo/index/" # the feed\n[registry]\ndefault = "feed"\n' "$feed" \
        >"$home/.cargo/config.toml"
    printf '[global]\n; mine\ntimeout = 9\n' >"$home/.config/pip/pip.conf"
    printf '# mine\noffline = false' >"$home/.config/uv/uv.toml"
    printf '; mine\nfund=false\n' >"$home/.npmrc"
    printf '{"auths": {"registry.example": {"auth": "dTpw"}}}' >"$home/.docker/config.json"
    printf '{\n    "model": "opus",\n    "env": {"EDITOR": "vi"}\n}\n' >"$home/.claude/settings.json"
    chmod 600 "$home/.claude/settings.json" "$home/.npmrc"
    kubeconfig "$tenant" >"$home/.kube/config"
}

# Two contexts as the Azure CLI and kubelogin leave them, and one of a cluster's own.
kubeconfig() { # TENANT
    cat <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: aks
clusters:
- name: here
  cluster: {server: '$cluster', certificate-authority: '$work/ca.pem'}
contexts:
- {name: aks, context: {cluster: here, user: aks}}
- {name: aks-beta, context: {cluster: here, user: aks-beta}}
- {name: ours, context: {cluster: here, user: ours}}
users:
- {name: ours, user: {token: not-a-token}}
KUBECONFIG
    exec_user aks v1 "$1"
    exec_user aks-beta v1beta1 "$1"
}

exec_user() { # NAME VERSION TENANT
    cat <<USER
- name: $1
  user:
    exec:
      apiVersion: client.authentication.k8s.io/$2
      command: kubelogin
      args: [get-token, --environment, AzurePublicCloud, --server-id, 6dae42f8-4368-4678-94ff-3960e28e3630,
        --client-id, 80faf920-1908-4b52-b5ef-a8e7bedfc67a, --tenant-id, $3, --login, devicecode]
      env: null
      interactiveMode: IfAvailable
      provideClusterInfo: false
USER
}

# Each is shown, made, made again, and taken back; and then made for the tools to use.
check_setup() {
    local before after row words tool
    before=$(picture)
    for row in "${setups[@]}"; do
        read -ra words <<<"$row"
        tool=${words[0]} suite="setup, ${words[0]}"
        entra setup "${words[@]}" --print
        check "--print works" ended 0
        check "and changes nothing" test "$(picture)" == "$before"
        entra setup "${words[@]}"
        check "it is set up" ended 0
        after=$(picture)
        check "which can be seen" test "$after" != "$before"
        entra setup "${words[@]}"
        check "once more changes nothing" test "$status $(picture)" == "0 $after"
        entra setup "$tool" --undo
        check "--undo works" ended 0
        check "and each file is as it was, byte for byte" test "$(picture)" == "$before"
    done
    suite=setup
    files_before=$(cd "$work/home" && sha256sum .gitconfig .npmrc .*/config .*/config.json .*/config.toml .*/settings.json .config/*/*)
    for row in "${setups[@]}"; do
        read -ra words <<<"$row"
        entra setup "${words[@]}"
        ((status == 0)) || fatal "entra setup $row: $out $err"
    done
}

# In another order than they were made.
check_undo() {
    local row leases
    suite=setup
    for row in "${setups[@]}"; do
        entra setup "${row%% *}" --undo
        check "after its use, ${row%% *} is taken back" ended 0
    done
    check "each file is as it was before all of them" test "$(cd "$work/home" && sha256sum --check --quiet <<<"$files_before" 2>&1)" == ''
    check "no link is left" test ! -e "$work/home/.local/share/entrad"
    entra lease ls --json
    leases=$(jq '.leases | length' <<<"$out")
    check "and no lease" count_is "$leases" 0
}

# Every file of the home with its mode and what is in it, and every folder, but for what the daemon itself keeps.
picture() {
    cd "$work/home"
    find . -path './.local/state/entrad/*' ! -path './.local/state/entrad/setup*' -o -printf '%p %M %l\n' | sort
    find . -path './.local/state/entrad/*' ! -path './.local/state/entrad/setup*' -o -type f -print0 | sort -z | xargs -0 sha256sum
    cd "$root"
}
