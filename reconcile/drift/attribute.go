package drift

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/who"
)

// What is asked about who did it.
const (
	askFor    = 1500 * time.Millisecond // a host that takes longer says nothing
	askBack   = 24 * time.Hour          // older records are not asked for
	eventBack = 5 * time.Second         // an event is told within this time
	namesEach = 16
)

// attribute asks a host once who may have done what fires now and is not told yet. It decides no more than what is told with it:
// neither whether it is told, nor what it is called.
func (e *Engine) attribute(ctx context.Context, s *snapshot, host string) {
	e.mu.Lock()
	var asked []*Incident
	q := who.Query{Until: e.Now()}
	for i, incident := range e.pending {
		if i.Host != host || incident.Who != nil {
			continue
		}
		asked = append(asked, incident)
		if since := e.since(incident); q.Since.IsZero() || since.Before(q.Since) {
			q.Since = since
		}
		if len(q.Names) < who.MostNames {
			q.Names = append(q.Names, namesOf(s.inventory[i])...)
		}
	}
	if len(asked) == 0 {
		e.mu.Unlock()
		return
	}
	e.asking++
	e.mu.Unlock()
	traces := e.traces(ctx, host, q)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asking--
	for _, i := range asked {
		w := who.Decide(who.Change{Object: i.Instance, Names: namesOf(s.inventory[i.Instance]), Since: e.since(i), Until: q.Until, Process: i.own, Nearby: i.near}, traces)
		i.Who = &w
	}
}

// traces asks the host; one that does not answer says nothing.
func (e *Engine) traces(ctx context.Context, host string, q who.Query) []who.Trace {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	executor, err := e.Hosts.Get(ctx, host)
	if err != nil {
		return nil
	}
	traces, err := executor.Traces(ctx, q)
	if err != nil {
		e.Log.Debug().Str("host", host).Err(err).Msg("cannot ask who did it")
	}
	return traces
}

// since is when an incident was not yet: what an event told just happened.
func (e *Engine) since(i *Incident) time.Time {
	since := i.FirstSeen.Add(-askBack)
	if i.Told != "" {
		since = i.FirstSeen.Add(-eventBack)
	}
	if i.LastGood.After(since) {
		since = i.LastGood
	}
	return since
}

// namesOf is what tools may call a thing: its name, and the paths, addresses and names in its spec.
func namesOf(entry *inventory.Entry) []string {
	if entry == nil {
		return nil
	}
	out := []string{entry.Instance.ID.Name()}
	var spec any
	if json.Unmarshal(entry.Spec, &spec) == nil {
		texts(spec, func(text string) {
			if len(out) < namesEach && len(text) < 256 && strings.ContainsAny(text, "./") && !slices.Contains(out, text) {
				out = append(out, text)
			}
		})
	}
	return out
}

// texts visits all texts of a JSON value, those of maps in no order.
func texts(value any, visit func(string)) {
	switch v := value.(type) {
	case string:
		visit(v)
	case []any:
		for _, one := range v {
			texts(one, visit)
		}
	case map[string]any:
		for _, one := range v {
			texts(one, visit)
		}
	}
}
