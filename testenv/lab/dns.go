package lab

import (
	"fmt"
	"strings"
)

// text is the zone file that a server starts with.
func (z Zone) text() string {
	return fmt.Sprintf("$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 1\n@ NS ns\nns A %s\n", z.Address)
}

func prepareKnot(b boot) error {
	var conf strings.Builder
	fmt.Fprintf(&conf, "server:\n  rundir: /run/knot\n  user: knot:knot\n  listen: 0.0.0.0@53\n")
	fmt.Fprintf(&conf, "log:\n  - target: stderr\n    any: info\n")
	fmt.Fprintf(&conf, "database:\n  storage: /var/lib/knot\n")
	fmt.Fprintf(&conf, "key:\n  - id: %s\n    algorithm: %s\n    secret: %s\n", b.TSIG.Name, b.TSIG.Algorithm, b.TSIG.Secret)
	fmt.Fprintf(&conf, "acl:\n")
	for i, z := range b.Zones {
		if len(z.Refuse) > 0 {
			fmt.Fprintf(&conf, "  - id: refuse%d\n    key: %s\n    action: update\n    update-owner: name\n    update-owner-match: sub-or-equal\n    update-owner-name: [%s]\n    deny: on\n",
				i, b.TSIG.Name, strings.Join(z.Refuse, "., ")+".")
		}
	}
	fmt.Fprintf(&conf, "  - id: allow\n    key: %s\n    action: [update, transfer]\n", b.TSIG.Name)
	fmt.Fprintf(&conf, "template:\n  - id: default\n    storage: /var/lib/knot\n    file: \"%%s.zone\"\nzone:\n")
	if err := emptyDir("/var/lib/knot", 0o750); err != nil {
		return err
	}
	for i, z := range b.Zones {
		acl := "allow"
		if len(z.Refuse) > 0 {
			acl = fmt.Sprintf("[refuse%d, allow]", i)
		}
		fmt.Fprintf(&conf, "  - domain: %s\n    acl: %s\n", z.Name, acl)
		if err := replaceFile("/var/lib/knot/"+z.Name+".zone", z.text(), 0o640); err != nil {
			return err
		}
	}
	if err := replaceFile("/etc/knot/knot.conf", conf.String(), 0o640); err != nil {
		return err
	}
	return chown("knot", "/etc/knot", "/var/lib/knot")
}

func prepareBind(b boot) error {
	var conf strings.Builder
	fmt.Fprintf(&conf, "key %q { algorithm %s; secret %q; };\n", b.TSIG.Name, b.TSIG.Algorithm, b.TSIG.Secret)
	fmt.Fprintf(&conf, "options { directory \"/var/cache/bind\"; recursion no; dnssec-validation no; listen-on-v6 { none; }; pid-file \"/run/named/named.pid\"; };\ncontrols { };\n")
	if err := emptyDir("/var/cache/bind", 0o755); err != nil {
		return err
	}
	for _, z := range b.Zones {
		file := "/var/cache/bind/" + z.Name + ".zone"
		fmt.Fprintf(&conf, "zone %q { type master; file %q; allow-update { key %q; }; allow-transfer { key %q; }; };\n", z.Name, file, b.TSIG.Name, b.TSIG.Name)
		if err := replaceFile(file, z.text(), 0o644); err != nil {
			return err
		}
	}
	if err := replaceFile("/etc/bind/named.conf", conf.String(), 0o640); err != nil {
		return err
	}
	return chown("bind", "/etc/bind/named.conf", "/var/cache/bind")
}
