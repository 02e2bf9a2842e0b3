package original

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/singchia/frontier/api/dataplane/v1/service"
)

func startMember(t *testing.T, plane, id string) *gateway {
	t.Helper()
	return startGateway(t, fmt.Sprintf("daemon: {frontier_id: %s}\nfrontlas: {enable: true, dial: {network: tcp, addrs: [%q]}}\n", id, plane))
}

// Its cluster service at our frontlas, with edges at two gateways.
func TestItsClusterService(t *testing.T) {
	control, plane := startFrontlas(t)
	gateways := []*gateway{startMember(t, plane, "one"), startMember(t, plane, "two")}
	// It asks when it is made, and again after 10 s alone.
	eventually(t, "frontlas knows both gateways", func() bool {
		answer, err := http.Get("http://" + control + "/cluster/v1/frontiers")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		list, _ := io.ReadAll(answer.Body)
		return strings.Contains(string(list), `"one"`) && strings.Contains(string(list), `"two"`)
	})
	s, err := service.NewClusterService(control, service.OptionServiceName("svc"),
		service.OptionServiceReceiveTopics([]string{"t"}))
	check(t, err)
	check(t, s.Register(soon(t), "echo", echo))
	var told events
	told.follow(t, s)
	for _, g := range gateways {
		e := newEdge(t, g)
		eventually(t, "the cluster service is at the gateway", func() bool {
			answer, err := askService(t, e, "echo", "x")
			return err == nil && answer == "x"
		})
	}
	messages := receive(s)
	for _, g := range gateways {
		e := newEdge(t, g)
		check(t, e.Register(soon(t), "ping", says("pong")))
		answer, err := askService(t, e, "echo", "up")
		check(t, err)
		equal(t, answer, "up")
		// It finds the edge through GetFrontierByEdge, which knows of it a moment later.
		eventually(t, "the edge is found", func() bool {
			answer, err := askEdge(t, s, e.EdgeID(), "ping", "")
			return err == nil && answer == "pong"
		})
		check(t, e.Publish(soon(t), "t", e.NewMessage([]byte("news"))))
		equal(t, within(t, "a message", messages).ClientID(), e.EdgeID())
		edgesMessages := receive(e)
		check(t, s.Publish(soon(t), e.EdgeID(), s.NewMessage([]byte("down"))))
		equal(t, string(within(t, "a message", edgesMessages).Data()), "down")
		st, err := s.OpenStream(soon(t), e.EdgeID())
		check(t, err)
		accepted, err := e.AcceptStream()
		check(t, err)
		_, err = st.Write([]byte("hello"))
		check(t, err)
		came := make([]byte, 5)
		_, err = io.ReadFull(accepted, came)
		check(t, err)
		equal(t, string(came), "hello")
		up, err := e.OpenStream("svc")
		check(t, err)
		down, err := s.AcceptStream()
		check(t, err)
		equal(t, down.Peer(), fmt.Sprint(e.EdgeID()))
		check(t, up.Close())
		online := fmt.Sprintf("online %d ", e.EdgeID())
		eventually(t, "it is told of the edge", func() bool {
			for _, event := range told.all() {
				if event == online {
					return true
				}
			}
			return false
		})
	}
}
