package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plumbline/sources/forge/forgetest"
	"plumbline/testenv/need"
)

// requested is a site of one host with a forge, a branch and requests for it.
type requested struct {
	t         *testing.T
	dir, work string
	config    string
	forge     *forgetest.Forge
	log       *output
}

const hookSecret = "h00k s3cret"

// newRequested makes the site, with what its controller's file says beside the usual.
func newRequested(t *testing.T, more string) *requested {
	t.Helper()
	need.Program(t, "git")
	need.Program(t, "qemu-img")
	r := &requested{t: t, dir: t.TempDir(), forge: forgetest.New(t), log: &output{}}
	r.forge.Secrets = []string{hookSecret}
	r.work, r.config = filepath.Join(r.dir, "work"), filepath.Join(r.dir, "plumb.cue")
	for name, text := range map[string]string{"secrets/forge": "t0ken\n", "secrets/hook": hookSecret + "\n"} {
		r.file(filepath.Join(r.dir, name), text)
	}
	r.file(r.config, fmt.Sprintf(`repository: %[1]q + "/site.git"
state:      %[1]q + "/state"
socket:     %[1]q + "/plumb.sock"
local:      "here"
secrets:    %[1]q + "/secrets"
forge: {kind: "gitea", project: %[2]q, token: secret: "forge", interval: "1s", listen: "127.0.0.1:0", hooks: [{secret: "hook"}]}
%[3]s
`, r.dir, r.forge.Project("gitea"), more))
	r.git(r.dir, "init", "-q", "--bare", "-b", "main", "site.git")
	r.git(r.dir, "init", "-q", "-b", "main", "work")
	r.git(r.work, "remote", "add", "origin", "../site.git")
	r.declare("8Mi")
	r.push("main")
	return r
}

func (r *requested) file(path, text string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// declare writes a topology with volumes of these sizes.
func (r *requested) declare(sizes ...string) {
	text := "package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: boston: {}\n\thost: here: site: \"boston\"\n" +
		fmt.Sprintf("\tpool: disks: {host: \"here\", dir: %q}\n", filepath.Join(r.dir, "disks"))
	for n, size := range sizes {
		text += fmt.Sprintf("\tvolume: disk%d: {pool: \"disks\", size: %q}\n", n, size)
	}
	r.file(filepath.Join(r.work, "site.cue"), text+"}\n")
}

func (r *requested) git(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@boston", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@boston")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// push commits what is declared and pushes it to a branch.
func (r *requested) push(branch string) string {
	r.t.Helper()
	r.git(r.work, "add", "-A")
	r.git(r.work, "commit", "-q", "--allow-empty", "-m", "change")
	r.git(r.work, "push", "-q", "-f", "origin", "HEAD:"+branch)
	return r.git(r.work, "rev-parse", "HEAD")
}

// request pushes what is declared as request 7.
func (r *requested) request(sizes ...string) string {
	r.t.Helper()
	r.declare(sizes...)
	head := r.push("more")
	r.forge.Set(forgetest.Pull{Number: 7, Head: head, Branch: "main", Author: "ada"})
	return head
}

// output is what a program prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // not embedded: its ReadFrom would go around the lock
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a daemon to the end of the test.
func (r *requested) start(word string) {
	r.t.Helper()
	cmd := exec.Command("plumb", word, "--config", r.config, "--log-level", "debug")
	cmd.Stdout, cmd.Stderr = r.log, r.log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			r.t.Errorf("plumb %s: %v", word, err)
		}
		if r.t.Failed() {
			r.t.Logf("%s", r.log)
		}
	})
}

// until waits for something to be so.
func (r *requested) until(what string, so func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not within a minute: %s\n%+v\n%v\n%s", what, r.forge.Comments(), r.forge.Statuses(), r.log)
		}
	}
}

// comment is the one of request 7 that is ours and begins with a marker.
func (r *requested) comment(marker string) string {
	text, n := "", 0
	for _, c := range r.forge.Comments() {
		if c.Author == r.forge.Login && strings.HasPrefix(c.Body, "<!-- plumb:"+marker) {
			text, n = c.Body, n+1
		}
	}
	if n > 1 {
		r.t.Errorf("%d comments of %s", n, marker)
	}
	return text
}

// status is the last one of a commit.
func (r *requested) status(commit, context string) (last string) {
	for _, s := range r.forge.Statuses() {
		if s["commit"] == commit && s["context"] == context {
			last = s["state"] + " " + s["description"]
		}
	}
	return last
}

var hooksAt = regexp.MustCompile(`"address":"([^"]+)","path":"([^"]+)"`)

