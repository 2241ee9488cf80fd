package drift

var links = []chain{{
	object: "bridge/spare@jino0", host: "jino0", keep: "cat /sys/class/net/spare0/ifalias >/root/alias",
	all: []tamper{
		{field: "bridge.interface", spoil: "ip link set spare0 name spare9", mend: "ip link set spare9 name spare0", tells: "interface"},
		{field: "bridge.ports", spoil: "ip link set eth4 nomaster", mend: "ip link set eth4 master spare0", tells: "ports"},
		{field: "bridge.mtu", spoil: "ip link set spare0 mtu 1300", mend: "ip link set spare0 mtu 1400", tells: "mtu"},
		{field: "bridge.host", spoil: "ip link del spare0", tells: "is gone",
			mend: `printf 'link set spare0 alias %s\nlink set eth3 master spare0\nlink set eth4 master spare0\nlink set spare0 mtu 1400\nlink set spare0 up\n' "$(cat /root/alias)" >/root/batch
				sed -i '1i link add spare0 type bridge' /root/batch; ip -batch /root/batch`},
	},
}, {
	object: "network/spare@jino0", host: "jino0", keep: "virsh net-dumpxml --inactive spare >/root/net.xml",
	all: []tamper{
		{field: "network.bridge", spoil: "sed 's/app/spare0/' /root/net.xml >/root/other.xml; virsh -q net-define /root/other.xml; virsh -q net-destroy spare; virsh -q net-start spare",
			mend: "virsh -q net-define /root/net.xml; virsh -q net-destroy spare; virsh -q net-start spare", tells: "bridge"},
		{field: "network.host", spoil: "virsh -q net-destroy spare; virsh -q net-undefine spare",
			mend: "virsh -q net-define /root/net.xml; virsh -q net-start spare; virsh -q net-autostart spare", tells: "is gone"},
	},
}, {
	object: "address/spare@edge2", host: "edge2",
	all: []tamper{
		{field: "address.interface", spoil: moved("10.3.0.1/24 dev eth3", "10.3.0.1/24 dev eth4"), mend: moved("10.3.0.1/24 dev eth4", "10.3.0.1/24 dev eth3"), tells: "interface mark"},
		{field: "address.address", spoil: moved("10.3.0.1/24 dev eth3", "10.3.0.1/25 dev eth3"), mend: moved("10.3.0.1/25 dev eth3", "10.3.0.1/24 dev eth3"), tells: "address mark"},
		{field: "address.host", spoil: "ip address del 10.3.0.1/24 dev eth3", mend: "ip address add 10.3.0.1/24 dev eth3", tells: "is gone"},
	},
}, {
	object: "host/ns1@ns1", host: "ns1",
	all: []tamper{
		{field: "host.hardware.cores", spoil: "awk '/^processor/ {n++} n < 2' /proc/cpuinfo >/root/cpuinfo; mount --bind /root/cpuinfo /proc/cpuinfo", mend: "umount /proc/cpuinfo", tells: "hardware.cores"},
		{field: "host.hardware.memory", spoil: `if [ -d /sys/devices/system/memory ]; then at=/sys/devices/system/memory; mkdir -p /root/memory/memory0; echo 8000000 >/root/memory/block_size_bytes; echo online >/root/memory/memory0/state
				else at=/proc/meminfo; echo "MemTotal: 65536 kB" >/root/memory; fi; mount --bind /root/memory $at`,
			mend: "umount /sys/devices/system/memory || umount /proc/meminfo", tells: "hardware.memory"},
		{field: "host.hardware.disks", spoil: "rm /dev/disk/by-id/boot", mend: "ln -s ../../vda /dev/disk/by-id/boot", tells: "hardware.disks.boot"},
		{field: "host.hardware.disks.size", spoil: "ln -sfn ../../loop7 /dev/disk/by-id/boot", mend: "ln -sfn ../../vda /dev/disk/by-id/boot", tells: "hardware.disks.boot.size"},
		{field: "host.hardware.nics", spoil: "ip link set card0 name card9", mend: "ip link set card9 name card0", tells: "hardware.nics.card0"},
		{field: "host.hardware.nics.mac", spoil: "ip link set card0 address 02:00:00:00:00:08", mend: "ip link set card0 address 02:00:00:00:00:07", tells: "hardware.nics.card0.mac"},
		{field: "host.hardware.nics.speed", spoil: "ip link set far1 down", mend: "ip link set far1 up", tells: "hardware.nics.card1.carrier"},
	},
}}

// moved has an address leave one place for another in one go.
func moved(from, to string) string {
	return "printf 'address del " + from + "\\naddress add " + to + "\\n' | ip -batch -"
}
