package notify

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Alertmanager posts alerts to Prometheus's Alertmanager, POST URL/api/v2/alerts. What fires is said again every minute, for
// Alertmanager forgets it over a restart and takes it as resolved when it hears nothing: it then ends a few minutes after the
// controller did. What was no alert but an event (a commit that was applied) is not sent.
type Alertmanager struct {
	Webhook // its URL is that of Alertmanager, without a path of the API
	Now     func() time.Time
}

// repeatEvery is how often what fires is said again, and repeatHold how long Alertmanager takes it to fire without a word.
const (
	repeatEvery = time.Minute
	repeatHold  = 5 * time.Minute
)

// postable is an alert as Alertmanager's API takes it (api/v2/openapi.yaml, postableAlert).
type postable struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt,omitzero"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Send posts one alert.
func (a *Alertmanager) Send(ctx context.Context, n Notice) error {
	if n.Fingerprint == "" {
		return nil
	}
	return a.alerts(ctx, []Notice{n})
}

// Repeat posts all that fires.
func (a *Alertmanager) Repeat(ctx context.Context, open []Notice) error { return a.alerts(ctx, open) }

// Every is repeatEvery.
func (a *Alertmanager) Every() time.Duration { return repeatEvery }

// String is "alertmanager SCHEME://HOST".
func (a *Alertmanager) String() string { return "alertmanager " + a.place() }

func (a *Alertmanager) alerts(ctx context.Context, notices []Notice) error {
	out := make([]postable, len(notices))
	for k, n := range notices {
		out[k] = a.alert(n)
	}
	return a.post(ctx, strings.TrimRight(a.URL, "/")+"/api/v2/alerts", out, http.Header{})
}

// alert says who it is in labels, which never change while it fires, and all that may in annotations.
func (a *Alertmanager) alert(n Notice) postable {
	p := postable{
		Labels:      map[string]string{"alertname": n.Fingerprint, "job": "plumb", "fingerprint": n.Fingerprint},
		Annotations: map[string]string{"summary": n.Message, "id": n.ID, "reason": n.Reason, "severity": string(n.Severity)},
		StartsAt:    n.StartsAt, EndsAt: n.EndsAt,
	}
	p.Labels["alertname"] = map[bool]string{true: "PlumbDrift", false: "PlumbBlind"}[strings.HasPrefix(n.Reason, "Drift")]
	if n.Object.ID != "" {
		p.Labels["kind"], p.Labels["object"] = n.Object.ID.Kind(), string(n.Object.ID)
		p.Labels["instance"] = n.Object.Host
	}
	if n.Declared.File != "" {
		p.Annotations["declared"] = n.Declared.String()
	}
	if n.Commit != "" {
		p.Annotations["commit"] = n.Commit
	}
	for key, value := range n.Details {
		p.Annotations[strings.ReplaceAll(key, " ", "_")] = value
	}
	if n.Status == Firing {
		p.EndsAt = a.Now().Add(repeatHold)
	}
	return p
}
