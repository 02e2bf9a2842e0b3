// Calls by the original's own clients: a service that answers with what it is sent, or edges that call it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/jumboframes/armorigo/log"
	"github.com/singchia/frontier/api/dataplane/v1/edge"
	"github.com/singchia/frontier/api/dataplane/v1/service"
	"github.com/singchia/geminio"
)

// What each call brings, and gets back.
const size = 64

func main() {
	serve := flag.String("serve", "", "be a service at this address")
	call := flag.String("call", "", "be edges at this address")
	edges := flag.Int("edges", 1, "connections")
	callers := flag.Int("callers", 1, "calls at once, spread over them")
	most := flag.Duration("time", 4*time.Second, "for how long")
	flag.Parse()
	log.SetLevel(log.LevelFatal)
	if *serve != "" {
		beService(*serve)
		select {}
	}
	report(beEdges(*call, *edges, *callers, *most), *most)
}

func dialer(addr string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial("tcp", addr) }
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func beService(addr string) {
	s, err := service.NewService(dialer(addr), service.OptionServiceName("load"))
	must(err)
	must(s.Register(context.Background(), "echo", func(_ context.Context, asked geminio.Request, answer geminio.Response) {
		answer.SetData(asked.Data())
	}))
}

// How long each call took.
func beEdges(addr string, edges, callers int, most time.Duration) (took []time.Duration) {
	clients := make([]edge.Edge, edges)
	for i := range clients {
		var err error
		clients[i], err = edge.NewEdge(dialer(addr))
		must(err)
	}
	// The original's server answers calls that come at once with "no such rpc".
	time.Sleep(200 * time.Millisecond)
	data, end := make([]byte, size), time.Now().Add(most)
	each := make([][]time.Duration, callers)
	var done sync.WaitGroup
	for caller := range each {
		done.Add(1)
		go func() {
			defer done.Done()
			client := clients[caller%edges]
			for start := time.Now(); start.Before(end); start = time.Now() {
				_, err := client.Call(context.Background(), "echo", client.NewRequest(data))
				must(err)
				each[caller] = append(each[caller], time.Since(start))
			}
		}()
	}
	done.Wait()
	return slices.Concat(each...)
}

func report(took []time.Duration, over time.Duration) {
	slices.Sort(took)
	fmt.Printf("%d %.0f %.1f\n", len(took), float64(len(took))/over.Seconds(), float64(took[len(took)/2].Nanoseconds())/1000)
}
