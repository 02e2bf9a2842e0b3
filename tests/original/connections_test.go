package original

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/singchia/frontier/api/dataplane/v1/edge"
	"github.com/singchia/frontier/api/dataplane/v1/service"
)

func TestBothSidesAreReachedAsSoonAsConnectingReturns(t *testing.T) {
	g := startGateway(t, "")
	for i := 0; i < 50; i++ {
		name := fmt.Sprintf("svc-%d", i)
		s := newService(t, g, name)
		check(t, s.Register(soon(t), name, echo))
		e, err := edge.NewEdge(dialer(g.edges))
		check(t, err)
		answer, err := askService(t, e, name, "up")
		check(t, err)
		equal(t, answer, "up")
		check(t, e.Register(soon(t), "ping", says("pong")))
		answer, err = askEdge(t, s, e.EdgeID(), "ping", "")
		check(t, err)
		equal(t, answer, "pong")
		check(t, e.Close())
	}
}

func TestClosingIsFast(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "sink")
	go func() {
		for {
			if _, err := s.AcceptStream(); err != nil {
				return
			}
		}
	}()
	for i := 0; i < 20; i++ {
		e, err := edge.NewEdge(dialer(g.edges))
		check(t, err)
		for j := 0; j < i%4; j++ {
			_, err := e.OpenStream("sink")
			check(t, err)
		}
		if spent := took(func() { e.Close() }); spent > 2*time.Second {
			t.Fatalf("an edge with %d streams took %v", i%4, spent)
		}
	}
	if spent := took(func() { s.Close() }); spent > 2*time.Second {
		t.Fatalf("the service took %v", spent)
	}
}

// What a service is told of edges, in order.
type events struct {
	sync.Mutex
	told []string
}

func (e *events) add(format string, arguments ...any) {
	e.Lock()
	defer e.Unlock()
	e.told = append(e.told, fmt.Sprintf(format, arguments...))
}

func (e *events) all() []string {
	e.Lock()
	defer e.Unlock()
	return append([]string(nil), e.told...)
}

func (e *events) follow(t *testing.T, s service.Service) {
	t.Helper()
	check(t, s.RegisterEdgeOnline(soon(t), func(id uint64, meta []byte, addr net.Addr) error {
		e.add("online %d %s", id, meta)
		if string(meta) == "unwanted" {
			return errors.New("user exists")
		}
		return nil
	}))
	check(t, s.RegisterEdgeOffline(soon(t), func(id uint64, meta []byte, addr net.Addr) error {
		e.add("offline %d %s", id, meta)
		return nil
	}))
}

func TestTheNewestConnectionHasTheIdAndEventsComeInPairs(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "ids")
	check(t, s.RegisterGetEdgeID(soon(t), func([]byte) (uint64, error) { return 1001, nil }))
	var told events
	told.follow(t, s)
	// Whoever forwards for the first edge stops at some time: its end never answers.
	frozen := freezable(t, g.edges)
	first, err := edge.NewNoRetryEdge(dialer(frozen.addr), edge.OptionEdgeMeta([]byte("first")))
	check(t, err)
	equal(t, first.EdgeID(), 1001)
	frozen.freeze()
	for i := 2; i <= 4; i++ {
		var e edge.Edge
		spent := took(func() {
			e, err = edge.NewNoRetryEdge(dialer(g.edges), edge.OptionEdgeMeta([]byte(fmt.Sprint(i))))
		})
		check(t, err)
		if spent > 5*time.Second {
			t.Fatalf("connection %d waited %v for one that does not answer", i, spent)
		}
		check(t, e.Register(soon(t), "who", says(fmt.Sprint(i))))
		answer, err := askEdge(t, s, 1001, "who", "")
		check(t, err)
		equal(t, answer, fmt.Sprint(i))
		t.Cleanup(func() { e.Close() })
	}
	wanted := "[online 1001 first offline 1001 first online 1001 2 offline 1001 2 online 1001 3 offline 1001 3 online 1001 4]"
	eventually(t, "all is told", func() bool { return len(told.all()) == 7 })
	equal(t, fmt.Sprint(told.all()), wanted)
}

