package reconcile_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"plumbline/reconcile"
)

// scrape gets a page of the meters.
func scrape(t *testing.T, handler http.Handler, path string) (int, string) {
	t.Helper()
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func TestMetersTellTheState(t *testing.T) {
	s := newScene(t)
	m := reconcile.NewMeters("1.2.3")
	handler := m.Handler(s.Controller)
	if code, text := scrape(t, handler, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "no commit") {
		t.Errorf("ready before anything was seen: %d %s", code, text)
	}
	if code, _ := scrape(t, handler, "/healthz"); code != http.StatusOK {
		t.Errorf("health %d", code)
	}
	s.run()
	s.applied(s.repo.push("a", ground+declare("p", "h1", "/one")))
	if code, _ := scrape(t, handler, "/readyz"); code != http.StatusOK {
		t.Errorf("not ready: %d", code)
	}
	m.Notified("log", "sent")
	got := values(t, handler)
	for name, want := range map[string]float64{
		"plumb_build_info": 1, "plumb_objects": 4, "plumb_refusals": 0, "plumb_commits_behind": 0, "plumb_suspended": 0,
		"plumb_lanes_held": 0, "plumb_notifications_total": 1, "plumb_drift_oldest_seconds": 0, "plumb_hosts_unseen": 0,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v (%v), want %v", name, value, ok, want)
		}
	}
	if got["go_goroutines"] < 2 {
		t.Errorf("go_goroutines is %v", got["go_goroutines"])
	}
	if err := s.Suspend(context.Background(), reconcile.Suspension{Reason: "tests", Owner: "ada"}); err != nil {
		t.Fatal(err)
	}
	if got := values(t, handler); got["plumb_suspended"] != 1 {
		t.Errorf("plumb_suspended is %v", got["plumb_suspended"])
	}
}

// values reads the metrics as Prometheus does; of each name the first sample.
func values(t *testing.T, handler http.Handler) map[string]float64 {
	t.Helper()
	code, text := scrape(t, handler, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("metrics: %d %s", code, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, family := range families {
		sample := family.GetMetric()[0]
		out[name] = sample.GetGauge().GetValue() + sample.GetCounter().GetValue()
	}
	return out
}

func TestMetersAreServedAndEnd(t *testing.T) {
	s := newScene(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- reconcile.NewMeters("1").Serve(ctx, listener, s.Controller) }()
	response, err := http.Get("http://" + listener.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	response.Body.Close()
	if string(body) != "ok\n" {
		t.Errorf("%q", body)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
