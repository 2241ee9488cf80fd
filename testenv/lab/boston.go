package lab

// Boston is the site of the deck's payroll story:
//
//	mgmt    10.9.0.0/24      jino0 .11   edge1 .21   edge2 .22   ns1 .53        (eth0)
//	app     bare cable       jino0       edge1       edge2                      (eth1)
//	public  203.0.113.0/24   edge1 .251  edge2 .252  ns1 .53     internet .254  (eth2)
//
// The addresses of the app network, its bridge, and the public service addresses are
// what Plumbline brings. The client in "internet" resolves names through ns1.
func Boston(dir string) Config {
	return Config{
		Name: "boston",
		Dir:  dir,
		TSIG: TSIG{Name: "tsig-boston"},
		Hosts: []HostConfig{
			{
				Name: "jino0", Services: []string{"libvirtd"},
				NICs: []NIC{mgmt("10.9.0.11/24"), app()},
			},
			edge("edge1", "10.9.0.21/24", "203.0.113.251/24"),
			edge("edge2", "10.9.0.22/24", "203.0.113.252/24"),
			{
				Name: "ns1", Services: []string{"knot"}, Nameserver: "127.0.0.1",
				NICs:  []NIC{mgmt("10.9.0.53/24"), public("203.0.113.53/24")},
				Zones: []Zone{{Name: "mycompany.com", Address: "203.0.113.53", Refuse: []string{"forbidden.mycompany.com"}}},
			},
			{
				Name: "internet", Nameserver: "203.0.113.53",
				NICs: []NIC{public("203.0.113.254/24")},
			},
		},
	}
}

func edge(name, mgmtAddress, publicAddress string) HostConfig {
	return HostConfig{
		Name: name, Forward: true, Services: []string{"keepalived"},
		NICs: []NIC{mgmt(mgmtAddress), app(), public(publicAddress)},
	}
}

func mgmt(address string) NIC {
	return NIC{Name: "eth0", Segment: "mgmt", Addresses: []string{address}}
}
func app() NIC { return NIC{Name: "eth1", Segment: "app"} }
func public(address string) NIC {
	return NIC{Name: "eth2", Segment: "public", Addresses: []string{address}}
}
