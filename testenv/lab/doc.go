// Package lab brings up a laboratory: hosts as Linux namespaces on this machine, with their own files, processes,
// network and real daemons, joined by cables and switches that exist nowhere
// else. Tests and `plumb lab` use it; the product does not know it.
//
// A binary that uses labs calls Main first, because the parts of a lab are the
// binary itself, started again:
//
//	func TestMain(m *testing.M) { lab.Main(); os.Exit(m.Run()) }
//
// The test of a kind most often wants to be on a host. Within runs its body there, so that
// every program, socket, file and interface it touches is the host's:
//
//	func TestVolumeGrows(t *testing.T) {
//		lab.Within(t, func() {
//			out, err := exec.Command("virsh", "pool-list").Output() // the libvirtd of host1
//			…
//		}, lab.With("libvirtd"))
//	}
//
// From outside, for example to try a transport:
//
//	h := lab.Host(t, lab.With("libvirtd"))      // skips without root or libvirtd
//	h.Exec("virsh", "pool-list")                // fails the test if virsh fails
//	transport := h.EnterArgv()                  // put before: plumb exec --stdio; for all hosts
//	                                            // of a lab: l.EnterArgv("{host}")
//	h.Service("host1", "libvirtd").Freeze()
//	h.Kill("host1"); h.Start("host1")           // power cut and boot, same disk
//
// and with several hosts lab.Start(t, lab.Config{Hosts: …}), or the whole site of the payroll story:
// lab.Start(t, lab.Boston("")).
//
// On a host: / is an overlay over the machine's root (all of /etc, /var and so on are the host's
// own and survive Kill and Start), /run and /tmp are fresh at each boot, /etc/machine-id,
// hostname, hosts and resolv.conf are its own, systemctl(1) speaks to the lab's
// pid 1, /etc/plumb/secrets holds the TSIG key. The directory of the running binary
// and CacheDir are visible read-only, the working directory of a test and Config.Share writable.
// keepalived runs whenever /etc/keepalived/keepalived.conf exists. With sshd on any host, root of every host can reach it by
// name with ssh(1), and its key is known. Logs of services are in
// /var/log/plumb-lab.
//
// A lab ends with its starter, also after kill -9: see the drawing at keeper. Nothing
// of it is ever in the machine's root namespaces but its directory.
package lab
