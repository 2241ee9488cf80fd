package diff

import (
	"encoding/json"
	"maps"

	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Labels tells what hosts carry: their labels, with site and host, as a topology declares them, else as they were applied.
// Not for use by two at once.
type Labels struct {
	graph *schema.Graph // nil: none
	inv   inventory.Inventory
	known map[string]map[string]string
}

// NewLabels remembers what it was asked.
func NewLabels(graph *schema.Graph, inv inventory.Inventory) *Labels {
	return &Labels{graph, inv, map[string]map[string]string{}}
}

// Of gives the labels of a host; of the controller ("") only its empty name.
func (l *Labels) Of(host string) map[string]string {
	if carried, ok := l.known[host]; ok {
		return carried
	}
	id := schema.MakeID("host", host)
	var data json.RawMessage
	if entry := l.inv[id.On(host)]; entry != nil {
		data = entry.Spec
	}
	if l.graph != nil {
		if o := l.graph.Object(id); o != nil {
			data = o.Spec
		}
	}
	var spec struct {
		Site   string            `json:"site"`
		Labels map[string]string `json:"labels"`
	}
	carried := map[string]string{}
	if len(data) > 0 && json.Unmarshal(data, &spec) == nil {
		maps.Copy(carried, spec.Labels)
		carried["site"] = spec.Site
	}
	carried["host"] = host
	l.known[host] = carried
	return carried
}
