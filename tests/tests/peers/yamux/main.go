// A bridge between two connections of hashicorp/yamux: it accepts one, dials the other, and carries each stream that
// either side opens to the other side. A stream that is not acknowledged within two seconds ends all of it.
//
//	bridge 127.0.0.1:PORT
//
// It prints "listening ADDRESS". On SIGUSR1 it tells whom it has dialled that it opens no more streams.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

func config() *yamux.Config {
	config := yamux.DefaultConfig()
	config.StreamOpenTimeout = 2 * time.Second
	config.LogOutput = os.Stderr
	return config
}

// Ends the writing half of a stream behind what was copied to it.
func carry(to, from *yamux.Stream) {
	if _, err := io.Copy(to, from); err != nil {
		log.Printf("a stream was lost: %v from=%d to=%d", err, from.StreamID(), to.StreamID())
	}
	to.Close()
}

// Opens a stream of one session for each that the other accepts, in their order.
func bridge(from, to *yamux.Session, ended chan<- error) {
	for {
		near, err := from.AcceptStream()
		if err != nil {
			ended <- err
			return
		}
		far, err := to.OpenStream()
		if err != nil {
			log.Printf("no stream was opened: %v", err)
			near.Close()
			continue
		}
		go carry(far, near)
		go carry(near, far)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println("listening", listener.Addr())
	accepted, err := listener.Accept()
	check(err)
	dialled, err := net.Dial("tcp", os.Args[1])
	check(err)
	near, err := yamux.Server(accepted, config())
	check(err)
	far, err := yamux.Client(dialled, config())
	check(err)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			check(far.GoAway())
			fmt.Println("leaving")
		}
	}()
	ended := make(chan error)
	go bridge(near, far, ended)
	go bridge(far, near, ended)
	fmt.Println("ended:", <-ended)
	near.Close()
	far.Close()
}
