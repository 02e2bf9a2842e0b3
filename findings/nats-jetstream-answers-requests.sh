#!/usr/bin/env bash
# NATS: a stream that listens to the subjects of a service answers its requests, and the service's answers are thrown away.
#
# Creating a stream over `orders.>` to keep an audit of what is asked reads like adding one more subscriber. But a stream takes
# every message with a reply subject for a publish that wants to be acknowledged, and sends its acknowledgement there.
# Requests take the first reply, and a service that has anything to look up is not the first. Requesters that have never heard
# of JetStream so get `{"stream":"AUDIT","seq":…}` for an answer from the moment on that somebody creates the stream. Where
# no service is there, a request that failed at once with "no responders" succeeds with that text. With `no_ack` in the
# stream's configuration the service is heard again, but where there is none, requests now wait for their whole time.
#
# The script asks a service that takes 5 ms, and a subject without one: before there is a stream, with one, and with one that
# has `NoAck`. It exits with 0 while the server behaves as described, and with 1 when that has changed.
#
# Needs Go.
set -euo pipefail

SERVER=v2.12.15
CLIENT=v1.51.0
dir=$(mktemp -d)
# Go makes its module cache read-only.
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOPATH="$dir/go" GOTOOLCHAIN=local

cat > main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

const (
	fromService = "the answer 42"
	fromStream  = "an acknowledgement of the stream"
	noneThere   = "no responders"
	timeOut     = "nothing in 2 s"
)

// What becomes of a request.
func answer(conn *nats.Conn, subject string) string {
	reply, err := conn.Request(subject, nil, 2*time.Second)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return noneThere
	case errors.Is(err, nats.ErrTimeout):
		return timeOut
	case err != nil:
		return err.Error()
	case strings.HasPrefix(string(reply.Data), `{"stream":"AUDIT"`):
		return fromStream
	default:
		return "the answer " + string(reply.Data)
	}
}

func main() {
	broker := must(server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: os.Args[1], NoLog: true, NoSigs: true,
	}))
	broker.Start()
	defer broker.Shutdown()
	if !broker.ReadyForConnections(10 * time.Second) {
		panic("the server does not come up")
	}
	asker, service := must(nats.Connect(broker.ClientURL())), must(nats.Connect(broker.ClientURL()))
	must(service.Subscribe("orders.price", func(request *nats.Msg) {
		time.Sleep(5 * time.Millisecond)
		_ = request.Respond([]byte("42"))
	}))
	_ = service.Flush()
	streams := must(jetstream.New(asker))
	config := jetstream.StreamConfig{Name: "AUDIT", Subjects: []string{"orders.>"}}

	ask := func(when string) [2]string {
		got := [2]string{answer(asker, "orders.price"), answer(asker, "orders.nobody")}
		fmt.Printf("%s: the service gives %q, a subject without one %q\n", when, got[0], got[1])
		return got
	}
	before := ask("without a stream")
	must(streams.CreateStream(context.Background(), config))
	with := ask("with a stream over orders.>")
	_ = streams.DeleteStream(context.Background(), "AUDIT")
	config.NoAck = true
	must(streams.CreateStream(context.Background(), config))
	silent := ask("with one that has NoAck")

	isAsDescribed := before == [2]string{fromService, noneThere} && with == [2]string{fromStream, fromStream} &&
		silent == [2]string{fromService, timeOut}
	if !isAsDescribed {
		fmt.Println("CHANGED: requests are answered in another way")
		broker.Shutdown()
		os.Exit(1)
	}
}
GO

go mod init finding > /dev/null 2>&1
go get "github.com/nats-io/nats-server/v2@$SERVER" "github.com/nats-io/nats.go@$CLIENT" > /dev/null 2>&1
go build -o finding .
echo "nats-server $SERVER, nats.go $CLIENT, $(go version | cut -d' ' -f3)"
echo "A stream whose subjects cover those of a service acknowledges each request, and requesters take that for the answer."
echo "---- seen"
./finding "$dir/store"
