package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/reconcile"
)

// TestTheLoopOutlivesAHostileRemote lets a forge send a pack without end, then one byte at a time: the loop says which limit ended it,
// stays with the last good commit, and follows the forge when it is itself again.
func TestTheLoopOutlivesAHostileRemote(t *testing.T) {
	type attack struct {
		digits, piece string
		wait          time.Duration
	}
	var now atomic.Pointer[attack] // nil while the forge is itself
	h := hostileAt(t, func(h *hostile) string {
		git := &cgi.Handler{Path: filepath.Join(h.git([]byte{}, "--exec-path"), "git-http-backend"),
			Env: []string{"GIT_PROJECT_ROOT=" + h.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}, Stderr: io.Discard}
		forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := now.Load()
			switch {
			case a == nil:
				git.ServeHTTP(w, r)
			case r.Method == http.MethodGet:
				w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
				ref := strings.Repeat(a.digits, 20) + " refs/heads/main\x00agent=x\n"
				fmt.Fprintf(w, "001e# service=git-upload-pack\n0000%04x%s0000", len(ref)+4, ref)
			default:
				_, err := io.WriteString(w, "0008NAK\nPACK\x00\x00\x00\x02\x00\x00\x00\x05")
				for err == nil {
					_, err = io.WriteString(w, a.piece)
					w.(http.Flusher).Flush()
					<-time.After(a.wait)
				}
			}
		}))
		t.Cleanup(forge.Close)
		return forge.URL + "/repo.git"
	}, "fetch: {bytes: \"1Mi\", time: \"2s\"}\n")
	for want, a := range map[string]*attack{
		"raise fetch.bytes in the controller's file":              {"11", strings.Repeat("x", 1<<16), 0},
		"it may last 2s: see fetch.time in the controller's file": {"22", "x", 10 * time.Millisecond},
	} {
		h.good(h.commits)
		last := h.git(nil, "rev-parse", "refs/heads/main")
		now.Store(a)
		s := h.until("the forge is refused", func(s reconcile.Status) bool { return strings.Contains(s.Source, want) })
		if s.Applied != last {
			t.Errorf("%s is applied, not %s", s.Applied, last)
		}
		now.Store(nil)
	}
	h.good(h.commits)
}
