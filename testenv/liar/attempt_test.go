package liar

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/reconcile"
	hostexec "plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/sources/dir"
)

// settle applies until nothing is left to do.
func (a *attempt) settle() {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		p := a.plan()
		if p.Empty() && len(p.Refusals) == 0 {
			return
		}
		if ctx.Err() != nil {
			var text strings.Builder
			_ = p.WriteText(&text, plan.Style{})
			a.t.Fatalf("%s: it does not settle:\n%s", a.id, text.String())
		}
		result, err := a.controller.Apply(ctx, p, nil)
		a.must(err)
		a.release(result)
		parked, err := a.store.Parked()
		a.must(err)
		for digest := range parked {
			_, err := a.store.Unpark(digest)
			a.must(err)
		}
	}
}

func (a *attempt) plan() *plan.Plan {
	a.t.Helper()
	head, err := a.source.Head(a.t.Context())
	a.must(err)
	p, err := a.controller.Plan(a.t.Context(), head.ID)
	a.must(err)
	return p
}

// seen holds what is there against what is declared: all of it once, or nothing but what a removal set aside, once.
func (a *attempt) seen(present bool) {
	a.t.Helper()
	files, err := filepath.Glob(filepath.Join(a.at, "pool", "[^.]*.qcow2"))
	a.must(err)
	var disks []string
	for _, file := range files {
		disks = append(disks, number.ReplaceAllString(filepath.Base(file), "-N"))
	}
	got := fmt.Sprintf("domain %q, aside %q, network %q, disks %q", a.domain("-v"), number.ReplaceAllString(a.domain(""), "-N"),
		sh(a.t, "virsh -q net-list --all --name | grep -x -- net-"+a.id+" || true"), disks)
	want := `domain "", aside "", network "", disks []`
	switch {
	case present:
		want = fmt.Sprintf(`domain "vm-%[1]s running", aside "", network "net-%[1]s", disks ["disk.qcow2"]`, a.id)
	case a.scene == "removal":
		want = fmt.Sprintf(`domain "", aside "vm-%[1]s.plumb-retired-N shut off", network "", disks ["disk.plumb-retired-N.qcow2"]`, a.id)
	}
	if got != want {
		a.t.Errorf("%s: there is %s, want %s", a.id, got, want)
	}
}

var number = regexp.MustCompile(`-[0-9]{9,}`)

// domain is the domains of the attempt with their states: those that are set aside, or with "-v" all others.
func (a *attempt) domain(not string) string {
	return sh(a.t, `for d in $(virsh -q list --all --name | grep -E -- "^vm-`+a.id+`([.]|$)" | grep `+not+` -- plumb-retired); do echo $d $(virsh domstate $d); done`)
}

// begin makes a controller and a host whose libvirtd is behind a proxy. What it gives ends all of it.
func (a *attempt) begin() (end func()) {
	a.t.Helper()
	a.at = a.t.TempDir()
	a.must(os.Mkdir(filepath.Join(a.at, "work"), 0o755))
	socket, err := os.MkdirTemp("", "liar-") // a socket's path is short
	a.must(err)
	a.proxy, err = NewLibvirt(filepath.Join(socket, "libvirt"), daemon)
	a.must(err)
	a.declare(false)
	a.source, err = dir.Open(dir.Config{Path: filepath.Join(a.at, "work"), NoEvents: true})
	a.must(err)
	a.store, err = journal.Open(filepath.Join(a.at, "state", "journal.db"), journal.Options{Version: "test"})
	a.must(err)
	kinds := all.Registry()
	a.controller = reconcile.New(reconcile.Options{
		Config: reconcile.Config{State: filepath.Join(a.at, "state")}, Kinds: kinds, Source: a.source, Store: a.store,
		Dial: func(_ context.Context, host, _ string) (hostexec.Executor, error) {
			machine := hostexec.NewMachine(host, hostexec.Dirs{State: filepath.Join(a.at, cmp.Or(host, "here"))})
			return &watched{hostexec.Local(kinds, behind{machine, a.proxy.Socket}, hostexec.Options{}), a}, nil
		},
	})
	return func() {
		a.controller.Close()
		a.store.Close()
		a.proxy.Close()
		os.RemoveAll(socket)
		sh(a.t, `for d in $(virsh -q list --all --name | grep -E -- "^vm-`+a.id+`([.]|$)"); do virsh -q destroy $d || true; virsh -q undefine $d; done 2>/dev/null
			for n in $(virsh -q net-list --all --name | grep -x -- "net-`+a.id+`"); do virsh -q net-destroy $n || true; virsh -q net-undefine $n; done 2>/dev/null`)
	}
}

// declare writes the topology: the ground alone, or all.
func (a *attempt) declare(all bool) {
	more := ""
	if all {
		more = fmt.Sprintf(`network: "net-%[1]s": {host: "h", bridge: "app", cidr: "10.1.1.0/24"}
	volume: disk: {pool: "images", size: "1Mi"}
	vm: "vm-%[1]s": {host: "h", cpu: {now: 1, max: 1}, memory: {now: "16Mi", max: "16Mi"}, disks: [{volume: "disk"}],
		nics: [{network: "net-%[1]s", address: "10.1.1.12"}], autostart: true, accel: "tcg", stop: timeout: "1s"}`, a.id)
	}
	text := fmt.Sprintf(`package boston

import "plumbline.internal/schema"

schema.#Topology & {
	site: boston: {}
	host: h: {site: "boston", hardware: memory: "64Gi"}
	bridge: app: {host: "h", manage: "observe", ports: ["spare"]}
	pool: images: {host: "h", dir: %q}
	%s
}
`, filepath.Join(a.at, "pool"), more)
	a.must(os.WriteFile(filepath.Join(a.at, "work", "site.cue"), []byte(text), 0o600))
}

func (a *attempt) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%s: %v", a.id, err)
	}
}

func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// behind is a host whose libvirtd is reached through a proxy.
type behind struct {
	actuators.Host
	socket string
}

func (b behind) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address == daemon {
		address = b.socket
	}
	return b.Host.Dial(ctx, network, address)
}

// hang is how long after its time a verb is thought never to end.
const hang = 30 * time.Second

// watched is an executor of which every verb must end in its time.
type watched struct {
	hostexec.Executor
	a *attempt
}

func (w *watched) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	if w.a.n > 0 && w.a.strict.Load() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience())
		defer cancel()
		defer w.timed("observe", hostexec.Call{Timeout: patience()})()
	}
	return w.Executor.Observe(ctx, kind, sc)
}

func (w *watched) Capture(ctx context.Context, c hostexec.Call) (json.RawMessage, error) {
	defer w.timed("capture", c)()
	return w.Executor.Capture(ctx, c)
}

func (w *watched) Do(ctx context.Context, c hostexec.Call) error {
	if w.a.strict.Load() && w.a.scene == "rollback" && c.Op == "start" && c.Kind == "vm" {
		return fmt.Errorf("cannot start: %w", actuators.ErrRefused)
	}
	defer w.timed("do", c)()
	return w.Executor.Do(ctx, c)
}

func (w *watched) Undo(ctx context.Context, c hostexec.Call) error {
	defer w.timed("undo", c)()
	return w.Executor.Undo(ctx, c)
}

func (w *watched) timed(verb string, c hostexec.Call) (end func()) {
	begun := time.Now()
	return func() {
		if took := time.Since(begun); took > c.Timeout+hang {
			w.a.t.Errorf("%s: %s %s %s took %s of %s", w.a.id, verb, c.Instance, c.Op, took, c.Timeout)
		}
	}
}
