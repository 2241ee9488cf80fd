package power

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"plumbline/reconcile/run"
	"plumbline/testenv/need"
)

// TestAPowerLoss: plumb takes away and makes volumes, records, a bridge and its address, and at a random instant the power of
// the machine goes. After the boot no step that plumb had told of as done is forgotten, what was open is resumed and each
// lane as before or as after, every disk is whole, and the topology that was wanted goes through. CRASH=all: many times (make
// crash); without, a few. The seed is printed and can be given as CRASH_SEED.
func TestAPowerLoss(t *testing.T) {
	need.Root(t)
	need.Program(t, kernel, "mke2fs", "qemu-img", "knotd", "kdig", "ip", "libvirtd", "virsh")
	seed, err := strconv.ParseUint(os.Getenv("CRASH_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("CRASH_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	cuts := 2
	if os.Getenv("CRASH") == "all" {
		cuts = 60
	}
	m := newMachine(t)
	prepare(t, m)
	m.boot(wants + "=t0")
	m.await("BEGINS", limit)
	begun := time.Now()
	m.await("DONE", limit)
	steps := len(m.said("ACK")) // fewer than a topology after another one has
	span := time.Since(begun)   // how long an apply takes
	from, resumed := map[string]string{}, 0
	for cut := 1; cut <= cuts; cut++ {
		m.cut()
		acked := m.said("ACK")
		if done := m.said("DONE"); len(done) > 0 { // the power went after all was done
			from = nil
			decode(t, done[0], &from)
		}
		topology := fmt.Sprintf("t%d", cut)
		declare(t, m, topology, cut)
		m.boot(wants + "=" + topology)
		m.await("THROUGH", limit)
		var remembered []string
		decode(t, m.await("RECORDS", limit), &remembered)
		var rep report
		decode(t, m.await("RESUMED", limit), &rep)
		through := m.picture("THROUGH")
		wrong := append(judged(acked, remembered, m.picture("FOUND"), m.picture("RESULT"), rep, from, through), unlike(declared(cut-1), through)...)
		for _, w := range wrong {
			t.Errorf("cut %d: %s", cut-1, w)
		}
		if rep.Plan != "" {
			resumed++
		}
		t.Logf("cut %d: %d steps acknowledged, %d remembered, resumed: %v", cut-1, len(acked), len(remembered), rep.Lanes)
		if t.Failed() {
			t.Fatal(m.tail())
		}
		from = through
		m.await("BEGINS", limit)
		if r.IntN(2) == 0 { // right behind what was said to be done
			m.says("ACK", 1+r.IntN(steps), limit)
			continue
		}
		after := time.Duration(r.Int64N(int64(span)))
		begun = time.Now()
		if m.says("DONE", 1, after) {
			span = (span + time.Since(begun)) / 2
		}
	}
	t.Logf("%d cuts, %d plans resumed, the power went within %.1f s of an apply", cuts, resumed, span.Seconds())
}

// limit is for a boot and all that it does, on a loaded machine.
const limit = 4 * time.Minute

func (m *machine) picture(word string) (found map[string]string) {
	m.t.Helper()
	decode(m.t, m.await(word, limit), &found)
	return found
}

// digest is what an image's declaration says of it.
func digest(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// prepare writes what the machine reads: an image, the controller's file, the first topology.
func prepare(t *testing.T, m *machine) {
	t.Helper()
	data := make([]byte, 2<<20)
	stream := rand.New(rand.NewPCG(1, 2))
	for n := range data {
		data[n] = byte(stream.Uint32())
	}
	must(t, os.WriteFile(filepath.Join(m.dir, "tiny.raw"), data, 0o644))
	must(t, os.WriteFile(filepath.Join(m.dir, "plumb.cue"), fmt.Appendf(nil, `repository: "dir:%s"
state: %q
transports: [{hosts: "*", argv: [%q, "exec", "--stdio", "--name", "{host}"]}]
limits: destroys: 50
`, filepath.Join(m.dir, "t0"), state, filepath.Join(m.dir, "plumb")), 0o644))
	declare(t, m, "t0", 0)
}

// declared is what outlives a power loss of the n-th topology.
func declared(n int) map[string]string {
	all := map[string]string{}
	for k := range parts {
		all[fmt.Sprintf("volume/d%d-%d", n, k)] = "whole"
		all[fmt.Sprintf("vm/g%d-%d", n, k)] = "shut off"
		all[fmt.Sprintf("record/r%d-%d.boston.test", n, k)] = fmt.Sprintf("203.0.113.%d", 10+n%200)
	}
	return all
}

// parts is how many volumes and records a topology has.
const parts = 3

// declare writes a topology: what earlier ones made is taken away, and the same is made under new names.
func declare(t *testing.T, m *machine, topology string, n int) {
	t.Helper()
	text := fmt.Sprintf(`package boston

import "plumbline.internal/schema"

schema.#Topology & {
	site: boston: {}
	host: uml: site: "boston"
	pool: disks: {host: "uml", dir: "/var/lib/pool"}
	image: tiny: {host: "uml", source: "file://%s/tiny.raw", sha256: "%s"}
	zone: "boston.test": {host: "uml", server: "127.0.0.1:53", key: {name: "tsig", secret: "tsig"}}
	bridge: lan: {host: "uml", mtu: %d}
	address: lan: {host: "uml", interface: "lan", address: "10.1.1.%d/24"}
`, m.dir, digest(t, filepath.Join(m.dir, "tiny.raw")), 1400+n%50, 2+n%200)
	for k := range parts {
		text += fmt.Sprintf("\tvolume: \"d%d-%d\": {pool: \"disks\", size: \"2Mi\", from: \"tiny\"}\n", n, k)
		text += fmt.Sprintf("\tvm: \"g%d-%d\": {host: \"uml\", cpu: {now: 1, max: 1}, memory: {now: \"16Mi\", max: \"16Mi\"}, disks: [{volume: \"d%d-%d\"}], power: \"stopped\", accel: \"tcg\"}\n", n, k, n, k)
		text += fmt.Sprintf("\trecord: \"r%d-%d.boston.test\": {zone: \"boston.test\", a: [\"203.0.113.%d\"], ttl: 1}\n", n, k, 10+n%200)
	}
	must(t, os.MkdirAll(filepath.Join(m.dir, topology), 0o755))
	must(t, os.WriteFile(filepath.Join(m.dir, topology, "boston.cue"), []byte(text+"}\n"), 0o644))
}

// TestTheJudgeSees: what a power loss must not leave is told.
func TestTheJudgeSees(t *testing.T) {
	from, to := declared(0), declared(1)
	const disk = "volume/d1-0"
	damaged := declared(1)
	damaged[disk] = "damaged"
	for name, wrong := range map[string][]string{
		"a step is forgotten":         judged([]string{"s"}, nil, to, to, report{}, from, to),
		"something is left":           judged(nil, nil, to, to, report{Left: []string{"x"}}, from, to),
		"a disk is damaged":           judged(nil, nil, damaged, damaged, report{}, from, to),
		"said to be applied, and not": judged(nil, nil, from, from, report{Lanes: map[string]run.Outcome{disk: run.LaneApplied}}, from, to),
		"taken back, and still there": judged(nil, nil, to, to, report{Lanes: map[string]run.Outcome{disk: run.LaneRolledBack}}, from, to),
		"a change that still waits":   judged(nil, nil, to, map[string]string{"waiting/x": ""}, report{}, nil, nil),
		"it does not go through":      unlike(to, from),
	} {
		if len(wrong) == 0 {
			t.Errorf("nobody noticed: %s", name)
		}
	}
	if wrong := judged([]string{"s"}, []string{"s"}, to, to, report{}, from, to); len(wrong) > 0 {
		t.Errorf("told of nothing: %q", wrong)
	}
}
