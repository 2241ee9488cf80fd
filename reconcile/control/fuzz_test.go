package control

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources/dir"
)

func unserved(f testing.TB) *server {
	f.Helper()
	state := f.TempDir()
	store, err := journal.Open(filepath.Join(state, "journal.db"), journal.Options{Version: "test"})
	if err != nil {
		f.Fatal(err)
	}
	empty, err := dir.Open(dir.Config{Path: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	c := reconcile.New(reconcile.Options{Config: reconcile.Config{State: state}, Kinds: actuators.NewRegistry(), Store: store, Source: empty, Evaluator: schema.InProcess()})
	f.Cleanup(func() { c.Close(); store.Close() })
	return &server{controller: c, store: store}
}

// Whatever a client asks: no panic, and an answer that can be sent.
func FuzzServer(f *testing.F) {
	for _, text := range []string{
		`{"verb":"status"}`, `{"verb":"memory"}`, `{"verb":"history","count":-1}`, `{"verb":"suspend","suspension":{"reason":"x","until":"2026-01-01T00:00:00Z"}}`, `{"verb":"suspend"}`,
		`{"verb":"resume"}`, `{"verb":"release","name":"sha256:1"}`, `{"verb":"trust","name":"../x"}`, `{"verb":"once","once":{"commit":"x"}}`, `{"verb":"incidents"}`, `{"verb":"rewind"}`,
		`{"verb":"heal","instances":[{"id":"vm/x","host":"h"}]}`, `{"verb":"apply","plan":{"steps":[{}],"changes":[null],"lanes":[{}],"gates":[{}]}}`, `{"verb":"apply","plan":{}}`, `{"verb":"x"}`,
	} {
		f.Add([]byte(text))
	}
	s := unserved(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Request
		if (codec{}).Unmarshal(data, &r) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		reply := s.answer(ctx, r, func(e run.Event) {})
		if _, err := json.Marshal(reply); err != nil {
			t.Errorf("%s: the answer cannot be sent: %v", data, err)
		}
	})
}

// What is no gRPC, and what is gRPC and breaks off, ends no server: the next who asks is answered.
func TestGarbageOnTheSocketEndsNoServer(t *testing.T) {
	s := unserved(t)
	socket := filepath.Join(t.TempDir(), "sock")
	listener, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, s.controller, s.store) }()
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for _, garbage := range []string{"", "\x00", "GET / HTTP/1.1\r\n\r\n", preface, preface + "\xff\xff\xff\x00\x00\x00\x00\x00\x00", preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x04\x01\x05\x00\x00\x00\x01\x80\x80\x80\x80"} {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(garbage)); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
	client, err := Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Status(ctx); err != nil {
		t.Error(err)
	}
	client.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
