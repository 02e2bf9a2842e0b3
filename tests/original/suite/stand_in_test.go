// What the tests of the original take from its own TestMain, with our gateway in place of its server. ./run lays their files
// beside this one, in a folder of its own.
package suite

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/jumboframes/armorigo/log"
	"github.com/singchia/frontier/api/dataplane/v1/edge"
	"github.com/singchia/frontier/api/dataplane/v1/service"
)

var (
	testEdgeDial edge.Dialer    = edgeDialer()
	testSvcDial  service.Dialer = serviceDialer()
)

func init() {
	log.SetLevel(log.LevelFatal)
}

func edgeDialer() edge.Dialer {
	return func() (net.Conn, error) { return net.Dial("tcp", os.Getenv("EDGES")) }
}

func serviceDialer() service.Dialer {
	return func() (net.Conn, error) { return net.Dial("tcp", os.Getenv("SERVICES")) }
}

func newEdge(t *testing.T, options ...edge.EdgeOption) edge.Edge {
	t.Helper()
	e, err := edge.NewEdge(edgeDialer(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func newService(t *testing.T, options ...service.ServiceOption) service.Service {
	t.Helper()
	s, err := service.NewService(serviceDialer(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func waitTimeout(t *testing.T, done <-chan struct{}, most time.Duration) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(most):
		t.Fatal("not in time")
	}
}
