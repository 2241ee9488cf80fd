// Package guest builds the tiny guest of the laboratory: a bootable disk with Debian's
// cloud kernel and a busybox root in memory, which answers HTTP a few seconds after
// it was started by an emulated QEMU. It needs a virtio disk, virtio NICs and ACPI of
// its hypervisor, and 96 MiB of memory.
//
// What it reads: SMBIOS OEM strings (type 11; in libvirt <sysinfo type='smbios'> with
// <oemStrings><entry>… and <smbios mode='sysinfo'/> in <os>), each an entry of its own:
//
//	plumb.hostname=payroll
//	plumb.nic.52:54:00:0a:01:0c=10.1.1.12/24,gw=10.1.1.1     one per NIC, gw optional
//
// A NIC plugged in later gets its address too; a new CPU is put to use at once.
//
// What it serves on port 80, as text:
//
//	/                       KEY=VALUE lines: hostname, content, disk.vda (bytes, as the guest sees the disk
//	                        now), disk.vdb …, memory (MemTotal in bytes), cpus, boot (an ID per boot), uptime
//	/cgi-bin/write?TEXT     keeps TEXT as content on its disk, synced before it answers
//	/cgi-bin/ignore?yes     from now on the power button does nothing; ?no: it works again
//
// The power button (virsh shutdown) syncs and powers off within a second or two. The content is in an ext4
// file system on /dev/vda2, so it lives as long as the disk; a new disk says "fresh".
package guest
