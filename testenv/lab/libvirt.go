package lab

import "fmt"

// prepareLibvirt configures libvirtd for a machine without systemd, KVM, cgroups and security modules, and
// hides the definitions of the machine below.
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
