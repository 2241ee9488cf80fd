package drift

import (
	"encoding/json"
	"strings"
	"time"

	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// What the engine remembers over a restart, by the beginning of its key.
const (
	keyIncident = "incident/" // + instance: those that fire
	keyGroup    = "group/"    // + cause
	keyPast     = "past/"     // + instance: how often it was healed, and how often it came back
	keySilent   = "silent/"   // + host: one of which it was told that it cannot be seen
	keyBoot     = "boot/"     // + host: which boot it answered with last
)

// past is what an instance went through within the last hour.
type past struct {
	Heals  []time.Time `json:"heals,omitempty"`
	Onsets []time.Time `json:"onsets,omitempty"`
}

// remember has a value written with the next commit; nil takes it away.
func (e *Engine) remember(key string, value any) {
	if value == nil {
		e.dirty[key] = nil
		return
	}
	data, err := json.Marshal(value)
	if err != nil {
		e.Log.Error().Err(err).Str("key", key).Msg("cannot remember an incident")
		return
	}
	e.dirty[key] = data
}

func (e *Engine) rememberIncident(i *Incident) { e.remember(keyIncident+i.Instance.String(), i) }

// decide has a notice told with the next commit.
func (e *Engine) decide(n notify.Notice) { e.outbox = append(e.outbox, n) }

// recall takes up what an earlier process remembered.
func (e *Engine) recall() {
	if e.Tell == nil {
		return
	}
	for key, data := range e.Tell.State(keyIncident) {
		i := &Incident{}
		if e.read(key, data, i) {
			e.incidents[i.Instance] = i
			if i.Group != "" {
				e.members[i.Group]++
			}
		}
	}
	for key, data := range e.Tell.State(keyGroup) {
		g := &Group{}
		if e.read(key, data, g) {
			e.groups[g.Cause] = g
		}
	}
	for key, data := range e.Tell.State(keyPast) {
		p := &past{}
		if e.read(key, data, p) {
			e.past[schema.ParseInstance(strings.TrimPrefix(key, keyPast))] = p
		}
	}
	for key, data := range e.Tell.State(keyBoot) {
		b := &boot{}
		if e.read(key, data, b) {
			e.boots[strings.TrimPrefix(key, keyBoot)] = b
		}
	}
	for key, data := range e.Tell.State(keySilent) {
		s := &silence{}
		if e.read(key, data, s) {
			e.silent[strings.TrimPrefix(key, keySilent)] = s
		}
	}
}

func (e *Engine) read(key string, data json.RawMessage, into any) bool {
	err := json.Unmarshal(data, into)
	if err != nil {
		e.Log.Error().Err(err).Str("key", key).Msg("cannot read a remembered incident; it is told anew")
		e.remember(key, nil)
	}
	return err == nil
}

// history is what an instance went through, for reading; of one that went through nothing it is empty.
func (e *Engine) history(i schema.Instance) *past {
	if p := e.past[i]; p != nil {
		return p
	}
	return &past{}
}

// lived changes what an instance went through and drops what is too old to count.
func (e *Engine) lived(i schema.Instance, now time.Time, change func(*past)) {
	p := e.history(i)
	change(p)
	p.Heals, p.Onsets = since(p.Heals, now, healsWithin), since(p.Onsets, now, flapsWithin)
	if len(p.Heals)+len(p.Onsets) == 0 {
		if e.past[i] != nil {
			delete(e.past, i)
			e.remember(keyPast+i.String(), nil)
		}
		return
	}
	e.past[i] = p
	e.remember(keyPast+i.String(), p)
}

// since keeps the times that are not older than this.
func since(times []time.Time, now time.Time, within time.Duration) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) >= within {
		times = times[1:]
	}
	return times
}
