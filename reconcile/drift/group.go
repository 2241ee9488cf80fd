package drift

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/who"
	"plumbline/schema"
)

// Group is incidents of one cause, told as one.
type Group struct {
	Life
	Cause    string          `json:"cause"` // "host edge1", "nft/edge1", "all vm on jino0", "vm/payroll on its hosts", "commit 1234567890", "several hosts"
	Object   schema.Instance `json:"object,omitzero"`
	Severity notify.Severity `json:"severity"`
	Commit   string          `json:"commit,omitempty"`
	Most     int             `json:"most"`             // incidents when it was told
	Who      string          `json:"who,omitempty"`    // who may have done all of it, if that is the same of each
	Booted   bool            `json:"booted,omitempty"` // the hosts booted, which took all of it along
}

// What fires is told when nothing more of it came for Options.Gather, and after gatherMost in any case. One that fires alone, and
// before which it was quiet, waits for gatherAlone only: what the source tells in one breath has come by then.
const (
	gatherMost  = time.Second
	gatherAlone = time.Millisecond
)

// causedWithin is how soon after a commit was applied what goes wrong on many hosts is laid at its door.
const causedWithin = 10 * time.Minute

// several is the cause of what fires on many hosts at once for no other reason that we know.
const several = "several hosts"

// gather has an incident told with what fires beside it.
func (e *Engine) gather(i *Incident, now time.Time) {
	if e.single = len(e.pending) == 0 && i.Sent == 0 && i.Group == "" && e.quiet(now); len(e.pending) == 0 {
		e.gathering = now
	}
	e.pending[i.Instance], e.gathered = i, now
}

// quiet tells whether nothing was told right before that fires still.
func (e *Engine) quiet(now time.Time) bool {
	return now.Sub(e.toldAt) >= e.Gather || !slices.ContainsFunc(e.toldLast, func(i *Incident) bool { return i.Open() })
}

// ripe tells whether what gathered is to be told now, or when.
func (e *Engine) ripe(now time.Time) (wait time.Duration) {
	if e.asking > 0 { // who it was is told with it
		return gatherMost - now.Sub(e.gathering)
	}
	gather := e.Gather
	if e.single {
		gather = min(gather, gatherAlone)
	}
	return min(gather-now.Sub(e.gathered), gatherMost-now.Sub(e.gathering))
}

// sort tells what gathered: those with a cause in common, when they are more than Options.Alone, as one.
func (e *Engine) sort() {
	inv := inventory.Inventory{}
	if s, err := e.owned.get(); err == nil {
		inv = s.inventory
	}
	var rest []*Incident
	e.toldAt, e.toldLast = e.Now(), slices.Collect(maps.Values(e.pending))
	for _, i := range e.pending {
		if i.Sent > 0 || i.Group != "" { // it was told, and became worse
			e.worse(i)
			continue
		}
		if i.Muted = e.muted(i); i.Muted != "" {
			e.rememberIncident(i)
			continue
		}
		rest = append(rest, i)
	}
	clear(e.pending)
	signal(e.fired)
	slices.SortFunc(rest, func(a, b *Incident) int { return a.Instance.Compare(b.Instance) })
	if e.Alone > 0 {
		rest = e.join(rest, inv)
		rest = e.form(rest, inv)
	}
	for _, i := range rest {
		e.open(i)
		e.rememberIncident(i)
	}
}

// causes are what may be behind an incident: on its own host, the narrowest first, and of it on many hosts.
func causes(i *Incident, entry *inventory.Entry) (near, wide []string) {
	host := i.Instance.Host
	if entry != nil {
		for _, share := range entry.Share {
			near = append(near, onHost(share, host))
		}
	}
	if host != "" {
		near = append(near, fmt.Sprintf("all %s on %s", i.Instance.ID.Kind(), host), "host "+host)
	}
	wide = append(wide, string(i.Instance.ID)+" on its hosts")
	if entry != nil && entry.Commit != "" && i.FirstSeen.Sub(entry.AppliedAt) < causedWithin {
		wide = append(wide, fmt.Sprintf("commit %.10s", entry.Commit))
	}
	return near, append(wide, several)
}

// onHost names a container together with its host.
func onHost(share, host string) string {
	if host == "" || strings.HasSuffix(share, "/"+host) {
		return share
	}
	return share + " on " + host
}

// join adds incidents to groups of their causes that are open already, and gives the others.
func (e *Engine) join(list []*Incident, inv inventory.Inventory) (rest []*Incident) {
	if len(e.groups) == 0 {
		return list
	}
	for _, i := range list {
		near, wide := causes(i, inv[i.Instance])
		all := append(near, wide...)
		n := slices.IndexFunc(all, func(cause string) bool { return e.groups[cause] != nil })
		if n < 0 {
			rest = append(rest, i)
			continue
		}
		g := e.groups[all[n]]
		e.enter(g, i)
		if i.Severity == notify.Critical && g.Severity != notify.Critical {
			g.Severity = notify.Critical
			e.openGroup(g, "")
		}
	}
	return rest
}

func (e *Engine) enter(g *Group, i *Incident) {
	i.Group = g.Cause
	e.members[g.Cause]++
	e.rememberIncident(i)
}

