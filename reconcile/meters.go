package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"plumbline/reconcile/drift"
)

// Meters are the Prometheus metrics of one controller and of its process (go_*, process_*), and its health endpoints.
type Meters struct {
	registry      *prometheus.Registry
	notifications *prometheus.CounterVec
}

// NewMeters makes the metrics that need no controller.
func NewMeters(version string) *Meters {
	m := &Meters{
		registry: prometheus.NewRegistry(),
		notifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_notifications_total", Help: "Notices by sink and result.",
		}, []string{"sink", "result"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "plumb_build_info", Help: "The version, as a label.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	process := collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})
	m.registry.MustRegister(m.notifications, build, collectors.NewGoCollector(), process)
	return m
}

// Notified counts one delivery.
func (m *Meters) Notified(sink, result string) { m.notifications.WithLabelValues(sink, result).Inc() }

// ListenMeters opens the address that Serve answers on. "host:port"; an address of loopback only unless it says otherwise
// itself: ":9090" is 127.0.0.1:9090, "0.0.0.0:9090" is everywhere.
func ListenMeters(address string) (net.Listener, error) {
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot serve metrics: %w", err)
	}
	return listener, nil
}

// Serve answers /metrics, /healthz and /readyz until the context ends.
func (m *Meters) Serve(ctx context.Context, listener net.Listener, c *Controller) error {
	server := &http.Server{
		Handler: m.Handler(c), ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // of what strangers send
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

// Handler answers for one controller. It is made once.
func (m *Meters) Handler(c *Controller) http.Handler {
	m.observe(c)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		s := c.Status()
		switch {
		case s.Head == "":
			http.Error(w, strings.TrimSuffix("no commit was seen yet: "+s.Source, ": "), http.StatusServiceUnavailable)
			return
		case s.Source != "":
			http.Error(w, s.Source, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// observe registers what is read from the controller at each scrape.
func (m *Meters) observe(c *Controller) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("plumb_objects", "Objects that the last considered commit declares.", func() float64 { return float64(c.Status().Objects) })
	gauge("plumb_refusals", "Instances that the last plan refused.", func() float64 { return float64(len(c.Status().Refusals)) })
	gauge("plumb_lanes_held", "Lanes that wait for a changed effect.", func() float64 { return float64(len(c.Status().Held)) })
	gauge("plumb_commits_behind", "1 while the head is not applied in full.", func() float64 {
		s := c.Status()
		return truth(s.Head != s.Applied)
	})
	gauge("plumb_hosts_unseen", "Hosts of which something could not be looked at.", func() float64 {
		n := 0
		for _, look := range c.looks.hosts() {
			n += int(truth(look.Err != ""))
		}
		return float64(n)
	})
	gauge("plumb_suspended", "1 while nothing may be changed.", func() float64 { return truth(c.suspension() != "") })
	m.registry.MustRegister(driftCollector{c})
	if w, ok := c.teller.(interface{ Waiting() map[string]int }); ok {
		gauge("plumb_notices_waiting", "Notices that a sink was not given yet.", func() float64 {
			most := 0
			for _, n := range w.Waiting() {
				most = max(most, n)
			}
			return float64(most)
		})
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// driftCollector counts open incidents by class and tells the age of the oldest.
type driftCollector struct{ c *Controller }

var (
	driftObjects = prometheus.NewDesc("plumb_drift_objects", "Instances that differ from what was last applied.", []string{"class", "phase"}, nil)
	ignoreRules  = prometheus.NewDesc("plumb_ignore_rules", "Rules about drift of the repository.", []string{"state"}, nil)
	driftOldest  = prometheus.NewDesc("plumb_drift_oldest_seconds", "Age of the oldest open incident.", nil, nil)
)

// Describe implements prometheus.Collector.
func (driftCollector) Describe(out chan<- *prometheus.Desc) {
	out <- driftObjects
	out <- driftOldest
	out <- ignoreRules
}

// Collect implements prometheus.Collector.
func (d driftCollector) Collect(out chan<- prometheus.Metric) {
	counts := map[[2]string]float64{}
	oldest := time.Duration(0)
	for _, i := range d.c.open() {
		counts[[2]string{string(i.Class), phase(i)}]++
		oldest = max(oldest, d.c.now().Sub(i.FirstSeen))
	}
	rules := map[string]float64{"active": 0, "expired": 0}
	for _, rule := range d.c.Ignores() {
		rules[map[bool]string{true: "active", false: "expired"}[rule.Active(d.c.now())]]++
	}
	for state, n := range rules {
		out <- prometheus.MustNewConstMetric(ignoreRules, prometheus.GaugeValue, n, state)
	}
	for key, n := range counts {
		out <- prometheus.MustNewConstMetric(driftObjects, prometheus.GaugeValue, n, key[0], key[1])
	}
	out <- prometheus.MustNewConstMetric(driftOldest, prometheus.GaugeValue, oldest.Seconds())
}

// phase is that of an incident; of one that a rule has told to nobody it is "muted".
func phase(i drift.Incident) string {
	if i.Muted != "" {
		return "muted"
	}
	return string(i.Phase)
}
