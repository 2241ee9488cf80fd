package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// slack keeps what is posted to a webhook of Slack's form.
type slack struct {
	mu     sync.Mutex
	bodies []string
	ids    map[string]int // how often each notice came
	titles []string
}

func (s *slack) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var in struct {
		Text        string
		Attachments []struct{ Footer, Text, Color string }
	}
	data, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || json.Unmarshal(data, &in) != nil || len(in.Attachments) != 1 {
		in.Text, in.Attachments = "not Slack's form", make([]struct{ Footer, Text, Color string }, 1)
	}
	s.bodies = append(s.bodies, r.Header.Get("Authorization")+string(data))
	s.ids[in.Attachments[0].Footer]++
	s.titles = append(s.titles, in.Text)
}

// count is how many messages have a title.
func (s *slack) count(title string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.titles {
		if t == title {
			n++
		}
	}
	return n
}

// life runs a controller until it gets a signal.
func (r *requested) life() (end func(syscall.Signal)) {
	r.t.Helper()
	cmd := exec.Command("plumb", "run", "--config", r.config, "--log-level", "debug")
	cmd.Stdout, cmd.Stderr = r.log, r.log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	end = func(s syscall.Signal) {
		if cmd.ProcessState == nil {
			cmd.Process.Signal(s)
			cmd.Wait()
		}
	}
	r.t.Cleanup(func() { end(syscall.SIGTERM) })
	r.until("the controller answers", func() bool { _, code := plumb(r.t, "status", "--config", r.config); return code == exitOK })
	return end
}

// A chat and the commit hear of drift once, and once that it is over: whoever takes it over, and whatever becomes of the controller meanwhile.
func TestAChatAndTheCommitHearOfDriftOnce(t *testing.T) {
	chat := &slack{ids: map[string]int{}}
	server := httptest.NewServer(chat)
	defer server.Close()
	r := newRequested(t, "")
	r.config = filepath.Join(r.dir, "told.cue")
	r.file(filepath.Join(r.dir, "secrets/chat"), server.URL+"/services/T0/"+hookSecret+"\n")
	r.file(r.config, fmt.Sprintf(`repository: %[1]q + "/site.git"
state:      %[1]q + "/state"
socket:     %[1]q + "/plumb.sock"
local:      "here"
interval:   "1s"
secrets:    %[1]q + "/secrets"
drift: {interval: "1s", hold: "0s"}
sinks: [{slack: secret: "chat"}, {status: %[2]q, forge: "gitea", token: secret: "forge"}]
`, r.dir, r.forge.Project("gitea")))
	head := r.git(r.work, "rev-parse", "HEAD")
	disk := filepath.Join(r.dir, "disks/disk0.qcow2")
	ordered := func(args ...string) string {
		t.Helper()
		text, code := plumb(t, append(args, "--config", r.config)...)
		if code != exitOK {
			t.Fatalf("%v: %d %s", args, code, text)
		}
		return text
	}

	end := r.life()
	r.until("the commit says that it is applied", func() bool {
		return strings.HasPrefix(r.status(head, "plumb/apply"), "success ") && chat.count("ApplySucceeded") == 1
	})
	if text, code := plumb(t, "ack", "volume/disk0", "--config", r.config); code == exitOK {
		t.Errorf("nothing drifts, and somebody sees to it: %s", text)
	}
	if out, err := exec.Command("qemu-img", "resize", "-q", "--shrink", disk, "4M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.until("both hear of it", func() bool {
		return strings.HasPrefix(r.status(head, "plumb/drift"), "failure ") && chat.count("[firing] DriftDetected") == 1
	})
	if text := ordered("ack", "volume/disk0", "--reason", "the provider is at it", "--for", "2h"); !strings.Contains(text, " sees to 1 of volume/disk0 until ") {
		t.Errorf("ack says %s", text)
	}
	if text := ordered("drift"); !strings.Contains(text, "the provider is at it") {
		t.Errorf("drift does not say who sees to it: %s", text)
	}
	seen := func() bool {
		text, code := plumb(t, "drift", "--config", r.config) // it fails until all was looked at
		return code == exitOK && strings.Contains(text, "the provider is at it")
	}
	ordered("suspend", "--reason", "nothing comes back by itself")
	end(syscall.SIGTERM)
	end = r.life()
	r.until("looked at after a clean restart", seen)
	end(syscall.SIGKILL)
	end = r.life()
	r.until("looked at after a kill", seen)
	ordered("resume")
	ordered("heal", "volume/disk0@here")
	r.until("both hear that it is over", func() bool {
		return strings.HasPrefix(r.status(head, "plumb/drift"), "success ") && chat.count("[resolved] DriftHealed")+chat.count("[resolved] DriftResolved") == 1
	})
	end(syscall.SIGTERM)

	if chat.count("[firing] DriftDetected") != 1 || chat.count("Suspended") != 1 || chat.count("Resumed") != 1 {
		t.Errorf("the chat heard %q", chat.titles)
	}
	for id, n := range chat.ids {
		if n != 1 || !strings.HasPrefix(id, "plumb ") {
			t.Errorf("%q came %d times", id, n)
		}
	}
	for _, body := range chat.bodies {
		if strings.Contains(body, hookSecret) || strings.Contains(body, "t0ken") || strings.Contains(body, server.URL) {
			t.Errorf("a secret is told: %s", body)
		}
	}
	if text := ordered("history", "--export"); !strings.Contains(text, `"action":"ack","text":"`) || strings.Contains(text, hookSecret) {
		t.Errorf("the trail says %s", text)
	}
}
