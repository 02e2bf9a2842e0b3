// The original's own SDK, unchanged, at our gateway: run by hand with ./run, since its modules cannot be fetched everywhere.
package original

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jumboframes/armorigo/log"
)

// How long anything may take that is waited for.
const deadline = 20 * time.Second

func init() {
	log.SetLevel(log.LevelFatal)
}

// A daemon as a process of its own, which can be killed and started again where it was.
type daemon struct {
	t       *testing.T
	program string
	config  string
	listens []string
	process *exec.Cmd
}

// A gateway.
type gateway struct {
	*daemon
	edges, services string
}

// Starts a gateway; extra is YAML behind the listeners.
func startGateway(t *testing.T, extra string) *gateway {
	t.Helper()
	edges, services := freeAddr(t), freeAddr(t)
	config := fmt.Sprintf(`
log: {level: warn, output: stderr}
edgebound: {listen: {network: tcp, addr: "%s"}, edgeid_alloc_when_no_idservice_on: true}
servicebound: {listen: {network: tcp, addr: "%s"}}
controlplane: {enable: false}
observability: {enable: false}
%s`, edges, services, extra)
	return &gateway{startDaemon(t, "GATEWAY", config, edges, services), edges, services}
}

// Starts a frontlas: where services ask it, and where gateways report.
func startFrontlas(t *testing.T) (control, plane string) {
	t.Helper()
	control, plane = freeAddr(t), freeAddr(t)
	config := fmt.Sprintf(`
log: {level: warn, output: stderr}
control_plane: {listen: {network: tcp, addr: "%s"}}
frontier_plane: {listen: {network: tcp, addr: "%s"}}
observability: {enable: false}
`, control, plane)
	startDaemon(t, "FRONTLAS", config, control, plane)
	return control, plane
}

func startDaemon(t *testing.T, variable, config string, listens ...string) *daemon {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Fatalf("%s names no program: tests are started with ./run", variable)
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, program: program, config: path, listens: listens}
	d.start()
	t.Cleanup(d.kill)
	return d
}

func (d *daemon) start() {
	d.t.Helper()
	d.process = exec.Command(d.program, "--config", d.config)
	d.process.Stderr = os.Stderr
	if err := d.process.Start(); err != nil {
		d.t.Fatal(err)
	}
	for _, addr := range d.listens {
		eventually(d.t, "it listens", func() bool {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
}

// Ends it without a word.
func (d *daemon) kill() {
	d.process.Process.Kill()
	d.process.Wait()
}

// An address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Waits until this holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// What comes on a channel in time.
func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(deadline):
		t.Fatalf("not in time: %s", what)
		panic("unreachable")
	}
}
