package original

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/singchia/frontier/api/dataplane/v1/edge"
	"github.com/singchia/frontier/api/dataplane/v1/service"
	"github.com/singchia/geminio"
)

func dialer(addr string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial("tcp", addr) }
}

func newEdge(t *testing.T, g *gateway, options ...edge.EdgeOption) edge.Edge {
	t.Helper()
	e, err := edge.NewEdge(dialer(g.edges), options...)
	check(t, err)
	t.Cleanup(func() { e.Close() })
	return e
}

func newService(t *testing.T, g *gateway, name string, topics ...string) service.Service {
	t.Helper()
	options := []service.ServiceOption{service.OptionServiceName(name)}
	if len(topics) > 0 {
		options = append(options, service.OptionServiceReceiveTopics(topics))
	}
	s, err := service.NewService(dialer(g.services), options...)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

func echo(_ context.Context, request geminio.Request, response geminio.Response) {
	response.SetData(request.Data())
}

// A method that answers with this.
func says(text string) geminio.RPC {
	return func(_ context.Context, _ geminio.Request, response geminio.Response) {
		response.SetData([]byte(text))
	}
}

// Calls a service: the answer, or the error's text.
func askService(t *testing.T, e edge.Edge, method, data string) (string, error) {
	t.Helper()
	response, err := e.Call(soon(t), method, e.NewRequest([]byte(data)))
	if err != nil {
		return "", err
	}
	return string(response.Data()), response.Error()
}

// Calls an edge.
func askEdge(t *testing.T, s service.Service, id uint64, method, data string) (string, error) {
	t.Helper()
	response, err := s.Call(soon(t), id, method, s.NewRequest([]byte(data)))
	if err != nil {
		return "", err
	}
	return string(response.Data()), response.Error()
}

// Acknowledges every message, and passes it on.
func receive(from interface {
	Receive(context.Context) (geminio.Message, error)
}) <-chan geminio.Message {
	messages := make(chan geminio.Message, 1024)
	go func() {
		for {
			message, err := from.Receive(context.Background())
			if err != nil {
				return
			}
			message.Done()
			messages <- message
		}
	}()
	return messages
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Fatalf("%v, and not %v", got, wanted)
	}
}

// How long it takes.
func took(act func()) time.Duration {
	start := time.Now()
	act()
	return time.Since(start)
}
