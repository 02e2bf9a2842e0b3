package original

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// One of the original's own example programs, as it is.
type program struct {
	in  io.WriteCloser
	out *lines
}

type lines struct {
	sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.text.Write(text)
}

func (l *lines) have(text string) bool {
	l.Lock()
	defer l.Unlock()
	return strings.Contains(l.text.String(), text)
}

func start(t *testing.T, example string, arguments ...string) *program {
	t.Helper()
	if _, err := os.Stat(filepath.Join(os.Getenv("ORIGINAL"), "examples", example)); err != nil {
		t.Skipf("this version has no %s", example)
	}
	path := filepath.Join(t.TempDir(), "program")
	build := []string{"build", "-o", path}
	if file := os.Getenv("MODFILE"); file != "" {
		build = append(build, "-mod=mod", "-modfile", file)
	}
	out, err := exec.Command("go", append(build, "github.com/singchia/frontier/examples/"+example)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s", err, out)
	}
	process := exec.Command(path, arguments...)
	in, err := process.StdinPipe()
	check(t, err)
	program := &program{in, &lines{}}
	process.Stdout, process.Stderr = program.out, program.out
	check(t, process.Start())
	t.Cleanup(func() {
		process.Process.Kill()
		process.Wait()
		if t.Failed() {
			t.Logf("%s printed:\n%s", example, program.out.text.String())
		}
	})
	return program
}

func (p *program) says(t *testing.T, text string) {
	t.Helper()
	eventually(t, "it prints "+text, func() bool { return p.out.have(text) })
}

func TestItsChatRoom(t *testing.T) {
	g := startGateway(t, "")
	room := start(t, "chatroom/service", "--address", g.services)
	var guests []*program
	for _, name := range []string{"alice", "bob"} {
		// Its service needs a moment to take calls; until then a guest is let in and unknown to it.
		eventually(t, name+" is in the room", func() bool {
			guest := start(t, "chatroom/client", "--address", g.edges, "--name", name)
			guest.says(t, ">>> ")
			if room.out.have("> online, name: " + name) {
				guests = append(guests, guest)
				return true
			}
			guest.in.Close()
			return false
		})
	}
	fmt.Fprintln(guests[0].in, "good morning")
	room.says(t, "[     alice]: good morning")
	guests[1].says(t, "[     alice]: good morning")
	fmt.Fprintln(guests[1].in, "good evening")
	guests[0].says(t, "[       bob]: good evening")
	second := start(t, "chatroom/client", "--address", g.edges, "--name", "bob")
	second.says(t, "new edge err: user exists")
	guests[1].in.Close()
	room.says(t, "> offline, name: bob")
}

// A player of RTMP behind the edge, the original's RTMP server behind the service: a tunnel of streams.
func TestItsRtmpServerBehindATunnel(t *testing.T) {
	g := startGateway(t, "")
	start(t, "rtmp/service", "--address", g.services)
	listen := freeAddr(t)
	start(t, "rtmp/edge", "--address", g.edges, "--listen", listen)
	for i := 0; i < 5; i++ {
		var conn net.Conn
		// The edge listens once it is connected, and the service may be later still.
		eventually(t, "the server behind the tunnel shakes hands", func() (isThere bool) {
			var err error
			if conn, err = net.Dial("tcp", listen); err != nil {
				return false
			}
			return shakeHands(conn)
		})
		defer conn.Close()
		_, err := conn.Write(connect("live"))
		check(t, err)
		came, found := make([]byte, 4096), false
		for all := ""; !found; found = strings.Contains(all, "NetConnection.Connect.Success") {
			count, err := conn.Read(came)
			check(t, err)
			all += string(came[:count])
		}
	}
}

// The client's part of the handshake: whether the server did its own.
func shakeHands(conn net.Conn) bool {
	hello := append([]byte{3}, make([]byte, 1536)...)
	for i := range hello[9:] {
		hello[9+i] = byte(i)
	}
	answer := make([]byte, 1+2*1536)
	if _, err := conn.Write(hello); err != nil {
		return false
	}
	if _, err := io.ReadFull(conn, answer); err != nil {
		return false
	}
	_, err := conn.Write(answer[1 : 1+1536])
	return err == nil && answer[0] == 3
}

// The command with which a client says which application it wants.
func connect(app string) []byte {
	text := func(text string) []byte {
		return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
	}
	body := append([]byte{2}, text("connect")...)
	body = append(body, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 3)
	body = append(append(append(body, text("app")...), 2), text(app)...)
	body = append(append(append(body, text("tcUrl")...), 2), text("rtmp://localhost/"+app)...)
	body = append(body, 0, 0, 9)
	return append([]byte{3, 0, 0, 0, 0, 0, byte(len(body)), 0x14, 0, 0, 0, 0}, body...)
}
