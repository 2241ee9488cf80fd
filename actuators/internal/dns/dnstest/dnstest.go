// Package dnstest starts real name servers on loopback for the tests of the DNS kinds. Only tests may import it.
package dnstest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	hostexec "plumbline/reconcile/exec"
	"plumbline/sealed"
	"plumbline/testenv/need"
)

// Zone is what every server serves.
const Zone = "mycompany.test"

// Secret is the text of the key, for proxies that answer in the server's name.
const Secret = secret

const (
	secret     = "7CBW6DGQJFEQnxlnTKCjAUAHGiGBGYgVdHhH7k3zjp0="
	secretName = "tsig-boston"
)

// Server is a running name server.
type Server struct {
	T       testing.TB
	Host    actuators.Host // has the secret of the key
	Server  dns.Server     // the zone, with the key that may transfer and update
	Process *os.Process

	ended chan struct{}
}

// Kill ends the server at once.
func (s *Server) Kill() {
	s.Process.Kill()
	<-s.ended
}

// Each runs a test on every kind of server that there is.
func Each(t *testing.T, test func(*testing.T, *Server)) {
	t.Run("knot", func(t *testing.T) { test(t, Knot(t)) })
	t.Run("bind", func(t *testing.T) { test(t, Bind(t)) })
}

// Knot starts Knot. Its key "reader" may transfer and not update.
func Knot(t testing.TB) *Server {
	need.Program(t, "knotd")
	dir, port := t.TempDir(), freePort(t)
	write(t, filepath.Join(dir, "knot.conf"), fmt.Sprintf(`
server:
  rundir: %[1]q
  listen: 127.0.0.1@%[2]d
log:
  - target: stderr
    any: info
database:
  storage: %[1]q
key:
  - id: plumb
    algorithm: hmac-sha256
    secret: %[3]q
  - id: reader
    algorithm: hmac-sha256
    secret: %[3]q
acl:
  - id: all
    key: plumb
    action: [update, transfer, query]
  - id: read
    key: reader
    action: transfer
zone:
  - domain: %[4]q
    storage: %[1]q
    file: zone
    acl: [all, read]
`, dir, port, secret, Zone))
	writeZone(t, dir)
	return start(t, dir, port, "knotd", "-c", filepath.Join(dir, "knot.conf"))
}

// Bind starts BIND. Its key "reader" may transfer and not update.
func Bind(t testing.TB) *Server {
	need.Program(t, "named")
	dir, port := t.TempDir(), freePort(t)
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`
key plumb { algorithm hmac-sha256; secret %[3]q; };
key reader { algorithm hmac-sha256; secret %[3]q; };
options { directory %[1]q; listen-on port %[2]d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no; notify no; pid-file none; session-keyfile none; lock-file none; };
controls { };
zone %[4]q { type primary; file "zone"; allow-update { key plumb; }; allow-transfer { key plumb; key reader; }; };
`, dir, port, secret, Zone))
	writeZone(t, dir)
	return start(t, dir, port, "named", "-g", "-c", filepath.Join(dir, "named.conf"))
}

func writeZone(t testing.TB, dir string) {
	write(t, filepath.Join(dir, "zone"), fmt.Sprintf("$ORIGIN %s.\n$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n", Zone))
}

// start runs a server until the test ends, and waits until it serves the zone.
func start(t testing.TB, dir string, port int, argv ...string) *Server {
	t.Helper()
	must(t, os.Chmod(dir, 0o700))
	write(t, filepath.Join(dir, secretName), secret+"\n")
	write(t, filepath.Join(dir, "wrong"), "d3Jvbmc=\n")
	log := new(bytes.Buffer)
	command := exec.Command(program(argv[0]), argv[1:]...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		command.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s: %s", argv[0], log)
		}
	})
	s := &Server{T: t, Host: hostexec.NewMachine("ns1", hostexec.Dirs{State: dir, Secrets: dir, Identity: filepath.Join(dir, "age.key")}), Process: command.Process, ended: ended}
	s.Server = dns.Server{Address: fmt.Sprintf("127.0.0.1:%d", port), Zone: Zone, Key: dns.Key{Name: "plumb", Algorithm: "hmac-sha256", Secret: actuators.Secret{Name: secretName}}}
	if argv[0] == "knotd" { // so both ways of keeping a secret are proved by all that is done with servers
		s.Server.Key.Sealed = seal(t, dir)
	}
	s.wait()
	return s
}

// seal encrypts the key for the host, as the repository holds it, and takes away the host's file.
func seal(t testing.TB, dir string) string {
	identity, err := sealed.NewIdentity()
	must(t, err)
	recipient, err := sealed.Recipient(identity)
	must(t, err)
	data, err := sealed.Encrypt([]byte(secret+"\n"), []string{recipient})
	must(t, err)
	file, err := sealed.Read(data)
	must(t, err)
	write(t, filepath.Join(dir, "age.key"), string(identity))
	must(t, os.Remove(filepath.Join(dir, secretName)))
	return file.Text()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *Server) wait() {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		soa, err := s.Server.SOA(ctx, s.Host)
		if soa != nil {
			return
		}
		select {
		case <-tick.C:
		case <-s.ended:
			s.T.Fatal("the server ended")
		case <-ctx.Done():
			s.T.Fatalf("the server does not serve its zone: %v", err)
		}
	}
}

// Dig asks with a tool that is not ours and gives the short answer in one line.
func (s *Server) Dig(name, typ string) string {
	s.T.Helper()
	need.Program(s.T, "kdig")
	_, port, _ := net.SplitHostPort(s.Server.Address)
	out, err := exec.Command("kdig", "+short", "+tcp", "@127.0.0.1", "-p", port, name, typ).CombinedOutput()
	if err != nil {
		s.T.Fatalf("kdig: %v: %s", err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
