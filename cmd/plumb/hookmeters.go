package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// hookMeters count what comes by webhooks.
type hookMeters struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	last     prometheus.Gauge
	forge    string
}

func newHookMeters(forge string) *hookMeters {
	m := &hookMeters{registry: prometheus.NewRegistry(), forge: forge}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plumb_webhook_requests_total", Help: "Deliveries by forge and answer."}, []string{"forge", "code"})
	m.last = prometheus.NewGauge(prometheus.GaugeOpts{Name: "plumb_webhook_last_seen_timestamp_seconds", Help: "When the last delivery was taken; 0 = never."})
	m.registry.MustRegister(m.requests, m.last)
	return m
}

func (m *hookMeters) count(code int) {
	m.requests.WithLabelValues(m.forge, strconv.Itoa(code)).Inc()
	if code == http.StatusAccepted {
		m.last.SetToCurrentTime()
	}
}

// serve answers /metrics until the context ends.
func (m *hookMeters) serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}
