package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"plumbline/sources"
	"plumbline/sources/git"
)

// sshd serves git-upload-pack to one key, and nothing else.
type sshd struct {
	t         *testing.T
	config    *ssh.ServerConfig
	listener  net.Listener
	clientPEM string // private key that is let in
	known     string // line for known_hosts: the Ed25519 key only
}

func newSSHD(t *testing.T) *sshd {
	t.Helper()
	client, clientPEM := keyPair(t)
	host, hostPEM := keyPair(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaHost, err := ssh.NewSignerFromKey(other)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(hostPEM))
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{t: t, clientPEM: clientPEM}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.Marshal()) {
			return nil, ssh.ErrNoAuth
		}
		return nil, nil
	}}
	s.config.AddHostKey(rsaHost) // first choice of some clients, unknown to ours
	s.config.AddHostKey(signer)
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	s.known = "[127.0.0.1]:" + port + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host))) + "\n"
	go func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func keyPair(t *testing.T) (ssh.PublicKey, string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(block))
}

func (s *sshd) serve(conn net.Conn) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go session(channel, requests)
	}
}

// session runs git-upload-pack 'PATH' and reports its exit status.
func session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		var line struct{ Command string }
		ssh.Unmarshal(r.Payload, &line)
		path, ok := strings.CutPrefix(line.Command, "git-upload-pack ")
		r.Reply(r.Type == "exec" && ok, nil)
		if r.Type != "exec" || !ok {
			continue
		}
		cmd := exec.Command("git", "upload-pack", strings.Trim(path, "'"))
		cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		status := struct{ Status uint32 }{1}
		if err == nil {
			go copyAndClose(in, channel)
			cmd.Wait()
			status.Status = uint32(cmd.ProcessState.ExitCode())
		}
		channel.SendRequest("exit-status", false, ssh.Marshal(status))
		return
	}
}

func (s *sshd) gitConfig(w *world) git.Config {
	dir := s.t.TempDir()
	return git.Config{
		URL:      "ssh://git@" + s.listener.Addr().String() + w.bare,
		CacheDir: dir,
		Interval: 20 * time.Millisecond,
		Auth:     git.Auth{KeyFile: file(s.t, dir, "key", s.clientPEM), KnownHosts: file(s.t, dir, "known_hosts", s.known)},
	}
}

func TestSSHFetchesAndPolls(t *testing.T) {
	w := newWorld(t)
	first := w.push("a.cue", "package a\n")
	s := w.open(newSSHD(t).gitConfig(w))
	if c := head(t, s); c.ID != first {
		t.Fatalf("head = %s, want %s", c.ID, first)
	}
	c := hints(t, s)
	second := w.push("a.cue", "package b\n")
	until(t, c, "the push is polled", second)
	wantFile(t, tree(t, s, second), "a.cue", "package b\n")
}

func TestSSHChecksHostKeyAndKey(t *testing.T) {
	w := newWorld(t)
	w.push("a.cue", "package a\n")
	d := newSSHD(t)
	c := d.gitConfig(w)
	stranger, _ := keyPair(t)
	host, _, _ := strings.Cut(d.known, " ")
	c.Auth.KnownHosts = file(t, t.TempDir(), "known_hosts", host+" "+string(ssh.MarshalAuthorizedKey(stranger)))
	wantUnreachable(t, w.open(c), "knownhosts: key mismatch")
	c.Auth.KnownHosts = file(t, t.TempDir(), "known_hosts", "")
	wantUnreachable(t, w.open(c), "knownhosts: key is unknown")

	c = d.gitConfig(w)
	_, other := keyPair(t)
	c.Auth.KeyFile = file(t, t.TempDir(), "key", other)
	wantUnreachable(t, w.open(c), "unable to authenticate")
}

func TestSSHMissingRepository(t *testing.T) {
	w := newWorld(t)
	c := newSSHD(t).gitConfig(w)
	c.URL += ".none"
	_, err := w.open(c).Head(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is not there") {
		t.Errorf("error = %v", err)
	}
}

// A server that accepts and says nothing: the handshake heeds no context, but ends with its connection.
func TestSilentSSHServerEndsInTime(t *testing.T) {
	w := newWorld(t)
	d := newSSHD(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() }) // resets the connections that nobody accepted
	c := d.gitConfig(w)
	c.URL = "ssh://git@" + silent.Addr().String() + w.bare
	c.Intake.Time = 50 * time.Millisecond
	s := w.open(c)
	for range 3 {
		wantUnreachable(t, s, "it may last 50ms")
	}
}

// What ssh brings in is counted where it is dialled, in the list of refs and in the pack.
func TestSSHSendsNoMoreThanItMay(t *testing.T) {
	w := newWorld(t)
	w.write("noise", noise(1))
	w.push("a.cue", "package a\n")
	c := newSSHD(t).gitConfig(w)
	c.Intake.Bytes = 32 << 10
	_, err := w.open(c).Head(t.Context())
	if !errors.Is(err, sources.ErrLimit) || !strings.Contains(err.Error(), "raise fetch.bytes") {
		t.Errorf("error = %v", err)
	}
	c.Intake.Bytes = 1 << 20
	head(t, w.open(c))
}

func copyAndClose(to io.WriteCloser, from io.Reader) {
	io.Copy(to, from)
	to.Close()
}
