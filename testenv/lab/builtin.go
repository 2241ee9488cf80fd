package lab

import (
	"os"
	"sort"
)

// service is a Service with what has to be on disk for it.
type service struct {
	Service
	prepare func(b boot) error // once, at the first boot
	boot    func() error       // at every boot
}

var builtin = map[string]service{
	"libvirtd": {
		// Debian's unit revives it, and it needs that: libvirtd 9.0 sometimes crashes when a client is killed.
		Service: Service{Argv: []string{"libvirtd", "--listen"}, Ready: []string{"virsh", "-q", "-c", "qemu:///system", "list", "--all"}, Revive: OnFailure},
		prepare: prepareLibvirt,
		boot:    func() error { return os.MkdirAll("/run/libvirt", 0o755) },
	},
	"knot": {
		Service: Service{Argv: []string{"knotd", "-c", "/etc/knot/knot.conf"}, Ready: []string{"knotc", "-t", "1", "status"}, Revive: OnAbort},
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
	"sshd": {
		Service: Service{Argv: []string{"/usr/sbin/sshd", "-D", "-e"}, Ready: []string{"ssh-keyscan", "-T", "1", "-t", "ed25519", "127.0.0.1"}},
		prepare: prepareSSH,
		boot:    func() error { return os.MkdirAll("/run/sshd", 0o755) },
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
