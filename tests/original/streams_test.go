package original

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/singchia/geminio"
)

func TestBytesBehindTheAnswerOfAnOpeningAreNotLost(t *testing.T) {
	g := startGateway(t, "")
	s := newService(t, g, "greeter")
	go func() {
		for {
			st, err := s.AcceptStream()
			if err != nil {
				return
			}
			st.Write([]byte("hello"))
		}
	}()
	e := newEdge(t, g)
	for i := 0; i < 200; i++ {
		st, err := e.OpenStream("greeter")
		check(t, err)
		came := make(chan string, 1)
		go func() {
			greeting := make([]byte, 5)
			io.ReadFull(st, greeting)
			came <- string(greeting)
		}()
		equal(t, within(t, "the greeting", came), "hello")
		check(t, st.Close())
	}
}

func TestStreamsToNobodyEnd(t *testing.T) {
	g := startGateway(t, "")
	s, e := newService(t, g, "svc"), newEdge(t, g)
	ends := make(chan error, 1)
	st, err := e.OpenStream("nobody")
	if err == nil {
		go func() { _, err := st.Read(make([]byte, 1)); ends <- err }()
		if within(t, "the end of a stream to no service", ends) == nil {
			t.Fatal("bytes from nobody")
		}
	}
	st, err = s.OpenStream(soon(t), e.EdgeID()+1)
	if err == nil {
		go func() { _, err := st.Read(make([]byte, 1)); ends <- err }()
		if within(t, "the end of a stream to no edge", ends) == nil {
			t.Fatal("bytes from nobody")
		}
	}
}

func TestWhoOpenedAStreamIsTold(t *testing.T) {
	g := startGateway(t, "")
	s, e := newService(t, g, "svc"), newEdge(t, g)
	_, err := e.OpenStream("svc")
	check(t, err)
	st, err := s.AcceptStream()
	check(t, err)
	equal(t, st.Peer(), fmt.Sprint(e.EdgeID()))
	_, err = s.OpenStream(soon(t), e.EdgeID())
	check(t, err)
	st, err = e.AcceptStream()
	check(t, err)
	equal(t, st.Peer(), "svc")
}

func TestStreamsOpenInBothDirectionsAtOnce(t *testing.T) {
	g := startGateway(t, "")
	s, e := newService(t, g, "svc"), newEdge(t, g)
	accept := func(accept func() (geminio.Stream, error)) {
		for {
			st, err := accept()
			if err != nil {
				return
			}
			go func() {
				defer st.Close()
				bytes := make([]byte, 4)
				if _, err := io.ReadFull(st, bytes); err == nil {
					st.Write(bytes)
					io.Copy(io.Discard, st)
				}
			}()
		}
	}
	go accept(s.AcceptStream)
	go accept(e.AcceptStream)
	round := func(open func() (geminio.Stream, error)) error {
		st, err := open()
		if err != nil {
			return err
		}
		defer st.Close()
		if _, err := st.Write([]byte("ping")); err != nil {
			return err
		}
		_, err = io.ReadFull(st, make([]byte, 4))
		return err
	}
	var done sync.WaitGroup
	spent := took(func() {
		for _, open := range []func() (geminio.Stream, error){
			func() (geminio.Stream, error) { return e.OpenStream("svc") },
			func() (geminio.Stream, error) { return s.OpenStream(context.Background(), e.EdgeID()) },
		} {
			for worker := 0; worker < 4; worker++ {
				done.Add(1)
				go func() {
					defer done.Done()
					for i := 0; i < 125; i++ {
						if err := round(open); err != nil {
							t.Error(err)
							return
						}
					}
				}()
			}
		}
		done.Wait()
	})
	if spent > deadline {
		t.Fatalf("1,000 streams took %v", spent)
	}
}

// In steps that the receivers of the original hold: they lose what they do not take in time.
func TestBytesComeAsTheyWere(t *testing.T) {
	g := startGateway(t, "")
	s, e := newService(t, g, "svc"), newEdge(t, g)
	go func() {
		st, err := s.AcceptStream()
		if err == nil {
			io.Copy(st, st)
			st.Close()
		}
	}()
	st, err := e.OpenStream("svc")
	check(t, err)
	sent, came := sha256.New(), sha256.New()
	block, back := make([]byte, 64*1024), make([]byte, 64*1024)
	for i := 0; i < 256; i++ {
		copy(block, bytes.Repeat([]byte{byte(i)}, len(block)))
		sent.Write(block)
		_, err := st.Write(block)
		check(t, err)
		_, err = io.ReadFull(st, back)
		check(t, err)
		came.Write(back)
	}
	equal(t, bytes.Equal(sent.Sum(nil), came.Sum(nil)), true)
	check(t, st.Close())
}

func TestCallsAndMessagesInsideStreams(t *testing.T) {
	g := startGateway(t, "")
	s, e := newService(t, g, "svc"), newEdge(t, g)
	up, err := e.OpenStream("svc")
	check(t, err)
	down, err := s.AcceptStream()
	check(t, err)
	check(t, up.Register(soon(t), "edge's", says("from the edge")))
	check(t, down.Register(soon(t), "service's", says("from the service")))
	answer, err := up.Call(soon(t), "service's", up.NewRequest(nil))
	check(t, err)
	equal(t, string(answer.Data()), "from the service")
	answer, err = down.Call(soon(t), "edge's", down.NewRequest(nil))
	check(t, err)
	equal(t, string(answer.Data()), "from the edge")
	_, err = down.Call(soon(t), "nobody's", down.NewRequest(nil))
	fails(t, err, "no such rpc: nobody's")
	ups, downs := receive(up), receive(down)
	for i := 0; i < 100; i++ {
		check(t, up.Publish(soon(t), up.NewMessage([]byte("up"))))
		check(t, down.Publish(soon(t), down.NewMessage([]byte("down"))))
		equal(t, string(within(t, "a message", downs).Data())+string(within(t, "a message", ups).Data()), "updown")
	}
}

func TestAnEndOfTheConnectionEndsItsStreams(t *testing.T) {
	g := startGateway(t, "")
	s, e := newService(t, g, "svc"), newEdge(t, g)
	_, err := e.OpenStream("svc")
	check(t, err)
	st, err := s.AcceptStream()
	check(t, err)
	ended := make(chan error, 1)
	go func() { _, err := st.Read(make([]byte, 1)); ended <- err }()
	start := time.Now()
	check(t, e.Close())
	within(t, "the end of the stream", ended)
	if spent := time.Since(start); spent > 5*time.Second {
		t.Fatalf("it took %v", spent)
	}
}
