#!/usr/bin/env bash
# OpenSSL: of two trusted CAs with the same name, only the first one counts.
#
# To renew a CA one makes a new key under the old name, and gives everybody a file with both certificates until no leaf of
# the old one is left. Where the leaves do not name their issuer's key (by an authority key identifier, which `x509 -req` of
# OpenSSL 3.0 adds only if told to), OpenSSL looks an issuer up by its name, takes the first that fits, and fails with a wrong
# signature if it was the other one. It does not go on to the next. Which leaves are let in so depends on the order in the
# file: appending the new CA admits nobody new, putting it first locks everybody old out. Python, nginx, HAProxy and Mosquitto
# verify with OpenSSL. Go's crypto/x509 tries every CA of that name.
#
# The script makes two CAs of one name and a leaf of each, and verifies both leaves with both orders: with `openssl verify`,
# with a Python client that connects to a server, and with Go. It exits with 0 while OpenSSL behaves as described and Go
# does not, and with 1 when that has changed.
#
# Needs OpenSSL 3, Python 3 and Go.
set -euo pipefail

dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
export GOPATH="$dir/go" GOTOOLCHAIN=local GO111MODULE=off

for age in old new; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=Fleet CA" -keyout "$age.key" -out "$age.pem" 2> /dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj "/CN=localhost" -keyout "leaf-$age.key" -out "leaf-$age.csr" 2> /dev/null
    printf 'subjectAltName=DNS:localhost\nauthorityKeyIdentifier=none\n' > leaf.ext
    openssl x509 -req -in "leaf-$age.csr" -CA "$age.pem" -CAkey "$age.key" -CAcreateserial -days 10 \
        -extfile leaf.ext -out "leaf-$age.pem" 2> /dev/null
done
cat old.pem new.pem > old-then-new.pem
cat new.pem old.pem > new-then-old.pem

cat > handshake.py <<'PY'
"""Connects to a server with the leaf, trusting the file, and says what became of the handshake."""
import socket
import ssl
import sys
import threading

leaf, trusted = sys.argv[1:]
ours, theirs = socket.socketpair()
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(f"leaf-{leaf}.pem", f"leaf-{leaf}.key")


def serve():
    try:
        server.wrap_socket(theirs, server_side=True).recv(1)
    except OSError:
        theirs.close()


threading.Thread(target=serve).start()
client = ssl.create_default_context(cafile=trusted)
try:
    client.wrap_socket(ours, server_hostname="localhost").close()
    print("ok")
except ssl.SSLCertVerificationError as error:
    print(error.verify_message)
    ours.close()
PY

cat > verify.go <<'GO'
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func main() {
	trusted, _ := os.ReadFile(os.Args[2])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	text, _ := os.ReadFile("leaf-" + os.Args[1] + ".pem")
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err == nil {
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ok")
}
GO
go build -o verify verify.go

echo "$(openssl version | cut -d" " -f1,2), $(python3 -c "import ssl; print(ssl.OPENSSL_VERSION)") in Python, $(go version | cut -d" " -f3)"
echo "With two trusted CAs of one name, OpenSSL verifies only leaves of the one that comes first in the file."
echo "---- seen"
is_as_described=true
for trusted in old-then-new new-then-old; do
    for leaf in old new; do
        verified=$(openssl verify -CAfile "$trusted.pem" "leaf-$leaf.pem" 2>&1 || true)
        verified=$(grep -o 'OK$\|certificate signature failure' <<< "$verified" | head -1)
        python=$(python3 handshake.py "$leaf" "$trusted.pem")
        by_go=$(./verify "$leaf" "$trusted.pem")
        echo "trusted: $trusted, leaf of the $leaf CA: openssl verify: $verified; Python: $python; Go: $by_go"
        expected=$([[ $trusted == "$leaf"-* ]] && echo ok || echo "certificate signature failure")
        [[ ${verified,,} == "$expected" && $python == "$expected" && $by_go == ok ]] || is_as_described=false
    done
done
$is_as_described || { echo "CHANGED: the order of the CAs does not decide"; exit 1; }
