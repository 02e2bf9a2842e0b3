#!/usr/bin/env bash
# Python's ssl: loading a renewed certificate into a live context does not replace one with another kind of key.
#
# `SSLContext.load_cert_chain` can be called again while a server runs, and connections from then on get the new certificate:
# a renewal without a restart. That is so as long as both have the same kind of key. OpenSSL keeps a certificate for each
# kind (RSA, elliptic curves, Ed25519), and a load replaces only the one of its own. Who goes from an elliptic curve to RSA
# has the call succeed and every usual client still get the old certificate, until the day that it expires; who goes the other
# way has it given to those clients that ask for RSA. Nothing in the context tells or removes it: make a new one instead.
#
# The script serves with a certificate of an elliptic curve, loads one with an RSA key, then another one with RSA, and asks
# each time who is there: with Python, with Go, and with a client that takes RSA only. It exits with 0 while the module behaves
# as described, and with 1 when that has changed.
#
# Needs Python 3, OpenSSL and Go.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOTOOLCHAIN=local GO111MODULE=off GOPATH="$dir/go"

make_certificate() { # name, arguments for its key
    openssl req -x509 -nodes -days 30 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" -newkey "${@:2}" 2> /dev/null
}
make_certificate first-curve ec -pkeyopt ec_paramgen_curve:prime256v1
make_certificate second-rsa rsa:2048
make_certificate third-rsa rsa:2048

cat > name.go <<'GO'
package main

import (
	"crypto/tls"
	"fmt"
	"os"
)

func main() {
	conn, err := tls.Dial("tcp", os.Args[1], &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conn.ConnectionState().PeerCertificates[0].Subject.CommonName)
}
GO
go build -o name name.go

cat > finding.py <<'PY'
import re
import socket
import ssl
import subprocess
import sys
import threading

served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]


def serve():
    while True:
        connection, _ = listener.accept()
        try:
            served.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10).stdout


def seen_by_openssl(*arguments):
    text = output("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *arguments)
    return re.search(r"subject=CN ?= ?(\S+)", text)[1]


def load(name):
    """Loads the certificate, and says which one clients get from then on."""
    served.load_cert_chain(f"{name}.pem", f"{name}.key")
    # Python's own API gives no parsed certificate without verifying it, so `openssl` reads it.
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    text = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True).stdout
    by_python = re.search(r"CN ?= ?(\S+)", text)[1]
    by_go = output("./name", f"127.0.0.1:{port}").strip()
    by_rsa = seen_by_openssl("-sigalgs", "RSA-PSS+SHA256") if name != "first-curve" else "-"
    print(f"after {name} was loaded: Python gets {by_python}, Go {by_go}, who takes only RSA {by_rsa}")
    return by_python, by_go, by_rsa


served.load_cert_chain("first-curve.pem", "first-curve.key")
threading.Thread(target=serve, daemon=True).start()
load("first-curve")
second = load("second-rsa")
third = load("third-rsa")
if second != ("first-curve", "first-curve", "second-rsa") or third != ("first-curve", "first-curve", "third-rsa"):
    print("CHANGED: a load replaces what was there in another way")
    sys.exit(1)
PY

echo "Python $(python3 -c 'import platform, ssl; print(platform.python_version(), "with", ssl.OPENSSL_VERSION)'), $(go version | cut -d' ' -f3)"
echo "load_cert_chain replaces a certificate with the same kind of key, and leaves one of another kind in use."
echo "---- seen"
python3 finding.py
