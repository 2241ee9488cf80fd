package fleet

import "fmt"

// Object is one object of the outline: its ID, and the IDs that it names or needs.
type Object struct {
	ID    string
	After []string
}

// Outline is what the fleet declares and what waits for what, for the tools that it is compared with.
func (f *Fleet) Outline() []Object {
	var out []Object
	add := func(id string, after ...string) { out = append(out, Object{id, after}) }
	add("site/boston")
	for pair := range f.Pairs {
		for side := range 2 {
			add("host/"+edgeHost(pair, side), "site/boston")
		}
		sides := []string{"host/" + edgeHost(pair, 0), "host/" + edgeHost(pair, 1)}
		add(vipID(pair), sides...)
		add(fmt.Sprintf("firewall/edge-p%02d", pair), sides...)
	}
	for name := range f.Names {
		add("host/"+nameHost(name), "site/boston")
		add("zone/"+zone(name), "host/"+nameHost(name))
	}
	for rack := range f.Racks {
		f.outlineRack(rack, add)
	}
	return out
}

func vipID(pair int) string { return fmt.Sprintf("vip/public-p%02d", pair) }

func (f *Fleet) outlineRack(rack int, add func(string, ...string)) {
	host, pair := "host/"+rackHost(rack), f.pairOf(rack)
	add(host, "site/boston")
	add("image/"+image(rack), host)
	add("pool/"+pool(rack), host)
	add("bridge/"+bridge(rack), host)
	add("network/"+network(rack), "bridge/"+bridge(rack))
	add(fmt.Sprintf("address/gw-r%03d", rack), "network/"+network(rack))
	add(fmt.Sprintf("balancer/web-r%03d", rack), "network/"+network(rack), vipID(pair))
	for spare := rack; spare < f.spare(); spare += f.Racks {
		add(fmt.Sprintf("volume/spare%d", spare), "pool/"+pool(rack))
	}
	for _, number := range f.apps(rack) {
		name := app(number)
		add("volume/"+name+"-disk", "pool/"+pool(rack), "image/"+image(rack))
		add("vm/"+name, "volume/"+name+"-disk", "network/"+network(rack))
		add("nat/"+name, "vm/"+name, "network/"+network(rack))
		add("record/"+f.recordName(number), "zone/"+zone(f.zoneOf(number)), vipID(pair), "nat/"+name)
	}
}
