package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Meters are the Prometheus metrics of one controller and its health endpoints.
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
	m.registry.MustRegister(m.notifications, build)
	return m
}

// Notified counts one delivery.
func (m *Meters) Notified(sink, result string) { m.notifications.WithLabelValues(sink, result).Inc() }

// Serve answers /metrics, /healthz and /readyz on an address until the context ends.
func (m *Meters) Serve(ctx context.Context, address string, c *Controller) error {
	m.observe(c)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("cannot serve metrics: %w", err)
	}
	server := &http.Server{Handler: m.handler(c), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

func (m *Meters) handler(c *Controller) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		s := c.Status()
		if s.Head == "" {
			http.Error(w, "no commit was seen yet: "+s.Error, http.StatusServiceUnavailable)
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
	gauge("plumb_suspended", "1 while nothing may be changed.", func() float64 { return truth(c.suspension() != "") })
	m.registry.MustRegister(driftCollector{c})
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
	driftOldest  = prometheus.NewDesc("plumb_drift_oldest_seconds", "Age of the oldest open incident.", nil, nil)
)

// Describe implements prometheus.Collector.
func (driftCollector) Describe(out chan<- *prometheus.Desc) { out <- driftObjects; out <- driftOldest }

// Collect implements prometheus.Collector.
func (d driftCollector) Collect(out chan<- prometheus.Metric) {
	counts := map[[2]string]float64{}
	oldest := time.Duration(0)
	for _, i := range d.c.open() {
		counts[[2]string{string(i.Class), string(i.Phase)}]++
		oldest = max(oldest, d.c.now().Sub(i.FirstSeen))
	}
	for key, n := range counts {
		out <- prometheus.MustNewConstMetric(driftObjects, prometheus.GaugeValue, n, key[0], key[1])
	}
	out <- prometheus.MustNewConstMetric(driftOldest, prometheus.GaugeValue, oldest.Seconds())
}
