// Package alert shows that alerts reach the programs that people run: Debian's Alertmanager and Prometheus, with the
// configuration of docs/drift-alerts.md, beside plumb run on a modelled site.
package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plumbline/actuators/all"
	"plumbline/schema"
	"plumbline/testenv/need"
	"plumbline/testenv/sim"
	"plumbline/testenv/site"
)

const topology = `package boston

import "plumbline.internal/schema"

schema.#Topology & {
	site: boston: public: ["203.0.113.0/24"]
	host: edge1: site: "boston"
	address: www: {host: "edge1", interface: "eth2", address: "203.0.113.10/24"}
}
`

// received is what Alertmanager told its receiver.
type received struct {
	mu   sync.Mutex
	told []string
}

func (r *received) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	var group struct {
		Alerts []struct {
			Status      string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
	data, _ := io.ReadAll(q.Body)
	_ = json.Unmarshal(data, &group)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range group.Alerts {
		r.told = append(r.told, fmt.Sprintf("%s %s %s", a.Status, a.Labels["alertname"], a.Labels["object"]))
	}
}

func (r *received) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.told, "; ")
}

func TestAlertsReachAlertmanagerAndPrometheus(t *testing.T) {
	need.Program(t, "git", "prometheus", "prometheus-alertmanager", "promtool", "amtool")
	binary := filepath.Join(t.TempDir(), "plumb")
	check(t, "go", "build", "-o", binary, "plumbline/cmd/plumb")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	dir, people := t.TempDir(), &received{}
	receiver := httptest.NewServer(people)
	defer receiver.Close()
	manager, metrics, prometheus := free(t), free(t), free(t)
	replace := strings.NewReplacer("http://127.0.0.1:9099", receiver.URL, "127.0.0.1:9093", manager, "127.0.0.1:9151", metrics,
		"group_interval: 10s", "group_interval: 200ms", "_interval: 30s", "_interval: 300ms")
	for _, name := range []string{"alertmanager.yml", "prometheus.yml", "plumb.rules.yml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(replace.Replace(documented(t, name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check(t, "amtool", "check-config", filepath.Join(dir, "alertmanager.yml"))
	check(t, "promtool", "check", "config", filepath.Join(dir, "prometheus.yml"))
	start(t, dir, "prometheus-alertmanager", "--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+filepath.Join(dir, "am"),
		"--web.listen-address="+manager, "--cluster.listen-address=")
	start(t, dir, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+prometheus)

	up := begin(t, ctx, binary, filepath.Join(dir, "site"), manager, metrics)
	world, www := sim.New(all.Registry(), sim.Options{Dir: up.Path("model")}), schema.ParseInstance("address/www@edge1")
	until(t, ctx, func() error {
		if out := command("promtool", "query", "instant", "http://"+prometheus, `up{job="plumb"}`); !strings.Contains(out, "=> 1") {
			return fmt.Errorf("Prometheus has not scraped: %s", out)
		}
		return nil
	})
	page, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	lint := exec.Command("promtool", "check", "metrics")
	lint.Stdin = page.Body
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	if err := world.Destroy(www); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, func() error { return want(people.all(), "firing PlumbDrift address/www") })
	active := command("amtool", "--alertmanager.url=http://"+manager, "alert", "query", "-o", "json", "object=address/www")
	for _, word := range []string{`"instance":"edge1"`, `"kind":"address"`, `"heal":"plumb heal address/www@edge1"`, `"declared":"site.cue:8:11"`} {
		if !strings.Contains(active, word) {
			t.Errorf("Alertmanager does not say %s: %s", word, active)
		}
	}
	until(t, ctx, func() error {
		out := command("promtool", "query", "instant", "http://"+prometheus, `plumb_drift_objects{class="missing",phase="firing"}`)
		if !strings.Contains(out, "=> 1") {
			return fmt.Errorf("Prometheus says %s", out)
		}
		return nil
	})
	if out, err := up.Plumb(ctx, "heal"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	until(t, ctx, func() error {
		return want(people.all(), "firing PlumbDrift address/www; resolved PlumbDrift address/www")
	})
}

// documented is a file as the page about alerts shows it.
func documented(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/drift-alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, there := strings.Cut(string(page), "```yaml "+name+"\n")
	text, _, ended := strings.Cut(rest, "```\n")
	if !there || !ended {
		t.Fatalf("the page shows no %s", name)
	}
	return text
}

// begin has plumb run follow the topology on a model.
func begin(t *testing.T, ctx context.Context, binary, dir, manager, metrics string) *site.Site {
	t.Helper()
	up, err := site.Up(ctx, site.Options{Binary: binary, Dir: dir, Out: io.Discard, Model: true, Interval: time.Second,
		Sinks: fmt.Sprintf(`{alertmanager: "http://%s"}, `, manager), Settings: fmt.Sprintf("listen: %q", metrics)})
	t.Cleanup(func() { _ = up.Down() })
	if err == nil {
		err = up.Only("site.cue", topology)
	}
	var commit string
	if err == nil {
		commit, err = up.Push(ctx, "www")
	}
	if err == nil {
		err = up.StartRun(ctx)
	}
	if err == nil {
		err = up.Applied(ctx, commit)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, up.LogTail())
	}
	return up
}

func want(got, want string) error {
	if got != want {
		return fmt.Errorf("the receiver was told %q", got)
	}
	return nil
}

func until(t *testing.T, ctx context.Context, condition func() error) {
	t.Helper()
	if err := site.Until(ctx, 90*time.Second, condition); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}

func command(argv ...string) string {
	out, _ := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	return string(out)
}

// start runs a daemon until the test ends.
func start(t *testing.T, dir string, argv ...string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	log, err := os.Create(filepath.Join(dir, filepath.Base(argv[0])+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		log.Close()
		if t.Failed() {
			data, _ := os.ReadFile(log.Name())
			lines := strings.Split(string(data), "\n")
			t.Logf("%s:\n%s", argv[0], strings.Join(slices.Clip(lines[max(0, len(lines)-15):]), "\n"))
		}
	})
}

// free is an address of loopback that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
