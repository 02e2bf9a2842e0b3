#!/usr/bin/env bash
# hashicorp/yamux (Go): one stream that is not accepted in time ends the whole session, healthy streams included.
#
# `Config.StreamOpenTimeout` (75 s by default) reads like a limit for opening one stream. It starts when a stream is opened,
# runs until the other end acknowledges it, and then closes the session. `Open` has returned long before without an error,
# and data may have been written. An acceptor that is slow with a single stream (a full worker pool, a handler that looks
# something up first) so takes down all others that share the connection.
#
# The script sets the timeout to 1 s, talks over one stream, opens a second one that is never accepted, and looks at the
# first one again. It exits with 0 while the library behaves as described, and with 1 when that has changed.
set -euo pipefail

VERSION=v0.1.2
dir=$(mktemp -d)
# Go makes its module cache read-only.
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOPATH="$dir/go" GOTOOLCHAIN=local

cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/hashicorp/yamux"
)

func config() *yamux.Config {
	config := yamux.DefaultConfig()
	config.StreamOpenTimeout = time.Second
	config.LogOutput = io.Discard
	return config
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	near, far := net.Pipe()
	client, server := must(yamux.Client(near, config())), must(yamux.Server(far, config()))

	// A healthy stream: accepted at once, and echoed.
	healthy := must(client.OpenStream())
	accepted := must(server.AcceptStream())
	go io.Copy(accepted, accepted)
	echo := func() error {
		if _, err := healthy.Write([]byte("ping")); err != nil {
			return err
		}
		_, err := io.ReadFull(healthy, make([]byte, 4))
		return err
	}
	fmt.Printf("healthy stream before: error %v\n", echo())

	// A second one, which nobody accepts for now. Opening and writing succeed.
	slow, err := client.OpenStream()
	fmt.Printf("opening a stream that nobody accepts: error %v\n", err)
	_, err = slow.Write([]byte("hello"))
	fmt.Printf("writing to it: error %v\n", err)

	start := time.Now()
	select {
	case <-client.CloseChan():
		fmt.Printf("the whole session was closed after %.1f s\n", time.Since(start).Seconds())
	case <-time.After(5 * time.Second):
		fmt.Println("CHANGED: the session still stands after 5 s")
		os.Exit(1)
	}
	err = echo()
	fmt.Printf("healthy stream after: error %v\n", err)
	if err == nil {
		fmt.Println("CHANGED: the healthy stream goes on")
		os.Exit(1)
	}
}
GO

go mod init finding > /dev/null 2>&1
go get "github.com/hashicorp/yamux@$VERSION" > /dev/null 2>&1
echo "github.com/hashicorp/yamux $VERSION, $(go version | cut -d' ' -f3)"
echo "A stream that is not accepted within StreamOpenTimeout (here 1 s) ends the session and every stream in it."
echo "---- seen"
go run .
