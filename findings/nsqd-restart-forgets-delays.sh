#!/usr/bin/env bash
# nsqd: after a clean restart, messages that were put off for an hour are delivered at once.
#
# `DPUB`, and `REQ` with a time, put a message off. That reads like a property of the message, which nsqd keeps like all that it
# has when it stops in the regular way; a retry with growing pauses is built on it. The time is held in memory only. On
# the way down, messages are written to disk without it, and are ready for delivery when nsqd is up again. An upgrade of the
# broker so releases all retries and reminders at the same moment: a burst on whoever was just being spared.
#
# The script puts off a message for an hour, stops nsqd in the regular way, starts it on the same data, and subscribes. It exits
# with 0 while nsqd behaves as described, and with 1 when that has changed.
#
# Needs Go.
set -euo pipefail

VERSION=v1.3.0
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
	"log"
	"os"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqio/nsq/nsqd"
)

const delay = time.Hour

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func started(data string) *nsqd.NSQD {
	options := nsqd.NewOptions()
	options.TCPAddress, options.HTTPAddress = "127.0.0.1:0", "127.0.0.1:0"
	options.DataPath = data
	options.Logger = log.New(io.Discard, "", 0)
	daemon := must(nsqd.New(options))
	if err := daemon.LoadMetadata(); err != nil {
		panic(err)
	}
	go daemon.Main()
	return daemon
}

// Waits until the channel has one message, and says whether it is put off.
func isPutOff(daemon *nsqd.NSQD) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, topic := range daemon.GetStats("reminders", "users", false).Topics {
			for _, channel := range topic.Channels {
				if channel.Depth+int64(channel.DeferredCount) == 1 {
					fmt.Printf("ready: %d, put off: %d\n", channel.Depth, channel.DeferredCount)
					return channel.DeferredCount == 1
				}
			}
		}
	}
	panic("the channel has no message")
}

func main() {
	daemon := started(os.Args[1])
	daemon.GetTopic("reminders").GetChannel("users")
	producer := must(nsq.NewProducer(daemon.RealTCPAddr().String(), nsq.NewConfig()))
	producer.SetLoggerLevel(nsq.LogLevelMax)
	if err := producer.DeferredPublish("reminders", delay, []byte("tea")); err != nil {
		panic(err)
	}
	fmt.Printf("a message is put off for %v\n", delay)
	before := isPutOff(daemon)
	producer.Stop()
	daemon.Exit()

	fmt.Println("nsqd has stopped in the regular way, and starts on the same data")
	daemon = started(os.Args[1])
	after := isPutOff(daemon)
	delivered := make(chan *nsq.Message, 1)
	consumer := must(nsq.NewConsumer("reminders", "users", nsq.NewConfig()))
	consumer.SetLoggerLevel(nsq.LogLevelMax)
	consumer.AddHandler(nsq.HandlerFunc(func(message *nsq.Message) error {
		delivered <- message
		return nil
	}))
	if err := consumer.ConnectToNSQD(daemon.RealTCPAddr().String()); err != nil {
		panic(err)
	}
	isDelivered := false
	select {
	case message := <-delivered:
		age := time.Since(time.Unix(0, message.Timestamp)).Round(time.Second)
		fmt.Printf("a consumer gets %q when it is %v old\n", message.Body, age)
		isDelivered = age < delay
	case <-time.After(10 * time.Second):
		fmt.Println("a consumer gets nothing within 10 s")
	}
	consumer.Stop()
	<-consumer.StopChan
	daemon.Exit()
	if !before || after || !isDelivered {
		fmt.Println("CHANGED: the delay outlives the restart")
		os.Exit(1)
	}
}
GO

go mod init finding > /dev/null 2>&1
go get "github.com/nsqio/nsq@$VERSION" > /dev/null 2>&1 || go mod edit -require "github.com/nsqio/nsq@$VERSION"
go build -o finding . 2> build.log || { cat build.log; exit 2; }
mkdir data
echo "nsqd $VERSION, $(go version | cut -d' ' -f3)"
echo "A message that was put off is ready for delivery after nsqd was stopped in the regular way and started again."
echo "---- seen"
./finding "$dir/data"
