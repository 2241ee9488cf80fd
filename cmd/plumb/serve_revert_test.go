package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// From a push of which one part fails to the request that takes that part back: the rest of it stands, later commits run, the failed effect is held and named, and the
// request is closed when a commit mended it.
func TestWhatFailsIsHeldAndOfferedToBeTakenBack(t *testing.T) {
	r := newRequested(t, "")
	config, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	r.file(r.config, strings.Replace(string(config), `interval: "1s",`, `interval: "1s", afterFailure: "revertRequest",`, 1))
	r.forge.Repository = filepath.Join(r.dir, "site.git")
	r.start("run")
	r.start("serve")
	good := r.git(r.work, "rev-parse", "HEAD")
	r.until("the first commit", func() bool { return strings.HasPrefix(r.status(good, "plumb/apply"), "success ") })

	r.declare("8Mi", "16Mi")
	bad := `package boston

import "plumbline.internal/schema"

schema.#Topology & {
	volume: huge: {pool: "disks", size: "64Mi", from: "tiny"}
	image: tiny: {host: "here", dir: "` + r.dir + `/images", source: "http://127.0.0.1:1/tiny.img", sha256: "` + strings.Repeat("0", 64) + `"}
}
`
	r.file(filepath.Join(r.work, "extra.cue"), bad)
	failed := r.push("main")
	r.until("it is told on the commit", func() bool { return strings.HasPrefix(r.status(failed, "plumb/apply"), "failure partly applied") })
	r.until("a request", func() bool { return r.forge.Pull(8).Number == 8 })
	request := r.forge.Pull(8)
	if got := r.git(r.forge.Repository, "diff", "--name-status", failed, request.Head); got != "D\textra.cue" {
		t.Errorf("the request changes %s", got)
	}
	if got := r.git(r.forge.Repository, "rev-parse", request.Head+"^"); got != failed {
		t.Errorf("it is built on %s, not on %s", got, failed)
	}

	r.declare("8Mi", "16Mi", "24Mi")
	later := r.push("main")
	r.until("a later commit runs", func() bool { return strings.HasPrefix(r.status(later, "plumb/apply"), "failure partly applied") })
	if _, err := os.Stat(filepath.Join(r.dir, "disks/disk2.qcow2")); err != nil {
		t.Error(err)
	}
	if text, _ := plumb(t, "status", "--config", r.config); !strings.Contains(text, "the same effect failed with commit "+failed[:10]) {
		t.Errorf("status has no pointer:\n%s", text)
	}

	r.git(r.work, "rm", "-q", "extra.cue")
	mended := r.push("main")
	r.until("it is mended", func() bool { return strings.HasPrefix(r.status(mended, "plumb/apply"), "success ") })
	r.until("the request is closed", func() bool { return r.forge.Pull(8).Closed })
	if r.forge.Pull(9).Number != 0 {
		t.Errorf("there is a second one: %+v", r.forge.Pull(9))
	}
}