// deliver sends a webhook as Gitea does, and gives the code of the answer.
func (r *requested) deliver(id, body string) int {
	r.t.Helper()
	at := hooksAt.FindStringSubmatch(r.log.String())
	q, err := http.NewRequest(http.MethodPost, "http://"+at[1]+at[2], strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	q.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	q.Header.Set("X-Gitea-Delivery", id)
	q.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestARequestIsToldFromTheFirstPushToWhatCameOfIt(t *testing.T) {
	r := newRequested(t, "preview: required: true\n")
	if text, code := plumb(t, "apply", "--unseen", "--auto-approve", "--config", r.config); code != exitOK {
		t.Fatalf("exit code %d: %s", code, text)
	}
	base := r.git(r.work, "rev-parse", "main")
	head := r.request("8Mi", "16Mi")
	r.start("run")
	r.start("serve")
	r.until("a first comment", func() bool { return strings.Contains(r.comment("preview"), "`volume/disk1@here`") })
	r.until("a status", func() bool { return r.status(head, "plumb/plan") == "success +1" })

	for n := range 3 { // three pushes and their hooks make one comment, with the last commit
		head = r.request("8Mi", fmt.Sprintf("%dMi", 24+8*n))
		if code := r.deliver(fmt.Sprint("push ", n), fmt.Sprintf(`{"action":"synchronized","number":7,"pull_request":{"number":7,"title":"%d"}}`, n)); code != http.StatusAccepted {
			t.Errorf("a webhook is answered with %d", code)
		}
	}
	r.until("the last commit", func() bool {
		return strings.Contains(r.comment("preview"), "head="+head) && strings.Contains(r.comment("preview"), "make 40Mi")
	})

	r.git(r.work, "checkout", "-q", "main")
	r.git(r.work, "merge", "-q", "--no-ff", "-m", "merge", head)
	merged := r.push("main")
	r.forge.Set(forgetest.Pull{Number: 7, Head: head, Branch: "main", Author: "ada", Closed: true, Merged: merged})
	r.until("what came of it", func() bool { return strings.HasPrefix(r.status(merged, "plumb/apply"), "success applied in ") })
	if base == merged {
		t.Error("nothing was merged")
	}
}

// Approvals are signed commits of the request: they are counted before it is merged, and what the comment counts is what the controller counts.
func TestApprovalsAreCountedBeforeTheMerge(t *testing.T) {
	need.Program(t, "ssh-keygen")
	signers := filepath.Join(t.TempDir(), "signers")
	r := newRequested(t, fmt.Sprintf(`trust: {mode: "range", signers: %q, paths: "net/**": {approvals: 2, of: ["ada@*", "bob@*", "eve@*"]}}`+"\n", signers))
	list := ""
	for _, who := range []string{"ada", "bob", "eve"} {
		key := filepath.Join(r.dir, who)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		list += who + "@boston " + string(public)
	}
	r.file(signers, list)
	r.git(r.work, "config", "gpg.format", "ssh")
	commit := func(branch, who string, args ...string) string {
		r.git(r.work, "add", "-A")
		r.git(r.work, append([]string{"-c", "user.signingkey=" + filepath.Join(r.dir, who), "commit", "-q", "--allow-empty", "-S", "-m", "change"}, args...)...)
		r.git(r.work, "push", "-q", "-f", "origin", "HEAD:"+branch)
		head := r.git(r.work, "rev-parse", "HEAD")
		if branch != "main" {
			r.forge.Set(forgetest.Pull{Number: 7, Head: head, Branch: "main", Author: "ada"})
		}
		return head
	}
	commit("main", "ada", "--amend")
	if text, code := plumb(t, "apply", "--auto-approve", "--config", r.config); code != exitOK {
		t.Fatalf("exit code %d: %s", code, text)
	}
	r.file(filepath.Join(r.work, "net", "net.cue"), "package net\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tvolume: keys: {pool: \"disks\", size: \"8Mi\"}\n}\n")
	head := commit("more", "ada")
	r.start("serve")
	r.until("nobody agreed", func() bool { return strings.Contains(r.comment("preview"), "\n- 0 of 2 approvals, wanted by `net/**`") })
	effect := regexp.MustCompile("Plumb-Approve: (sha256:[0-9a-f]{64})").FindStringSubmatch(r.comment("preview"))[1]
	if got := r.status(head, "plumb/policy"); got != "pending 0 of 2 approvals for net/**" {
		t.Errorf("status %q", got)
	}
	commit("more", "ada", "--trailer", "Plumb-Approve: "+effect) // who wrote it is none of them
	commit("more", "bob", "--trailer", "Plumb-Approve: "+effect)
	r.until("one agreed", func() bool { return strings.Contains(r.comment("preview"), "\n- 1 of 2 approvals by `bob@boston`") })
	head = commit("more", "eve", "--trailer", "Plumb-Approve: "+effect)
	r.until("two agreed", func() bool { return r.status(head, "plumb/policy") == "success 2 of 2 approvals for net/**" })
	r.git(r.work, "push", "-q", "origin", "HEAD:main")
	if text, code := plumb(t, "apply", "--auto-approve", "--config", r.config); code != exitOK || !strings.Contains(text, "applied:") {
		t.Errorf("exit code %d: %s", code, text)
	}
}
