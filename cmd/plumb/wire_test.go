package main

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"plumbline/reconcile/control"
	"plumbline/reconcile/journal"
)

func TestAControllerThatStartsIsAwaited(t *testing.T) {
	dir := t.TempDir()
	s := &settings{}
	s.config.State, s.config.Socket = dir, filepath.Join(dir, "sock")
	if _, err := s.dial(t.Context()); !errors.Is(err, control.ErrNobody) {
		t.Fatalf("nobody holds the state and nobody answers, got %v", err)
	}
	store, err := journal.Open(s.storePath(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	time.AfterFunc(100*time.Millisecond, func() {
		if l, err := net.Listen("unix", s.config.Socket); err == nil {
			t.Cleanup(func() { l.Close() })
		}
	})
	client, err := s.dial(t.Context())
	if err != nil {
		t.Fatalf("the controller that held the state was not awaited: %v", err)
	}
	client.Close()
}
