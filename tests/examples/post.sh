#!/usr/bin/env bash
# Sign events and post them with curl, openssl and sha256sum: no Writ code.
#
#   post.sh --vkey    KEYFILE NAME                       print the verifier key, to have it registered
#   post.sh --dry-run KEYFILE NAME LOG < events.ndjson   print the submission
#   post.sh           KEYFILE NAME LOG URL < events.ndjson
#
# KEYFILE holds the 32-byte seed as 64 hex digits and is made when missing. NAME is the key's name and, unless
# SOURCE says otherwise, the fresh source log into which the events go. LOG is the ledger's origin. Each line
# of input is one event, in canonical JSON.
set -euo pipefail
export LC_ALL=C

mode=post
case "${1:-}" in --vkey | --dry-run) mode=$1; shift ;; esac
case "$mode:$#" in --vkey:2 | --dry-run:3 | post:4) ;; *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
keyfile=$1 name=$2 log=${3:-} url=${4:-} source=${SOURCE:-$2}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077

# A fresh Debian has no xxd; printf and od are always there.
unhex() { printf "$(tr -d '\n' | sed 's/../\\x&/g')"; }
hex() { od -An -v -tx1 | tr -d ' \n'; }
base64_of_hex() { unhex | base64 -w 0; }
sha256_hex() { sha256sum | cut -c 1-64; }

# The private key in the DER of RFC 8410 is a fixed prefix and the seed; the public one ends its DER.
[[ -e $keyfile ]] || openssl rand -hex 32 > "$keyfile"
{ printf 302e020100300506032b657004220420; cat "$keyfile"; } | unhex > "$work/key.der"
public=$(openssl pkey -inform DER -in "$work/key.der" -pubout -outform DER | tail -c 32 | hex)

# key id: SHA-256(name ‖ newline ‖ 0x01 ‖ public key), its first four bytes
key_id=$({ printf '%s\n\001' "$name"; unhex <<< "$public"; } | sha256_hex | cut -c 1-8)
vkey="$name+$key_id+$(base64_of_hex <<< "01$public")"
if [[ $mode == --vkey ]]; then printf '%s\n' "$vkey"; exit; fi
echo "verifier key $vkey" >&2

# RFC 6962: leaves are hashed after a zero byte, pairs after a one, an odd last node rises as it is.
mapfile -t events
((${#events[@]})) || { echo "no events on standard input" >&2; exit 2; }
nodes=()
for event in "${events[@]}"; do
    nodes+=("$({ printf '\000'; printf %s "$event"; } | sha256_hex)")
done
while ((${#nodes[@]} > 1)); do
    parents=()
    for ((i = 0; i + 1 < ${#nodes[@]}; i += 2)); do
        parents+=("$(unhex <<< "01${nodes[i]}${nodes[i + 1]}" | sha256_hex)")
    done
    ((${#nodes[@]} % 2)) && parents+=("${nodes[-1]}")
    nodes=("${parents[@]}")
done
root=$(base64_of_hex <<< "${nodes[0]}")

# What is signed: source log, size after, root, the log it is meant for, size before, nothing seen yet.
printf '%s\n' "$source" "${#events[@]}" "$root" "$log" 0 '0 -' > "$work/text"
openssl pkeyutl -sign -rawin -keyform DER -inkey "$work/key.der" -in "$work/text" -out "$work/signature"
signature=$({ unhex <<< "$key_id"; cat "$work/signature"; } | base64 -w 0)
{
    cat "$work/text"
    printf '\n— %s %s\n\n' "$name" "$signature"
    printf '%s\n' "${events[@]}"
} > "$work/submission"

if [[ $mode == --dry-run ]]; then cat "$work/submission"; exit; fi
# The answer is a receipt: a tlog-proof that the submission stands in the ledger.
curl --silent --show-error --fail-with-body --header 'Content-Type: text/plain; charset=utf-8' \
    --data-binary @"$work/submission" "$url/logs/${log##*/}/submissions"
