package lab

import (
	"fmt"
	"os"
	"sort"
	"strings"
)

// service is a Service with what has to be on disk for it.
type service struct {
	Service
	prepare func(b boot) error // once, at the first boot
	boot    func() error       // at every boot
}

var builtin = map[string]service{
	"libvirtd": {
		Service: Service{Argv: []string{"libvirtd", "--listen"}, Ready: []string{"virsh", "-q", "-c", "qemu:///system", "list", "--all"}},
		prepare: prepareLibvirt,
		boot:    func() error { return os.MkdirAll("/run/libvirt", 0o755) },
	},
	"knot": {
		Service: Service{Argv: []string{"knotd", "-c", "/etc/knot/knot.conf"}, Ready: []string{"knotc", "-t", "1", "status"}},
		prepare: prepareKnot,
		boot:    func() error { return runDir("knot") },
	},
	"bind": {
		Service: Service{Argv: []string{"named", "-g", "-u", "bind", "-c", "/etc/bind/named.conf"},
			Ready: []string{"dig", "+time=1", "+tries=1", "+norecurse", "@127.0.0.1", "version.bind", "CH", "TXT"}},
		prepare: prepareBind,
		boot:    func() error { return runDir("named") },
	},
	"keepalived": {
		// --vrrp: the checker process would need IPVS, which a host in a namespace lacks.
		Service: Service{Argv: []string{"keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp"},
			When: "/etc/keepalived/keepalived.conf"},
		prepare: func(boot) error { return emptyDir("/etc/keepalived", 0o755) },
	},
	"httpd": {
		Service: Service{Argv: []string{"busybox", "httpd", "-f", "-p", "80", "-h", "/srv/http"}},
		prepare: func(b boot) error { return replaceFile("/srv/http/index.html", b.Name+"\n", 0o644) },
	},
}

func init() {
	for name, kind := range builtin {
		kind.Name = name
		builtin[name] = kind
	}
}

// Services lists the names that HostConfig.Services may hold.
func Services() []string {
	var names []string
	for name := range builtin {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// runDir makes the runtime directory of a daemon that drops its rights.
func runDir(name string) error {
	user := map[string]string{"named": "bind"}[name]
	if user == "" {
		user = name
	}
	if err := os.MkdirAll("/run/"+name, 0o755); err != nil {
		return err
	}
	return chown(user, "/run/"+name)
}

func prepareLibvirt(b boot) error {
	for _, dir := range []string{"/var/lib/libvirt", "/var/log/libvirt", "/etc/libvirt/qemu", "/etc/libvirt/storage"} {
		if err := emptyDir(dir, 0o755); err != nil {
			return err
		}
	}
	daemon := fmt.Sprintf(`unix_sock_group = "root"
auth_unix_rw = "none"
auth_unix_ro = "none"
auth_tcp = "none"
listen_tls = 0
host_uuid = "%s"
`, uuid(b.id()))
	qemu := `user = "root"
group = "root"
cgroup_controllers = [ ]
security_driver = "none"
stdio_handler = "file"
remember_owner = 0
namespaces = [ ]
`
	// libvirtd refuses to listen or to migrate on loopback.
	if a := b.address(); a != "" {
		daemon += fmt.Sprintf("listen_tcp = 1\nlisten_addr = %q\n", a)
		qemu += fmt.Sprintf("migration_host = %q\n", a)
	}
	if err := replaceFile("/etc/libvirt/libvirtd.conf", daemon, 0o644); err != nil {
		return err
	}
	return replaceFile("/etc/libvirt/qemu.conf", qemu, 0o644)
}

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
