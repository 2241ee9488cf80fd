// Package power takes the power from a machine while plumb works on it. The machine is User Mode Linux (Debian's
// user-mode-linux): a kernel of its own with a page cache and a file system of its own, which kill -9 ends between two
// instructions. What was not synced is gone.
//
//	machine_test.go   the machine: a kernel, a disk, an overlay over this machine's root
//	guest_test.go     what runs in it as process 1: this very test binary
//	judge_test.go     what must be true after the boot
//	power_test.go     the campaign
//
// In it plumb applies pools, volumes, images, VMs that do not run, bridges, addresses and records, on ext4, libvirt, netlink and
// Knot. Debian's kernel for User Mode Linux has no nftables for IP, so NAT, firewall and balancer are not there.
package power
