#!/usr/bin/env bash
# go-redis: a blocking read goes on after its context was cancelled, and a short `Block` is one without an end.
#
# `XReadGroup(ctx, …)` reads like every Go call with a context: cancelling it ends the wait. The context is looked at before
# the command is written, and not while its answer is waited for; `ContextTimeoutEnabled` adds its deadline, if it has one,
# and still no cancellation. A worker that is told to stop so waits for `Block`, or for the next message, which is
# then in its list of pending entries. And `Block` counts whole milliseconds, of which Redis takes 0 for "for ever": both a
# field that was left out and half a millisecond wait without an end, where Go's zero value suggests no waiting.
# Negative values do not wait.
#
# The script reads from an empty stream with several values of `Block`, and cancels a context in the midst of a wait, with
# and without `ContextTimeoutEnabled`. It exits with 0 while the library behaves as described, and with 1 when that has
# changed.
#
# Needs redis-server, which Debian has, and Go.
set -euo pipefail

VERSION=v9.23.0
command -v redis-server > /dev/null || { echo "redis-server is missing: apt-get install redis-server"; exit 2; }
dir=$(mktemp -d)
# Go makes its module cache read-only.
trap 'kill "${redis:-}" 2> /dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOPATH="$dir/go" GOTOOLCHAIN=local

cat > main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

const patience = 3 * time.Second

type reader struct {
	client *redis.Client
	isOdd  bool
}

// Reads what nobody has sent, and says what becomes of it; it should return within the patience, or not.
func (r *reader) read(what string, ctx context.Context, block time.Duration, returns bool) {
	done := make(chan error, 1)
	start := time.Now()
	go func() {
		_, err := r.client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: "workers", Consumer: "worker", Streams: []string{"jobs", ">"}, Block: block,
		}).Result()
		done <- err
	}()
	select {
	case err := <-done:
		if errors.Is(err, redis.Nil) {
			err = errors.New("nothing there")
		}
		fmt.Printf("  %s: returned after %v: %v\n", what, time.Since(start).Round(100*time.Millisecond), err)
		r.isOdd = r.isOdd || !returns
	case <-time.After(patience):
		fmt.Printf("  %s: still waits after %v\n", what, patience)
		r.isOdd = r.isOdd || returns
	}
}

func main() {
	isOdd := false
	for _, enabled := range []bool{false, true} {
		client := redis.NewClient(&redis.Options{Addr: os.Args[1], ContextTimeoutEnabled: enabled})
		for start := time.Now(); client.Ping(context.Background()).Err() != nil; time.Sleep(50 * time.Millisecond) {
			if time.Since(start) > 10*time.Second {
				panic("redis-server does not come up")
			}
		}
		client.XGroupCreateMkStream(context.Background(), "jobs", "workers", "$")
		fmt.Printf("ContextTimeoutEnabled: %v\n", enabled)
		r := reader{client: client}
		r.read("Block: -1", context.Background(), -1, true)
		r.read("Block: 100 ms", context.Background(), 100*time.Millisecond, true)
		r.read("Block: 0.5 ms", context.Background(), 500*time.Microsecond, false)
		r.read("Block left out", context.Background(), 0, false)
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(500*time.Millisecond, cancel)
		r.read("Block: 1 min, context cancelled after 0.5 s", ctx, time.Minute, false)
		ctx, cancel = context.WithTimeout(context.Background(), 500*time.Millisecond)
		r.read("Block: 1 min, context with a deadline in 0.5 s", ctx, time.Minute, enabled)
		cancel()
		isOdd = isOdd || r.isOdd
	}
	if isOdd {
		fmt.Println("CHANGED: Block or the context counts in another way")
		os.Exit(1)
	}
}
GO

go mod init finding > /dev/null 2>&1
go get "github.com/redis/go-redis/v9@$VERSION" > /dev/null 2>&1
go build -o finding .
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$dir" > redis.log 2>&1 &
redis=$!
echo "go-redis $VERSION, Redis $(redis-server --version | grep -o 'v=[0-9.]*'), $(go version | cut -d' ' -f3)"
echo "XReadGroup waits on after its context was cancelled, and for ever with a Block of less than a millisecond."
echo "---- seen"
./finding "127.0.0.1:$port"