// form makes groups of what has a cause in common that more than a few have: what covers most on its host, the narrowest of
// those that cover the same; what fires like that on more than a few hosts at once is one.
func (e *Engine) form(list []*Incident, inv inventory.Inventory) (rest []*Incident) {
	f := &forming{by: map[string][]*Incident{}, told: e.toldOf(), alone: e.Alone, all: len(list)}
	for _, i := range list {
		near, wide := causes(i, inv[i.Instance])
		for _, cause := range append(near, wide...) {
			f.by[cause] = append(f.by[cause], i)
		}
	}
	for cause := range f.by {
		if strings.HasPrefix(cause, "host ") && f.many(cause) {
			f.hosts++
		}
	}
	for _, i := range list {
		if i.Group != "" {
			continue
		}
		if cause := f.cause(causes(i, inv[i.Instance])); cause != "" {
			e.group(cause, slices.DeleteFunc(slices.Clone(f.by[cause]), func(one *Incident) bool { return one.Group != "" }), inv)
		} else {
			rest = append(rest, i)
		}
	}
	return rest
}

// forming is what fires at once, by cause.
type forming struct {
	by    map[string][]*Incident
	told  map[string]int // by cause: told alone a moment ago
	alone int
	all   int
	hosts int // with more than a few
}

// many tells whether more than a few of one cause fire, with what was told alone a moment ago.
func (f *forming) many(cause string) bool { return len(f.by[cause])+f.told[cause] > f.alone }

// cause picks the one to tell of; "" is none.
func (f *forming) cause(near, wide []string) (best string) {
	if f.hosts > f.alone {
		return wide[slices.IndexFunc(wide, func(cause string) bool { return cause == several || len(f.by[cause]) == f.all })]
	}
	for _, cause := range near {
		if f.many(cause) && (best == "" || len(f.by[cause]) > len(f.by[best])) {
			best = cause
		}
	}
	if best != "" {
		return best
	}
	for _, cause := range wide {
		if f.many(cause) && (cause != several || f.all > f.alone*f.alone) {
			return cause
		}
	}
	return ""
}

// toldOf counts what was told alone a moment ago, by host.
func (e *Engine) toldOf() map[string]int {
	now, out := e.Now(), map[string]int{}
	for _, i := range e.incidents {
		if i.Sent > 0 && now.Sub(i.FirstSeen) < causedWithin {
			out["host "+i.Instance.Host]++
		}
	}
	return out
}

func (e *Engine) group(cause string, those []*Incident, inv inventory.Inventory) {
	g := &Group{Cause: cause, Severity: notify.Warning, Most: len(those)}
	g.Fingerprint, g.Phase, g.FirstSeen = fingerprint("group", cause), Firing, those[0].FirstSeen
	hosts := map[string]bool{}
	for _, i := range those {
		if i.FirstSeen.Before(g.FirstSeen) {
			g.FirstSeen = i.FirstSeen
		}
		if i.Severity == notify.Critical {
			g.Severity = notify.Critical
		}
		hosts[i.Instance.Host] = true
		e.enter(g, i)
	}
	if host := those[0].Instance.Host; len(hosts) == 1 && host != "" {
		g.Object = schema.MakeID("host", host).On(host)
	}
	if entry := inv[those[0].Instance]; entry != nil && strings.HasPrefix(cause, "commit ") {
		g.Commit = entry.Commit
	}
	g.Booted = true
	if w := those[0].Who; w != nil && w.Sure != who.Unknown {
		g.Who = w.String()
	}
	for _, i := range those {
		if g.Booted = g.Booted && i.Booted; i.Who.String() != g.Who {
			g.Who = ""
		}
	}
	e.groups[cause] = g
	e.openGroup(g, breakdown(those))
}

// left takes an incident that is resolved out of its group, which is resolved with the last of them.
func (e *Engine) left(i *Incident) {
	e.members[i.Group]--
	g := e.groups[i.Group]
	if g == nil || e.members[i.Group] > 0 {
		return
	}
	delete(e.members, g.Cause)
	delete(e.groups, g.Cause)
	g.Phase, g.ResolvedAt, g.ResolvedBy = Resolved, e.Now(), i.ResolvedBy
	e.closeGroup(g)
	e.remember(keyGroup+g.Cause, nil)
}

// breakdown counts incidents by kind and class: "90 nat changed, 3 vm missing; the first is nat/a@edge1".
func breakdown(those []*Incident) string {
	counts := map[string]int{}
	for _, i := range those {
		counts[i.Instance.ID.Kind()+" "+string(i.Class)]++
	}
	var parts []string
	for _, what := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[what], what))
	}
	return fmt.Sprintf("%s; the first is %s", strings.Join(parts, ", "), those[0].Instance)
}

// Groups lists what is told as one, sorted by cause.
func (e *Engine) Groups() []Group {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]Group, 0, len(e.groups))
	for _, g := range e.groups {
		one := *g
		one.Most = e.members[g.Cause]
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Group) int { return cmp.Compare(a.Cause, b.Cause) })
	return out
}
