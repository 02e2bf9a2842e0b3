package original

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/singchia/frontier/api/dataplane/v1/edge"
	"github.com/singchia/geminio"
)

// A call that has to fail with this text.
func fails(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), text) {
		t.Fatalf("%v, and not %s", err, text)
	}
}

func TestErrorsHaveTheTextsThatApplicationsCompare(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "svc", "t")
	e := newEdge(t, g)
	refuse := func(_ context.Context, _ geminio.Request, response geminio.Response) {
		response.SetError(errors.New("not today"))
	}
	check(t, s.Register(soon(t), "refuse", refuse))
	check(t, e.Register(soon(t), "refuse", refuse))
	_, err := askService(t, e, "nobody", "")
	fails(t, err, "record not found")
	_, err = askService(t, e, "refuse", "")
	fails(t, err, "not today")
	_, err = askEdge(t, s, e.EdgeID(), "refuse", "")
	fails(t, err, "not today")
	_, err = askEdge(t, s, e.EdgeID(), "nobody", "")
	fails(t, err, "no such rpc: nobody")
	_, err = askEdge(t, s, 7, "ping", "")
	fails(t, err, "edge not online")
	fails(t, s.Publish(soon(t), 7, s.NewMessage([]byte("x"))), "edge not online")
	fails(t, e.Publish(soon(t), "nobody", e.NewMessage([]byte("x"))), "topic not online")
	go func() {
		message, err := s.Receive(context.Background())
		if err == nil {
			message.Error(errors.New("no room"))
		}
	}()
	fails(t, e.Publish(soon(t), "t", e.NewMessage([]byte("x"))), "no room")
}

func TestReservedNamesAreNoMethodsForEdges(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "svc")
	var told events
	told.follow(t, s)
	e := newEdge(t, g)
	for _, method := range []string{"edge_online", "edge_offline", "get_edge_id"} {
		if _, err := askService(t, e, method, `{"EdgeID":5,"Meta":"","Net":"tcp","Str":""}`); err == nil {
			t.Fatalf("an edge called %s", method)
		}
	}
	equal(t, len(told.all()), 1)
}

func TestOneEdgeThatIsNotThereOrTakesNothingHoldsNobodyUp(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "svc")
	silent, other := newEdge(t, g), newEdge(t, g)
	messages := receive(other)
	for i := 0; i < 40; i++ {
		fails(t, s.Publish(soon(t), 7, s.NewMessage([]byte("x"))), "edge not online")
		// It takes none of these.
		_, err := s.PublishAsync(soon(t), silent.EdgeID(), s.NewMessage([]byte("x")), make(chan *geminio.Publish, 1))
		check(t, err)
		if spent := took(func() {
			check(t, s.Publish(soon(t), other.EdgeID(), s.NewMessage([]byte("news"))))
		}); spent > 5*time.Second {
			t.Fatalf("it took %v", spent)
		}
		equal(t, string(within(t, "a message", messages).Data()), "news")
	}
	check(t, other.Register(soon(t), "ping", says("pong")))
	_, err := askEdge(t, s, other.EdgeID(), "ping", "")
	check(t, err)
}

func TestWhoAskedIsTold(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "svc", "t")
	e := newEdge(t, g)
	asked := make(chan uint64, 1)
	check(t, s.Register(soon(t), "who", func(_ context.Context, request geminio.Request, _ geminio.Response) {
		asked <- request.ClientID()
	}))
	_, err := askService(t, e, "who", "")
	check(t, err)
	equal(t, within(t, "a call", asked), e.EdgeID())
	messages := receive(s)
	message := e.NewMessage([]byte("news"))
	message.SetCustom([]byte("own"))
	check(t, e.Publish(soon(t), "t", message))
	came := within(t, "a message", messages)
	equal(t, came.ClientID(), e.EdgeID())
	equal(t, came.Topic()+" "+string(came.Custom())+" "+string(came.Data()), "t own news")
}

func TestServicesThatCameTogetherKeepWhatIsTheirsWhenOneLeaves(t *testing.T) {
	g := startGateway(t, "")
	e := newEdge(t, g)
	first := newService(t, g, "svc-0", "t-0")
	check(t, first.Register(soon(t), "method-0", echo))
	for i := 1; i < 10; i++ {
		s := newService(t, g, fmt.Sprint("svc-", i), fmt.Sprint("t-", i))
		check(t, s.Register(soon(t), fmt.Sprint("method-", i), echo))
		receive(s)
	}
	check(t, first.Close())
	eventually(t, "its method is gone", func() bool { _, err := askService(t, e, "method-0", ""); return err != nil })
	fails(t, e.Publish(soon(t), "t-0", e.NewMessage(nil)), "topic not online")
	for i := 1; i < 10; i++ {
		_, err := askService(t, e, fmt.Sprint("method-", i), "x")
		check(t, err)
		check(t, e.Publish(soon(t), fmt.Sprint("t-", i), e.NewMessage([]byte("x"))))
	}
}

func TestNamesAreExact(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "svc")
	e := newEdge(t, g)
	for _, name := range []string{"echo", "Echo", `with "quotes"`, `back\slash`, `{"a":1}`, "*", "日本語", "a b"} {
		check(t, s.Register(soon(t), name, says(name)))
		answer, err := askService(t, e, name, "")
		check(t, err)
		equal(t, answer, name)
	}
	_, err := askService(t, e, "ECHO", "")
	fails(t, err, "record not found")
}

func TestMethodsComeAndServicesLeaveUnderCalls(t *testing.T) {
	g := startGateway(t, "")
	var edges []edge.Edge
	for i := 0; i < 4; i++ {
		edges = append(edges, newEdge(t, g))
	}
	stop, done := make(chan struct{}), new(sync.WaitGroup)
	for _, e := range edges {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					answer, err := askService(t, e, fmt.Sprint("method-", i%10), "x")
					if err == nil && answer != "x" {
						t.Errorf("a wrong answer: %q", answer)
					}
				}
			}
		}()
	}
	for round := 0; round < 20; round++ {
		s := newService(t, g, "svc")
		for i := 0; i < 10; i++ {
			check(t, s.Register(soon(t), fmt.Sprint("method-", i), echo))
		}
		check(t, s.Close())
	}
	close(stop)
	done.Wait()
	s := newService(t, g, "svc")
	check(t, s.Register(soon(t), "after", echo))
	_, err := askService(t, edges[0], "after", "x")
	check(t, err)
}

func TestLargePayloads(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "svc")
	check(t, s.Register(soon(t), "echo", echo))
	e := newEdge(t, g)
	check(t, e.Register(soon(t), "echo", echo))
	for _, len := range []int{0, 1, 64 * 1024, 64*1024 + 1, 1 << 20, 5 << 20} {
		data := strings.Repeat("x", len)
		answer, err := askService(t, e, "echo", data)
		check(t, err)
		equal(t, answer == data, true)
		answer, err = askEdge(t, s, e.EdgeID(), "echo", data)
		check(t, err)
		equal(t, answer == data, true)
	}
	// What no packet carries harms this connection at most, and nobody else.
	other := newEdge(t, g)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := e.Call(ctx, "echo", e.NewRequest(make([]byte, 64<<20))); err == nil {
		t.Fatal("64 MiB went through")
	}
	_, err := askService(t, other, "echo", "x")
	check(t, err)
}