func TestAnEdgeThatIsRefusedHearsWhy(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "door")
	var told events
	told.follow(t, s)
	_, err := edge.NewEdge(dialer(g.edges), edge.OptionEdgeMeta([]byte("unwanted")))
	if err == nil || err.Error() != "user exists" {
		t.Fatalf("%v", err)
	}
	check(t, s.RegisterGetEdgeID(soon(t), func(meta []byte) (uint64, error) { return 0, errors.New("who is " + string(meta)) }))
	_, err = edge.NewEdge(dialer(g.edges), edge.OptionEdgeMeta([]byte("bob")))
	if err == nil || err.Error() != "who is bob" {
		t.Fatalf("%v", err)
	}
	for _, event := range told.all() {
		if event[:7] == "offline" {
			t.Fatalf("one that was never in left: %v", told.all())
		}
	}
}

func TestNoIdsWithoutAServiceForThemWhereThatIsAskedFor(t *testing.T) {
	edges, services := freeAddr(t), freeAddr(t)
	config := fmt.Sprintf("log: {level: warn, output: stderr}\nedgebound: {listen: {network: tcp, addr: %q}, edgeid_alloc_when_no_idservice_on: false}\n"+
		"servicebound: {listen: {network: tcp, addr: %q}}\ncontrolplane: {enable: false}\nobservability: {enable: false}\n", edges, services)
	startDaemon(t, "GATEWAY", config, edges, services)
	_, err := edge.NewEdge(dialer(edges))
	if err == nil || err.Error() != "service not online" {
		t.Fatalf("%v", err)
	}
}

func TestBothSidesComeBackAfterTheGatewayWasKilled(t *testing.T) {
	t.Parallel()
	g := startGateway(t, "")
	s := newService(t, g, "svc", "t")
	messages := receive(s)
	for i := 0; i < 20; i++ {
		check(t, s.Register(soon(t), fmt.Sprint("method-", i), echo))
	}
	e := newEdge(t, g)
	check(t, e.Register(soon(t), "ping", says("pong")))
	for round := 0; round < 2; round++ {
		g.kill()
		g.start()
		for i := 0; i < 20; i++ {
			eventually(t, "the service's methods are there again", func() bool {
				answer, err := askService(t, e, fmt.Sprint("method-", i), "up")
				return err == nil && answer == "up"
			})
		}
		eventually(t, "the edge is reached again", func() bool {
			answer, err := askEdge(t, s, e.EdgeID(), "ping", "")
			return err == nil && answer == "pong"
		})
		check(t, e.Publish(soon(t), "t", e.NewMessage([]byte("again"))))
		equal(t, string(within(t, "a message", messages).Data()), "again")
		st, err := e.OpenStream("svc")
		check(t, err)
		accepted, err := s.AcceptStream()
		check(t, err)
		_, err = st.Write([]byte("bytes"))
		check(t, err)
		came := make([]byte, 5)
		_, err = io.ReadFull(accepted, came)
		check(t, err)
		check(t, st.Close())
	}
}

func TestAnIdleConnectionStands(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 65 seconds")
	}
	t.Parallel()
	g := startGateway(t, "")
	var dialled atomic.Int32
	counted := func(addr string) func() (net.Conn, error) {
		return func() (net.Conn, error) {
			dialled.Add(1)
			return net.Dial("tcp", addr)
		}
	}
	s, err := service.NewService(counted(g.services), service.OptionServiceName("svc"))
	check(t, err)
	defer s.Close()
	check(t, s.Register(soon(t), "echo", echo))
	e, err := edge.NewEdge(counted(g.edges))
	check(t, err)
	defer e.Close()
	check(t, e.Register(soon(t), "ping", says("pong")))
	// Three of its heartbeats, and more than the silence after which a client is gone.
	time.Sleep(65 * time.Second)
	answer, err := askService(t, e, "echo", "still")
	check(t, err)
	equal(t, answer, "still")
	_, err = askEdge(t, s, e.EdgeID(), "ping", "")
	check(t, err)
	equal(t, dialled.Load(), 2)
}

// A forwarder that can stop, as a network that loses everything.
type forwarder struct {
	addr   string
	frozen chan struct{}
}

func freezable(t *testing.T, to string) *forwarder {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { listener.Close() })
	f := &forwarder{listener.Addr().String(), make(chan struct{})}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			go f.copy(near, far)
			go f.copy(far, near)
		}
	}()
	return f
}

func (f *forwarder) copy(from, to net.Conn) {
	buffer := make([]byte, 32*1024)
	for {
		count, err := from.Read(buffer)
		select {
		case <-f.frozen:
			select {}
		default:
		}
		if err != nil {
			to.Close()
			return
		}
		to.Write(buffer[:count])
	}
}

func (f *forwarder) freeze() { close(f.frozen) }
